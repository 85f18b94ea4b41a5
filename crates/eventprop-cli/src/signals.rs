//! Ctrl-C and requests to terminate: the first stops a run after its batch, the second ends the program
//! at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::failure::Failure;
use crate::speak;

/// Whether a run is to stop, and why.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    code: Arc<AtomicU8>,
}

impl Stop {
    /// Listens from now on.
    pub fn listen() -> Result<Self, Failure> {
        let stop = Self::default();
        listen(stop.clone()).map_err(Failure::failed)?;
        Ok(stop)
    }

    /// The flag that the signal sets.
    pub fn flag(&self) -> &AtomicBool {
        &self.asked
    }

    /// The exit code of a program that stopped: 128 and the number of the signal, as shells have it.
    pub fn code(&self) -> u8 {
        self.code.load(Ordering::Relaxed)
    }

    fn hear(&self, code: u8) {
        self.code.store(code, Ordering::Relaxed);
        if self.asked.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(code));
        }
        speak::err(
            "stopping after this batch; a checkpoint is written, from which `eventprop resume` goes on (again: at once)",
        );
    }
}

#[cfg(unix)]
fn listen(stop: Stop) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let number = u8::try_from(signal).expect("these signals have small numbers");
            stop.hear(128 + number);
        }
    });
    Ok(())
}

#[cfg(not(unix))]
fn listen(stop: Stop) -> Result<(), ctrlc::Error> {
    // Ctrl-C has the number 2.
    ctrlc::set_handler(move || stop.hear(130))
}
