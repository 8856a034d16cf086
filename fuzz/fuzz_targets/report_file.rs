//! Any report: it is written as JUnit that a second parser reads, and as text.
#![no_main]

use dcrspec::{report, spec::Catalogue};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(read) = serde_json::from_slice::<report::Report>(data) else { return };
    let text = report::terminal(&read, report::Style::default(), Catalogue::embedded());
    assert!(!text.contains('\u{1b}'), "{text}");
    let junit = report::junit(&read);
    let mut xml = quick_xml::Reader::from_str(&junit);
    loop {
        match xml.read_event() {
            Ok(quick_xml::events::Event::Eof) => break,
            Ok(_) => {}
            Err(e) => panic!("{e}: {junit}"),
        }
    }
});
