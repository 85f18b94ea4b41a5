//! Text for people and programs. A reader that goes away (`eventprop params mnist | head`) is no error; a standard
//! output that cannot be written otherwise is.

use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The first error of standard output.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// True where another rank talks to the user.
static SILENT: AtomicBool = AtomicBool::new(false);

/// From now on nothing is said.
pub fn silence() {
    SILENT.store(true, Ordering::Relaxed);
}

/// A line on standard output; [`lost`] tells of one that could not be written.
pub fn out(text: &str) {
    if SILENT.load(Ordering::Relaxed) {
        return;
    }
    if let Err(error) = line(&mut io::stdout().lock(), text) {
        // The first error is the one to tell.
        let _ = LOST.set(error);
    }
}

/// A line on standard error.
pub fn err(text: &str) {
    if SILENT.load(Ordering::Relaxed) {
        return;
    }
    // Nothing is left to tell a user whose terminal is gone.
    let _ = line(&mut io::stderr().lock(), text);
}

/// Why standard output was not written, if it was not.
pub fn lost() -> Option<&'static io::Error> {
    LOST.get()
        .filter(|error| error.kind() != ErrorKind::BrokenPipe)
}

fn line(stream: &mut impl Write, text: &str) -> io::Result<()> {
    writeln!(stream, "{text}").and_then(|()| stream.flush())
}
