//! Ctrl-C and requests to terminate: the first stops the work at the next good place, the second ends the
//! program at once, without the files that it is writing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use eventprop_data::atomic;
use eventprop_experiment::run::Summary;

use crate::failure::{DONE, FAILED, Failure};
use crate::output;

/// The message when a run is asked to stop.
pub const RUN: &str = "stopping after this batch; a checkpoint is written, from which `eventprop resume` goes on (again: at once)";

/// The request to stop, if any, and its reason.
#[derive(Debug, Clone)]
pub struct Stop {
    words: &'static str,
    /// True if there is something to bring to an end.
    begun: Arc<AtomicBool>,
    asked: Arc<AtomicBool>,
    code: Arc<AtomicU8>,
}

impl Stop {
    /// Listens from now on; says `words` at the first signal after [`Self::begin`]. One before ends the program
    /// at once.
    pub fn listen(words: &'static str) -> Result<Self, Failure> {
        let stop = Self {
            words,
            begun: Arc::default(),
            asked: Arc::default(),
            code: Arc::default(),
        };
        listen(stop.clone()).map_err(Failure::failed)?;
        Ok(stop)
    }

    /// From now on there is something to bring to an end.
    pub fn begin(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    /// The flag that the signal sets.
    pub fn flag(&self) -> &AtomicBool {
        &self.asked
    }

    /// The exit code of a program that stopped: 128 and the number of the signal, as shells have it.
    pub fn code(&self) -> u8 {
        self.code.load(Ordering::Relaxed)
    }

    /// The exit code of a run; without a summary it was stopped before it began.
    pub fn code_of(&self, summary: Option<&Summary>) -> u8 {
        if summary.is_some_and(|summary| !summary.cancelled) {
            DONE
        } else {
            self.code()
        }
    }

    fn hear(&self, code: u8) {
        self.code.store(code, Ordering::Relaxed);
        if !self.begun.load(Ordering::Relaxed) || self.asked.swap(true, Ordering::Relaxed) {
            let _removed = atomic::remove_unfinished();
            std::process::exit(i32::from(code));
        }
        output::err(self.words);
    }
}

/// For work that cannot be continued: from now on a signal ends the program at once.
pub fn end_at_once() -> Result<(), Failure> {
    // It never begins anything that would be brought to an end.
    Stop::listen("").map(drop)
}

/// From now on a program whose memory has run out ends with exit code 1, after the message of the standard library, which
/// would abort it.
#[cfg(unix)]
pub fn exit_without_memory() {
    let always = Arc::new(AtomicBool::new(true));
    let code = i32::from(FAILED);
    // Without it the program still ends, by the signal.
    let _registered = signal_hook::flag::register_conditional_shutdown(
        signal_hook::consts::SIGABRT,
        code,
        always,
    );
}

/// Nothing to do: a program that aborts has an exit code on this system.
#[cfg(not(unix))]
pub fn exit_without_memory() {}

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
