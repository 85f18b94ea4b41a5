//! Ranks that talk over MPI, with messages from process to process.
//!
//! The collectives of MPI are not used: they sum in an order of their own, and nobody gets out of one when another
//! rank has failed. A rank that waits here looks out for word of a failure, too.

#![allow(
    unsafe_code,
    reason = "communicators are handles in C, and what a failed send has not sent must outlive it"
)]

use std::fmt;
use std::mem;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use eventprop::real::{Numbers, NumbersMut};
use eventprop::reduce::{Link, Ranks, ReduceError};
use mpi::Threading;
use mpi::environment::Universe;
use mpi::point_to_point::{Message, Status};
use mpi::request::StaticScope;
use mpi::topology::{Process, SimpleCommunicator};
use mpi::traits::{Communicator, Destination, Equivalence, MatchedReceiveVec, Source};

use crate::{BeginError, End, Failure};

/// Variables that launchers set: Open MPI and SLURM (PMIx), MPICH and Intel MPI (PMI), MVAPICH, Cray.
const LAUNCHED: [&str; 5] = [
    "PMIX_RANK",
    "PMI_RANK",
    "OMPI_COMM_WORLD_RANK",
    "MV2_COMM_WORLD_RANK",
    "PALS_RANKID",
];

/// Kinds of messages.
const DATA: i32 = 1;
const FAILED: i32 = 2;
const ENDED: i32 = 3;
const VERDICT: i32 = 4;

/// Looks for a message before a rank that waits sleeps in between; some hundred microseconds.
const LOOKS: u32 = 2000;
/// Sleep between two looks.
const NAP: Duration = Duration::from_micros(50);

/// The ranks of this program.
pub struct World {
    ranks: Ranks,
    wire: Wire,
    neighbours: Neighbours,
    /// MPI ends when it is dropped.
    universe: Universe,
}

impl World {
    /// The ranks, if a launcher started this process.
    ///
    /// # Errors
    /// [`BeginError::Library`].
    pub fn begin() -> Result<Option<Self>, BeginError> {
        if LAUNCHED.iter().all(|name| std::env::var_os(name).is_none()) {
            return Ok(None);
        }
        let library = |problem: &str| BeginError::Library {
            problem: problem.to_owned(),
        };
        // Sessions call from a thread of their pool, one call at a time.
        let (universe, threading) = mpi::initialize_with_threading(Threading::Serialized)
            .ok_or_else(|| library("it was initialised before"))?;
        if threading < Threading::Serialized {
            return Err(library(
                "it does not support threads (MPI_THREAD_SERIALIZED)",
            ));
        }
        let wire = Wire::new(universe.world().duplicate());
        let ranks = Ranks::over(Wire::new(universe.world().duplicate()));
        // Apart from the ranks: one that is through here may fail there before the others are.
        let apart = Ranks::over(Wire::new(universe.world().duplicate()));
        let neighbours = Neighbours::find(apart).map_err(|error| library(&error.to_string()))?;
        Ok(Some(Self {
            ranks,
            wire,
            neighbours,
            universe,
        }))
    }

    /// The ranks.
    pub fn ranks(&self) -> Ranks {
        self.ranks.clone()
    }

    /// The ranks on this machine, this one among them: they share its memory.
    pub fn on_machine(&self) -> usize {
        self.neighbours.on_machine
    }

    /// The threads that this rank can have: the cores that it may use, shared with the ranks on this machine that may
    /// use the same.
    pub fn threads(&self) -> usize {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        (cores / self.neighbours.on_cores).max(1)
    }

    /// The code with which all ranks end, when all have come to their end. The first tells what has failed, before
    /// any other ends: a launcher takes the rest down when the first rank ends with a failure.
    pub fn end(self, own: End, tell: impl FnOnce(&End)) -> u8 {
        let Self {
            ranks,
            wire,
            universe,
            ..
        } = self;
        let code = wire.end(own, tell);
        // Communicators are given back before MPI ends.
        drop((ranks, wire));
        drop(universe);
        code
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("World").field(&self.ranks).finish()
    }
}

/// Ranks that share something with this one, which is counted too.
#[derive(Debug, Clone, Copy)]
struct Neighbours {
    /// The machine.
    on_machine: usize,
    /// The machine and the cores that they may use.
    on_cores: usize,
}

