//! The threads that compute.
//!
//! A pool of its own rather than rayon's global one, because a process that Python forks inherits the
//! memory of a pool but none of its threads: there a new pool is made, where the old one would wait
//! for ever.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use eventprop_experiment::machine;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::errors;

/// Time between two looks at the signals of the interpreter and at what is done.
pub const LOOK: Duration = Duration::from_millis(100);

struct Threads {
    /// Number asked for; 0 for one per core.
    wanted: usize,
    /// The pool and the process that started it.
    pool: Option<(u32, Arc<ThreadPool>)>,
}

static THREADS: Mutex<Threads> = Mutex::new(Threads {
    wanted: 0,
    pool: None,
});

/// Sets the number of threads that compute; 0 for one per core (or RAYON_NUM_THREADS).
#[pyfunction]
pub fn set_threads(threads: usize) -> PyResult<()> {
    machine::check_threads(threads)
        .map_err(|problem| errors::value(format!("count is {threads}; {problem}")))?;
    let mut all = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    if all.wanted != threads {
        all.wanted = threads;
        forget(all.pool.take());
    }
    Ok(())
}

/// The number of threads that compute.
#[pyfunction]
pub fn threads() -> PyResult<usize> {
    Ok(pool()?.current_num_threads())
}

/// The pool of this process.
pub fn pool() -> PyResult<Arc<ThreadPool>> {
    let mut all = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if let Some((owner, pool)) = &all.pool
        && *owner == process
    {
        return Ok(Arc::clone(pool));
    }
    machine::check_environment().map_err(errors::value)?;
    forget(all.pool.take());
    let builder = ThreadPoolBuilder::new().num_threads(all.wanted);
    let pool = builder.build().map_err(|error| {
        PyRuntimeError::new_err(format!("the threads could not be started: {error}"))
    })?;
    let pool = Arc::new(pool);
    all.pool = Some((process, Arc::clone(&pool)));
    Ok(pool)
}

/// Lets go of a pool; one of a parent process is leaked, because its threads cannot be joined here.
fn forget(pool: Option<(u32, Arc<ThreadPool>)>) {
    if let Some((owner, pool)) = pool
        && owner != std::process::id()
    {
        std::mem::forget(pool);
    }
}

/// Computes on the pool while other Python threads go on, and looks at the signals of the interpreter meanwhile: the
/// exception of one (Ctrl-C) is raised at once, and the work ends by itself, unheard. What comes next gets a new pool
/// rather than to wait for it.
pub fn compute<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let pool = pool()?;
    let (sender, receiver) = channel();
    pool.spawn(move || {
        let done = catch_unwind(AssertUnwindSafe(work));
        // A listener that has gone has an exception to raise.
        let _ = sender.send(done);
    });
    py.detach(move || {
        loop {
            match receiver.recv_timeout(LOOK) {
                Ok(done) => return Ok(done.unwrap_or_else(|panic| resume_unwind(panic))),
                Err(_) => Python::attach(|py| py.check_signals().inspect_err(|_| renew()))?,
            }
        }
    })
}

/// Computes on the pool with what is borrowed from Python, while other Python threads go on. For what is short: signals
/// wait.
pub fn compute_borrowed<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let pool = pool()?;
    Ok(py.detach(|| pool.install(work)))
}

/// Leaves the pool to what it computes; the next call makes a new one.
fn renew() {
    let mut all = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    forget(all.pool.take());
}
