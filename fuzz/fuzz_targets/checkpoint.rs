#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| eventprop_fuzz::checkpoint(bytes));
