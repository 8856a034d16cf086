//! The reference server with a defect beside the one without: they differ where the defect says, and nowhere else. What is held is
//! written down in `dcrspec::fuzz::differential`.
//!
//! Two bytes choose the defect, the third whether a registration or a life over RFC 7592 follows, the others go to the generator.
#![no_main]

use std::{cell::RefCell, collections::HashMap};

use dcrspec::{
    fuzz::differential::{Pair, chosen},
    server::defects,
};

thread_local! {
    // References are not dropped when the thread ends, so that a leak detector still finds what they stand for.
    static PAIRS: &'static RefCell<HashMap<usize, Option<Pair>>> = Box::leak(Box::default());
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((number, rest)) = chosen(data) else { return };
    PAIRS.with(|pairs| {
        let mut pairs = pairs.borrow_mut();
        // With some defects no client can be registered at all: the self-test is all that there is to say of those.
        let pair = pairs.entry(number).or_insert_with(|| Pair::new(&defects()[number]).ok());
        let strange = pair.as_ref().map(|pair| pair.feed(rest)).unwrap_or_default();
        if !strange.is_empty() {
            let told: Vec<&str> = strange.iter().map(|strange| strange.message.as_str()).collect();
            panic!(
                "{}",
                told.join(
                    "
"
                )
            );
        }
    });
});
