//! The ranks of a program that `mpirun` or `srun` has started several times.
//!
//! [`World::begin`] finds out whether there are some. [`World::ranks`] hands them to sessions and runs; at the end
//! [`World::end`] brings what went wrong, at whichever ranks, to the first one, which tells the user.
//!
//! With the feature `mpi` the ranks talk over the MPI library of the machine. Without it the crate needs nothing and
//! knows no ranks; it then refuses to be started several times.

#[cfg_attr(feature = "mpi", path = "over_mpi.rs")]
#[cfg_attr(not(feature = "mpi"), path = "without.rs")]
mod world;

use thiserror::Error;

pub use world::World;

/// A failure to begin with ranks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BeginError {
    /// The program was built without MPI and is started several times.
    #[error(
        "{ranks} processes were started, and this program was built without MPI; build it with `cargo install --path crates/eventprop-cli --features mpi`, or start one process"
    )]
    Without {
        /// The number of processes.
        ranks: usize,
    },
    /// The MPI library does not do what is needed.
    #[error("the MPI library cannot be used: {problem}")]
    Library {
        /// The ability that it lacks.
        problem: String,
    },
}

/// The end of the program at one rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The exit code.
    pub code: u8,
    /// The failure, if there is one.
    pub failure: Option<Failure>,
}

/// A failure at a rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The message for the user.
    pub message: String,
    /// True if it says no more than that another rank has failed.
    pub echo: bool,
}

impl End {
    /// The end of all ranks: the exit code of the first that failed by itself, otherwise the largest; and messages,
    /// each with the ranks that have it unless all have.
    #[cfg(any(feature = "mpi", test))]
    fn of_all(ends: &[Self]) -> Self {
        let failed = |end: &&Self| end.failure.is_some();
        let by_itself = |end: &&Self| end.failure.as_ref().is_some_and(|f| !f.echo);
        let echoes_only = !ends.iter().any(|end| by_itself(&end));
        let telling = |end: &&Self| by_itself(end) || echoes_only && failed(end);
        let mut messages: Vec<(&str, Vec<usize>)> = Vec::new();
        for (rank, end) in ends.iter().enumerate().filter(|(_, end)| telling(end)) {
            let message = end.failure.as_ref().map_or("", |f| &f.message);
            match messages.iter_mut().find(|(known, _)| *known == message) {
                Some((_, ranks)) => ranks.push(rank),
                None => messages.push((message, vec![rank])),
            }
        }
        let first = ends.iter().find(telling).map(|end| end.code);
        let largest = ends.iter().map(|end| end.code).max();
        let told = |(message, ranks): &(&str, Vec<usize>)| {
            if ranks.len() == ends.len() {
                return (*message).to_owned();
            }
            let ranks: Vec<String> = ranks.iter().map(usize::to_string).collect();
            format!("rank {}: {message}", ranks.join(", "))
        };
        let message = messages.iter().map(told).collect::<Vec<_>>().join("\n");
        Self {
            code: first.or(largest).unwrap_or(0),
            failure: (!messages.is_empty()).then_some(Failure {
                message,
                echo: echoes_only,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: u8, message: &str, echo: bool) -> End {
        let message = message.to_owned();
        End {
            code,
            failure: Some(Failure { message, echo }),
        }
    }

    const DONE: End = End {
        code: 0,
        failure: None,
    };

    #[test]
    fn the_first_that_failed_by_itself_gives_the_code_and_echoes_say_nothing() {
        assert_eq!(End::of_all(&[DONE, DONE]), DONE);
        let stopped = End {
            code: 143,
            failure: None,
        };
        assert_eq!(End::of_all(&[DONE, stopped.clone()]), stopped);
        let echo = failed(1, "rank 1 failed", true);
        let all = End::of_all(&[echo.clone(), failed(2, "no", false), failed(2, "no", false)]);
        assert_eq!(all, failed(2, "rank 1, 2: no", false));
        let all = End::of_all(&[failed(1, "full", false), failed(1, "full", false)]);
        assert_eq!(all, failed(1, "full", false));
        let all = End::of_all(&[echo.clone(), DONE]);
        assert_eq!(all, failed(1, "rank 0: rank 1 failed", true));
        let all = End::of_all(&[failed(2, "a", false), failed(1, "b", false), echo]);
        assert_eq!(all, failed(2, "rank 0: a\nrank 1: b", false));
    }
}
