//! The program `eventprop`.
fn main() {}
