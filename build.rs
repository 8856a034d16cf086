//! Suites and schemas are embedded by a macro that cargo cannot see into: a changed or new file has to rebuild the crate.
fn main() {
    println!("cargo::rerun-if-changed=suites");
    println!("cargo::rerun-if-changed=schemas");
}
