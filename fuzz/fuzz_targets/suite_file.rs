//! Any text as a suite: it loads, or it is refused at a place.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data)
        && let Err(error) = dcrspec::suite::load_text("suite.yaml", text)
    {
        assert!(error.to_string().starts_with("suite.yaml"), "{error}");
    }
});
