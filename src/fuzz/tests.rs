use super::*;

#[test]
fn placeholder() {
    let _ = generate::input(&[]);
}
