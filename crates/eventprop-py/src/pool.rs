//! The threads that compute.
//!
//! A pool of its own rather than rayon's global one, because a process that Python forks inherits the
//! memory of a pool but none of its threads: there a new pool is made, where the old one would wait
//! for ever.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

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
pub fn set_threads(threads: usize) {
    let mut all = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    if all.wanted != threads {
        all.wanted = threads;
        forget(all.pool.take());
    }
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

/// Computes on the pool while other Python threads go on.
pub fn compute<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let pool = pool()?;
    Ok(py.detach(|| pool.install(work)))
}
