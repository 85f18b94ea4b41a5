//! No MPI: there is one process, and no world around it.

use std::env;

use eventprop::reduce::Ranks;

use crate::{BeginError, End};

/// Variables in which launchers tell a process how many there are: Open MPI, and those that speak PMI.
const SIZES: [&str; 2] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"];

/// The ranks of this program; there are none.
#[derive(Debug)]
pub enum World {}

impl World {
    /// None: there is this process only.
    ///
    /// # Errors
    /// [`BeginError::Without`] when it was started several times.
    pub fn begin() -> Result<Option<Self>, BeginError> {
        let sizes = SIZES.iter().filter_map(|name| env::var(name).ok());
        let ranks = sizes.filter_map(|size| size.parse().ok()).max();
        match ranks {
            Some(ranks) if ranks > 1 => Err(BeginError::Without { ranks }),
            _ => Ok(None),
        }
    }

    /// The ranks.
    pub fn ranks(&self) -> Ranks {
        match *self {}
    }

    /// The ranks on this machine.
    pub fn on_machine(&self) -> usize {
        match *self {}
    }

    /// The threads that this rank can have.
    pub fn threads(&self) -> usize {
        match *self {}
    }

    /// The code with which all ranks end; the first tells what has failed.
    pub fn end(self, _own: End, _tell: impl FnOnce(&End)) -> u8 {
        match self {}
    }
}
