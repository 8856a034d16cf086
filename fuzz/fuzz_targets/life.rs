//! Sequences over RFC 7592 from the model, at the reference server: nobody may be accused.
#![no_main]

mod shared;

use dcrspec::fuzz::session::Session;

libfuzzer_sys::fuzz_target!(|data: &[u8]| shared::at_reference(data, Session::feed_sequence));
