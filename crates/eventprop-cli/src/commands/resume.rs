//! `eventprop resume`: a run goes on where it was stopped, killed or lost its power.

use std::path::PathBuf;

use eventprop_experiment::run::{self, Control, Resume};
use eventprop_mpi::World;

use super::ranks;
use super::run::{RunOptions, source};
use crate::failure::Failure;
use crate::signals::{self, Stop};

/// Arguments of `resume`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of the run
    folder: PathBuf,
    /// Parameters that may change, such as N_EPOCH=200
    #[arg(value_name = "KEY=VALUE")]
    changes: Vec<String>,
    /// Name of the run, if the folder holds several
    #[arg(long)]
    name: Option<String>,
    /// Resume although settings or data have changed
    #[arg(long)]
    force: bool,
    /// Folder of the data, if they have moved [default: where they were, then $EVENTPROP_DATA and the cache folder of the system]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    options: RunOptions,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> u8 {
        ranks::with_world(self.options.json(), |world| self.try_run(world))
    }

    fn try_run(&self, world: Option<&World>) -> Result<u8, Failure> {
        let moved = self.data_dir.as_deref().map(|dir| source(Some(dir)));
        let what = Resume {
            folder: &self.folder,
            name: self.name.as_deref(),
            changes: &self.changes,
            force: self.force,
            source: moved.as_ref(),
        };
        let usual = source(None);
        let stop = Stop::listen(signals::RUN)?;
        let run =
            |control: &mut Control<'_>| run::resume(&what, &usual, eventprop_report::draw, control);
        self.options.carry_out((&stop, world), run)
    }
}
