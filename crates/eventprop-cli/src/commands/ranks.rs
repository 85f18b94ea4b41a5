//! Commands that several ranks carry out, as `mpirun` starts them.

use std::num::NonZeroUsize;

use eventprop::reduce::Reduce;
use eventprop_experiment::machine;
use eventprop_mpi::World;

use crate::failure::{self, Failure};
use crate::output;

/// Carries out a command at all ranks, if there are some; the first alone talks.
pub fn with_world(json: bool, command: impl FnOnce(Option<&World>) -> Result<u8, Failure>) -> u8 {
    let world = match World::begin() {
        Ok(world) => world,
        Err(error) => return failure::conclude(Err(Failure::usage(error)), json),
    };
    if let Some(world) = &world {
        machine::share_memory(world.on_machine());
        if world.ranks().rank() > 0 {
            output::silence();
        }
    }
    let ended = command(world.as_ref());
    failure::conclude_all(ended, json, world)
}

/// The numbers of the first rank, at all ranks.
pub fn the_same<const N: usize>(
    world: Option<&World>,
    numbers: [u32; N],
) -> Result<[u32; N], Failure> {
    let Some(mut ranks) = world.map(World::ranks) else {
        return Ok(numbers);
    };
    let first = ranks.rank() == 0;
    let mut told = numbers.map(|number| if first { u64::from(number) } else { 0 });
    let heard = ranks.total(&mut told);
    heard.map_err(|error| Failure::failed(error).echo())?;
    Ok(told.map(|number| number as u32))
}

/// Waits until all ranks are here.
pub fn meet(world: Option<&World>) -> Result<(), Failure> {
    the_same(world, []).map(drop)
}

/// The threads of this rank: those that were asked for, or its part of the cores.
pub fn threads(asked: Option<NonZeroUsize>, world: Option<&World>) -> Option<NonZeroUsize> {
    asked.or_else(|| NonZeroUsize::new(world?.threads()))
}
