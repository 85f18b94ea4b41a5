//! Parameters of the benchmarks with event cameras, DVS gesture and N-MNIST, and of custom data: those of
//! SHD with other defaults, and how a sensor becomes inputs.

use std::sync::LazyLock;

use crate::row::{Kind, Range, Row};
// The tables name most rows; a list of them would be the tables again.
#[allow(clippy::wildcard_imports)]
use super::rows::*;
#[allow(clippy::wildcard_imports)]
use super::rows_binned::*;
use super::shd;

const CAMERA_SIDE: Row = Row::new(
    "CAMERA_SIDE",
    Kind::Int {
        min: 1,
        max: 65_535,
    },
    "pixels that the longer side of the sensor is drawn on; a sensor is never enlarged",
)
.unit("pixels");
const POLARITY: Row = Row::new(
    "POLARITY",
    Kind::Choice(&["separate", "merge", "on"]),
    "events that a pixel became brighter and darker: an input for each, one for both, or only brighter ones",
)
.default("separate");

/// Keys that no camera has: words of a language, and channels in a row.
const NOT_OF_CAMERAS: [&str; 3] = ["DATA_SET", "DATA_BUFFER_NAME", "RESCALE_X"];

/// The table of DVS128 Gesture.
pub static DVS_GESTURE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let added = [
        CAMERA_SIDE.default("32"),
        POLARITY,
        Row::new(
            "CLIP_START_MS",
            Kind::Float(Range::NotNegative),
            "beginning of what is taken of every clip; times count from there",
        )
        .default("0.0")
        .unit("ms"),
        Row::new(
            "CLIP_END_MS",
            Kind::OptionalFloat(Range::Positive),
            "end of what is taken of every clip; none for the end of the clip. What comes after TRIAL_MS is cut off in any case",
        )
        .unit("ms"),
    ];
    let changed = [
        DT_MS.default("1.0"),
        TRIAL_MS
            .default("18000.0")
            .meaning("length of a trial; rounded to whole time steps, and later events are cut off"),
        N_MAX_SPIKE.default("3000"),
        N_TRAIN
            .default("1045")
            .meaning("training clips at most; with blend among AUGMENTATION the samples of an epoch. train_test takes all"),
        N_VALIDATE
            .default("32")
            .meaning("EVALUATION=random: validation clips at least; users are drawn until they have so many, and no clip of theirs is trained on; 0 for no validation with any EVALUATION"),
        Row::new(
            "N_FOLDS",
            Kind::OptionalInt { min: 2 },
            "xval: folds to which the users are dealt out at random; none for one fold per user",
        ),
        Row::new(
            "EVALUATION",
            Kind::Choice(&["random", "speaker"]),
            "what train validates on, never by clip: all clips of users who are drawn (N_VALIDATE), or of one who is named (SPEAKER_LEFT)",
        )
        .default("random"),
        Row::new(
            "SPEAKER_LEFT",
            Kind::Speakers,
            "EVALUATION=speaker: which user is left out, by the place in the ascending list of the users of the training part; train takes the first of a list; xval makes a fold of each, and of all users when this is not given",
        )
        .default("0")
        .aliases(&["USER_LEFT"]),
        TAU_MEM.meaning("membrane time constant of hidden neurons"),
        TAU_MEM_OUTPUT,
        TAU_0,
        TAU_1,
        ALPHA,
        LR_EASE_IN_FACTOR,
        ETA_FAC,
        ETA_DECAY.default("1.0"),
    ];
    table(shd::ROWS, &added, &changed, &NOT_OF_CAMERAS)
});

/// Rows without a counterpart in `genn_eventprop`, so that outputs have the time constant of hidden neurons
/// unless they get their own, and sizes follow from the data.
fn changed_of_ours() -> [Row; 5] {
    [
        Row::new(
            "N_TRAIN",
            Kind::OptionalInt { min: 1 },
            "training samples at most, none for all; with blend among AUGMENTATION the samples of an epoch. train_test takes all",
        ),
        Row::new(
            "N_VALIDATE",
            Kind::OptionalInt { min: 0 },
            "validation samples, drawn from the training samples; none for a tenth of them, 0 for no validation",
        ),
        Row::new(
            "TAU_MEM_OUTPUT",
            Kind::OptionalFloat(Range::Positive),
            "membrane time constant of output neurons; none for TAU_MEM",
        )
        .unit("ms"),
        ETA_DECAY.default("1.0"),
        LR_EASE_IN_FACTOR,
    ]
}

/// The table of N-MNIST.
pub static NMNIST: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let added = [CAMERA_SIDE.default("34"), POLARITY];
    let mut changed = changed_of_ours().to_vec();
    changed.push(TRIAL_MS.default("320.0").meaning(
        "length of a trial; rounded to whole time steps, and later events are cut off; a recording has some 310 ms",
    ));
    changed.extend([N_EPOCH.default("20"), N_FOLDS]);
    let left_out = [&NOT_OF_CAMERAS[..], &["EVALUATION", "SPEAKER_LEFT"]].concat();
    table(shd::ROWS, &added, &changed, &left_out)
});

/// The table of custom data.
pub static CUSTOM: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let added = [
        Row::new(
            "DATA_TRAIN",
            Kind::OptionalText,
            "what is trained on (--train): a folder with a folder of event files for each class, an HDF5 file in the layout of SHD, or an .npz archive",
        ),
        Row::new(
            "DATA_TEST",
            Kind::OptionalText,
            "what is tested on (--test), in one of the same layouts",
        ),
        Row::new(
            "DATA_COLUMNS",
            Kind::OptionalText,
            "event files: columns of tables without names (--columns), such as x,y,p,t_us or t_ms,channel; none for tables that name them",
        ),
        Row::new(
            "DATA_FORMAT",
            Kind::OptionalText,
            "event files: their format (--from); none to recognise it by the content",
        ),
        CAMERA_SIDE
            .default("32")
            .meaning("recordings of a camera: pixels that the longer side of the sensor is drawn on; a sensor is never enlarged"),
        POLARITY.meaning(
            "recordings of a camera: an input each for events that a pixel became brighter and darker, one for both, or only brighter ones",
        ),
        Row::new(
            "TIME_ORIGIN",
            Kind::Choice(&["first_event", "file"]),
            "event files: what times count from, the first event of the recording or the zero of the file",
        )
        .default("first_event"),
    ];
    let mut changed = changed_of_ours().to_vec();
    changed.push(MERGE_SPIKES.default("false"));
    changed.push(TRIAL_MS.default("1000.0").meaning(
        "length of a trial; rounded to whole time steps, and later events are cut off, counted and reported",
    ));
    changed.push(
        Row::new(
            "N_FOLDS",
            Kind::OptionalInt { min: 2 },
            "xval: folds dealt out at random; none for one fold per speaker",
        )
        .default("5"),
    );
    changed.push(Row::new(
        "EVALUATION",
        Kind::Choice(&["random", "speaker"]),
        "what train validates on: N_VALIDATE samples drawn from the training samples, or all samples of a speaker who is left out (SPEAKER_LEFT; HDF5 with extra/speaker)",
    )
    .default("random"));
    table(
        shd::ROWS,
        &added,
        &changed,
        &["DATA_SET", "DATA_BUFFER_NAME"],
    )
});
