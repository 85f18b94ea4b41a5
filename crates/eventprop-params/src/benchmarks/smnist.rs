//! Parameters of sequential MNIST: those of SHD with other defaults, and the code of the
//! pixels.

use std::sync::LazyLock;

use crate::row::{Kind, Row};
// The table names most rows; a list of them would be the table again.
#[allow(clippy::wildcard_imports)]
use super::rows::*;
#[allow(clippy::wildcard_imports)]
use super::rows_binned::*;
use super::shd;

/// The table.
pub static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let added = [
        Row::new(
            "SMNIST_ENCODING",
            Kind::Choice(&["threshold", "pixel"]),
            "how pixels become spikes, one pixel every 2 ms: 99 channels for thresholds that the grey value crosses from one pixel to the next (threshold), or 16 channels for the grey value of every pixel itself (pixel)",
        )
        .default("threshold"),
        Row::new(
            "PERMUTE_SEED",
            Kind::OptionalInt { min: 0 },
            "seed of an order of the pixels that is the same for all images (permuted sequential MNIST); none for row by row",
        ),
    ];
    let changed = [
        DT_MS.default("1.0"),
        TRIAL_MS.default("1568.0").meaning(
            "length of a trial; rounded to whole time steps, and later spikes are cut off; a sequence has 1568 ms",
        ),
        RESCALE_X.meaning(
            "factor on channels, then rounded down: with a small one neighbouring thresholds or grey values share an input; there are as many inputs as that leaves",
        ),
        N_TRAIN
            .default("55000")
            .meaning("training images at most; with blend among AUGMENTATION the samples of an epoch. train_test takes all 60000"),
        N_VALIDATE
            .default("5000")
            .meaning("validation images, drawn from the training images; 0 for none"),
        N_FOLDS,
        TAU_MEM.meaning("membrane time constant of hidden neurons"),
        TAU_MEM_OUTPUT,
        REWIRE_SILENT.default("true"),
        TAU_0,
        TAU_1,
        ALPHA,
        LR_EASE_IN_FACTOR,
        ETA_FAC,
        ETA_DECAY.default("1.0"),
        Row::without_effect("EVALUATION", "was never read; the split is always random")
            .default("random"),
        Row::without_effect("SPEAKER_LEFT", "was never read; nobody speaks").default("0"),
    ];
    table(
        shd::ROWS,
        &added,
        &changed,
        &["DATA_SET", "DATA_BUFFER_NAME"],
    )
});
