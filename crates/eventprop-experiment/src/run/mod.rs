//! Runs: training, testing, cross-validation.
//!
//! [`run()`] and [`resume()`] are the two doors. Epochs are chosen, learning rates lowered and runs compared by
//! training and validation data only; the test part is solved once, at the end.

mod batch_recorder;
mod checkpoints;
mod checks;
mod cross_validate;
mod ending;
pub(crate) mod error;
mod execute;
mod failed_batch;
mod hidden;
pub(crate) mod learner;
mod persist;
mod pictures;
pub mod plan;
mod prepared;
pub(crate) mod progress;
pub(crate) mod report;
mod report_file;
mod resume;
mod rewire;
mod saved_network;
mod test;
mod train;
mod training_state;

use eventprop_params::Parameters;
use eventprop_params::picture::Draw;

use self::execute::{RunRequest, StartMode, execute};
use crate::data::Source;

pub use crate::settings::{Command, Phase};
pub use error::{ResumeError, RunError};
pub use failed_batch::FailedBatch;
pub use hidden::HiddenStatistics;
pub use progress::{BatchProgress, Control, Observer, Progress, Started};
pub use report::{EpochReport, LayerReport, RewiringReport, Score, Summary};
pub use resume::{Resume, resume};
pub use saved_network::{SavedNetwork, saved_network};

/// Runs a benchmark; `draw` draws its pictures (`eventprop_report::draw`). Works in the current rayon pool; results do not depend on its size. Training
/// continues until its end or until `control` is cancelled; a cancelled run writes what it has and a
/// checkpoint, from which [`resume()`] continues.
///
/// # Errors
/// [`RunError`]; what was completed before stays on the disk.
pub fn run(
    command: Command,
    params: &Parameters,
    source: &Source,
    draw: Draw,
    control: &mut Control<'_>,
) -> Result<Summary, RunError> {
    let request = RunRequest {
        command,
        params,
        source,
        draw,
        start: StartMode::New,
    };
    execute(&request, control)
}
