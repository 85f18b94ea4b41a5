//! Text for people and programs. A reader that goes away (`eventprop params mnist | head`) is no error.

use std::io::{self, Write};

/// A line on standard output.
pub fn out(text: &str) {
    line(&mut io::stdout().lock(), text);
}

/// A line on standard error.
pub fn err(text: &str) {
    line(&mut io::stderr().lock(), text);
}

fn line(stream: &mut impl Write, text: &str) {
    // Nothing is left to tell a user whose terminal or pipe is gone.
    let _ = writeln!(stream, "{text}").and_then(|()| stream.flush());
}