impl Neighbours {
    /// All ranks tell where they are.
    fn find(mut ranks: Ranks) -> Result<Self, ReduceError> {
        let machine = mpi::environment::processor_name().unwrap_or_default();
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let allowed = status.lines().find(|l| l.starts_with("Cpus_allowed_list:"));
        let cores = format!("{machine}\n{}", allowed.unwrap_or_default());
        let all = ranks.texts(&cores)?;
        let there = |text: &&String| text.lines().next() == Some(&machine);
        Ok(Self {
            on_machine: all.iter().filter(there).count(),
            on_cores: all.iter().filter(|text| **text == cores).count(),
        })
    }
}

/// A communicator of our own, on which nobody else sends.
struct Wire {
    communicator: SimpleCommunicator,
    /// The rank that failed, once that is known.
    failed: Option<usize>,
    /// Numbers on their way.
    f32: Vec<f32>,
    f64: Vec<f64>,
    u64: Vec<u64>,
}

// SAFETY: a communicator is a handle that any thread may use where MPI has at least MPI_THREAD_SERIALIZED, which
// `World::begin` has made sure of, as long as calls do not overlap. The link lies behind the lock of `Ranks`, and
// `World::end` calls when all sessions are over.
unsafe impl Send for Wire {}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {} of {}", self.rank(), self.ranks())
    }
}

impl Wire {
    fn new(communicator: SimpleCommunicator) -> Self {
        Self {
            communicator,
            failed: None,
            f32: Vec::new(),
            f64: Vec::new(),
            u64: Vec::new(),
        }
    }

    fn process(&self, rank: usize) -> Process<'_> {
        self.communicator.process_at_rank(rank as i32)
    }

    /// Waits until `ready` gives something; looks out for failures of other ranks meanwhile.
    fn wait<T>(&self, mut ready: impl FnMut() -> Option<T>) -> Result<T, ReduceError> {
        let failed = |rank| Err(ReduceError::Failed { rank });
        if let Some(rank) = self.failed {
            return failed(rank);
        }
        let any = self.communicator.any_process();
        for look in 0_u32.. {
            if let Some(found) = ready() {
                return Ok(found);
            }
            if let Some(status) = any.immediate_probe_with_tag(FAILED) {
                // What a rank sent before it failed has arrived by now.
                return ready().map_or_else(|| failed(status.source_rank() as usize), Ok);
            }
            rest(look);
        }
        unreachable!("the loop has no end of its own")
    }

    /// Sends numbers that stay where they are until they are sent, and for ever if another rank fails before.
    fn post<T: Equivalence + 'static>(
        &self,
        to: usize,
        tag: i32,
        numbers: Vec<T>,
    ) -> Result<Vec<T>, ReduceError> {
        // SAFETY: the list is moved, not its numbers, and is forgotten unless they were sent.
        let lent: &'static [T] =
            unsafe { std::slice::from_raw_parts(numbers.as_ptr(), numbers.len()) };
        let request = self
            .process(to)
            .immediate_send_with_tag(StaticScope, lent, tag);
        let mut request = Some(request);
        let sent = self.wait(|| match request.take()?.test() {
            Ok(_) => Some(()),
            Err(pending) => {
                request = Some(pending);
                None
            }
        });
        match sent {
            Ok(()) => Ok(numbers),
            Err(error) => {
                mem::forget((request, numbers));
                Err(error)
            }
        }
    }

    fn take<T: Equivalence>(&self, from: usize, numbers: &mut [T]) -> Result<(), ReduceError> {
        let process = self.process(from);
        let (message, status) = self.wait(|| process.immediate_matched_probe_with_tag(DATA))?;
        receive((message, status), from, numbers)
    }

    /// Waits for a text, whatever else fails.
    fn hear(&self, from: usize, tag: i32) -> Vec<u8> {
        let process = self.process(from);
        for look in 0_u32.. {
            if let Some(found) = process.immediate_matched_probe_with_tag(tag) {
                return found.matched_receive_vec().0;
            }
            rest(look);
        }
        unreachable!("the loop has no end of its own")
    }

    fn say(&self, to: usize, tag: i32, bytes: Vec<u8>) {
        // Nobody fails on this communicator, so that what is sent arrives.
        let _ = self.post(to, tag, bytes);
    }

    /// Brings the ends of all ranks together at the first, which tells them, and its verdict to all.
    fn end(&self, own: End, tell: impl FnOnce(&End)) -> u8 {
        let ranks = self.ranks();
        if self.rank() > 0 {
            self.say(0, ENDED, pack(&own));
            return self.hear(0, VERDICT)[0];
        }
        let others = (1..ranks).map(|rank| unpack(&self.hear(rank, ENDED)));
        let ends: Vec<End> = std::iter::once(own).chain(others).collect();
        let end = End::of_all(&ends);
        tell(&end);
        (1..ranks).for_each(|rank| self.say(rank, VERDICT, vec![end.code]));
        end.code
    }
}

