//! Registrations that the generator makes of the bytes, at the reference server: nobody may be accused.
#![no_main]

mod shared;

use dcrspec::fuzz::session::Session;

libfuzzer_sys::fuzz_target!(|data: &[u8]| shared::at_reference(data, Session::feed));
