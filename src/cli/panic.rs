//! What is said when the program itself is at fault: the place, and nothing that came from outside.

use std::panic::{PanicHookInfo, set_hook};

/// From now on a panic says where it happened. What was being worked on may be a secret, and the standard library quotes
/// it in some of its messages.
pub fn keep_secrets() {
    set_hook(Box::new(|info| eprintln!("{}", said(info))));
}

fn said(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
    // Only a message that was put together at run time can hold anything from outside.
    let what = info.payload().downcast_ref::<&'static str>().map_or_else(String::new, |text| format!(": {text}"));
    format!(
        "dcrspec panicked{place}{what}\nThis is a fault of dcrspec and not of the server under test: please report it with this line. The ledger holds what was registered; dcrspec cleanup LEDGER deletes it."
    )
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{catch_unwind, set_hook, take_hook},
        sync::Mutex,
    };

    use super::*;

    #[test]
    fn a_panic_quotes_nothing() {
        static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let before = take_hook();
        set_hook(Box::new(|info| SAID.lock().unwrap().push(said(info))));
        let token = String::from("sécret-token");
        let ended = [
            catch_unwind(|| token[..2].len()).is_err(),
            catch_unwind(|| panic!("{token:?} was not expected")).is_err(),
            catch_unwind(|| panic!("in plain words")).is_err(),
        ];
        set_hook(before);
        let said = SAID.lock().unwrap();
        let mine: Vec<_> = said.iter().filter(|s| s.contains("src/cli/panic.rs")).collect();
        assert_eq!(ended, [true; 3]);
        assert!(mine.iter().all(|s| !s.contains("token") && s.contains("panicked at src/cli/panic.rs:")), "{mine:?}");
        assert!(mine.iter().any(|s| s.contains(": in plain words")), "{mine:?}");
    }
}