/// Takes a message that has to hold so many numbers.
fn receive<T: Equivalence>(
    (message, status): (Message, Status),
    from: usize,
    numbers: &mut [T],
) -> Result<(), ReduceError> {
    let found = status.count(T::equivalent_datatype());
    if usize::try_from(found) != Ok(numbers.len()) {
        return Err(ReduceError::Lost {
            why: format!(
                "rank {from} sent {found} numbers where {} were expected; start all ranks with the same program",
                numbers.len()
            ),
        });
    }
    message.matched_receive_into(numbers);
    Ok(())
}

/// Leaves the core to others for a while between two looks.
fn rest(look: u32) {
    if look < LOOKS {
        thread::yield_now();
    } else {
        thread::sleep(NAP);
    }
}

/// An end as bytes: its code, whether it is a failure (1) or an echo (2), its message.
fn pack(end: &End) -> Vec<u8> {
    let mut bytes = vec![end.code, 0];
    if let Some(failure) = &end.failure {
        bytes[1] = 1 + u8::from(failure.echo);
        bytes.extend_from_slice(failure.message.as_bytes());
    }
    bytes
}

fn unpack(bytes: &[u8]) -> End {
    let failure = |kind: u8| Failure {
        message: String::from_utf8_lossy(&bytes[2..]).into_owned(),
        echo: kind == 2,
    };
    End {
        code: bytes[0],
        failure: (bytes[1] > 0).then(|| failure(bytes[1])),
    }
}

impl Link for Wire {
    fn rank(&self) -> usize {
        self.communicator.rank() as usize
    }

    fn ranks(&self) -> usize {
        self.communicator.size() as usize
    }

    fn send_counts(&mut self, to: usize, counts: &[u64]) -> Result<(), ReduceError> {
        let mut room = mem::take(&mut self.u64);
        room.clear();
        room.extend_from_slice(counts);
        self.u64 = self.post(to, DATA, room)?;
        Ok(())
    }

    fn receive_counts(&mut self, from: usize, counts: &mut [u64]) -> Result<(), ReduceError> {
        self.take(from, counts)
    }

    fn send(&mut self, to: usize, numbers: Numbers<'_>) -> Result<(), ReduceError> {
        match numbers {
            Numbers::F32(list) => {
                let mut room = mem::take(&mut self.f32);
                room.clear();
                room.extend_from_slice(list);
                self.f32 = self.post(to, DATA, room)?;
            }
            Numbers::F64(list) => {
                let mut room = mem::take(&mut self.f64);
                room.clear();
                room.extend_from_slice(list);
                self.f64 = self.post(to, DATA, room)?;
            }
        }
        Ok(())
    }

    fn receive(&mut self, from: usize, numbers: NumbersMut<'_>) -> Result<(), ReduceError> {
        match numbers {
            NumbersMut::F32(list) => self.take(from, list),
            NumbersMut::F64(list) => self.take(from, list),
        }
    }

    fn fail(&mut self) {
        static WORD: [u8; 1] = [0];
        if self.failed.is_some() {
            return;
        }
        self.failed = Some(self.rank());
        for rank in (0..self.ranks()).filter(|&rank| rank != self.rank()) {
            let process = self.process(rank);
            let request = process.immediate_send_with_tag(StaticScope, &WORD[..], FAILED);
            // So short a message is on its way at once; nobody waits for it to arrive.
            mem::forget(request);
        }
    }
}
