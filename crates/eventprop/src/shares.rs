//! Work on arrays that outlive a batch, shared out so that a thread finds in its cache what it had there.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

/// Numbers of an array that one task updates.
pub(crate) const CHUNK: usize = 8192;

/// Calls `work` once with every task. Each thread of the current rayon pool begins with a share of the tasks that is
/// the same in every call, and helps with what is left when its own is done.
///
/// PERF: rayon alone shares out anew every time. Moments and weights of a network of moderate size fit into the
/// caches of the cores, and fetching them from the other core takes several times as long as the update.
pub(crate) fn for_each_sticky<T: Send>(tasks: Vec<T>, work: impl Fn(T) + Sync) {
    if tasks.len() < 2 {
        return tasks.into_iter().for_each(work);
    }
    let tasks: Vec<Mutex<Option<T>>> = tasks
        .into_iter()
        .map(|task| Mutex::new(Some(task)))
        .collect();
    let (threads, count) = (rayon::current_num_threads(), tasks.len());
    (0..threads).into_par_iter().with_max_len(1).for_each(|_| {
        let me = rayon::current_thread_index().unwrap_or(0) % threads;
        let first = me * count / threads;
        for place in (first..count).chain(0..first) {
            let task = tasks[place]
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(task) = task {
                work(task);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::for_each_sticky;

    #[test]
    fn every_task_is_done_once() {
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            for count in [0, 1, 2, 50] {
                let done: Vec<AtomicU32> = (0..count).map(|_| AtomicU32::new(0)).collect();
                pool.install(|| {
                    for_each_sticky((0..count).collect(), |task| {
                        done[task].fetch_add(1, Ordering::Relaxed);
                    });
                });
                assert!(done.iter().all(|done| done.load(Ordering::Relaxed) == 1));
            }
        }
    }
}
