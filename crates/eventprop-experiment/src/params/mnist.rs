//! Parameters of the MNIST benchmark.

use super::presets::Preset;
use super::row::Row;
// The table names most rows; a list of them would be the table again.
#[allow(clippy::wildcard_imports)]
use super::rows::*;

/// The table.
pub static ROWS: &[Row] = &[
    NAME,
    OUT_DIR,
    DEBUG_HIDDEN_N,
    MODEL_SEED,
    TRAIN_DATA_SEED
        .meaning("seed of the split into training and validation and of the order in every epoch"),
    TEST_DATA_SEED.meaning("seed of the order of the test images"),
    DT_MS.default("1.0"),
    TRIAL_MS.default("20.0"),
    INPUT_MS,
    N_MAX_SPIKE.default("50"),
    N_BATCH,
    N_TRAIN
        .default("55000")
        .meaning("training images, the first of the shuffled 60000; train_test also takes those of N_VALIDATE"),
    N_VALIDATE
        .default("5000")
        .meaning("validation images, the last of the shuffled 60000; 0 for none"),
    N_TEST
        .default("10000")
        .meaning("test images, the first of the shuffled 10000"),
    N_EPOCH.default("20"),
    N_FOLDS,
    SHUFFLE,
    NUM_HIDDEN.default("128"),
    N_HID_LAYER,
    RECURRENT,
    TAU_SYN,
    TAU_MEM,
    V_THRESH,
    V_RESET,
    INPUT_HIDDEN_MEAN.default("0.078"),
    INPUT_HIDDEN_STD.default("0.045"),
    HIDDEN_OUTPUT_MEAN.default("0.2"),
    HIDDEN_OUTPUT_STD.default("0.37"),
    HIDDEN_HIDDEN_MEAN.default("0.2"),
    HIDDEN_HIDDEN_STD.default("0.37"),
    HIDDEN_HIDDENFWD_MEAN.default("0.1"),
    HIDDEN_HIDDENFWD_STD.default("0.1"),
    PDROP_INPUT.default("0.2"),
    PDROP_HIDDEN,
    REG_TYPE,
    LBD_UPPER.default("5e-6"),
    LBD_LOWER.default("0.001"),
    NU_UPPER.default("2.0"),
    RHO_UPPER.default("5000.0"),
    GLB_UPPER.default("1e-5"),
    AVG_SNSUM,
    REWIRE_SILENT,
    REWIRE_LIFT,
    Row::new(
        "REDUCED_CLASSES",
        super::row::Kind::Classes,
        "digits to keep in all parts of the set; the network keeps its ten outputs",
    ),
    LOSS_TYPE.default("avg_xentropy"),
    LOSS_SCALE,
    TAU_0,
    TAU_1,
    ALPHA,
    TAU_ACCUMULATOR,
    SOLVER.default("grid"),
    GRAZING,
    OPTIMIZER,
    ETA.default("0.01"),
    ADAM_BETA1,
    ADAM_BETA2,
    ADAM_EPS,
    ETA_DECAY.default("1.0"),
    LR_EASE_IN_FACTOR,
    ETA_FAC,
    MIN_EPOCH_ETA_FIXED,
    EMA_ALPHA1,
    EMA_ALPHA2,
    EMA_WHICH,
    SELECT,
    W_OUTPUT_EPOCH_TRIAL,
    REC_SPIKES,
    REC_SPIKES_EPOCH_TRIAL,
    REC_NEURONS,
    REC_NEURONS_EPOCH_TRIAL,
    REC_SYNAPSES,
    REC_SYNAPSES_EPOCH_TRIAL,
    WRITE_TO_DISK,
    LOAD_LAST,
    TRAINING_PLOT,
    TRAINING_PLOT_INTERVAL,
    Row::without_effect("EVALUATION", "was never read; the split is always random")
        .default("random"),
    BUILD,
    TIMING,
    CUDA_VISIBLE_DEVICES,
    SPK_REC_STEPS,
];

/// The presets.
pub static PRESETS: &[Preset] = &[
    Preset {
        name: "first_spike_exp",
        about: "784-128-10 with spiking outputs, as in genn_eventprop",
        values: &[
            ("LOSS_TYPE", "first_spike_exp"),
            ("N_EPOCH", "50"),
            ("ETA", "5e-3"),
            ("HIDDEN_OUTPUT_MEAN", "0.9"),
            ("HIDDEN_OUTPUT_STD", "0.03"),
            ("TAU_0", "1.0"),
            ("TAU_1", "3.0"),
            ("ALPHA", "3.6e-4"),
            ("REG_TYPE", "simple"),
            ("LBD_UPPER", "1e-8"),
            ("LBD_LOWER", "1e-8"),
            ("NU_UPPER", "4"),
            ("AVG_SNSUM", "true"),
            ("N_MAX_SPIKE", "500"),
        ],
    },
    Preset {
        name: "max",
        about: "784-128-10 with the loss max, as in genn_eventprop",
        values: &[
            ("LOSS_TYPE", "max"),
            ("N_EPOCH", "50"),
            ("N_MAX_SPIKE", "500"),
        ],
    },
    Preset {
        name: "sum",
        about: "784-128-10 with the loss sum, as in genn_eventprop",
        values: &[
            ("LOSS_TYPE", "sum"),
            ("N_EPOCH", "50"),
            ("N_MAX_SPIKE", "500"),
        ],
    },
    Preset {
        name: "avg_xentropy",
        about: "784-128-10 with the loss avg_xentropy, as in genn_eventprop",
        values: &[
            ("LOSS_TYPE", "avg_xentropy"),
            ("N_EPOCH", "50"),
            ("N_MAX_SPIKE", "500"),
        ],
    },
    Preset {
        name: "wunderlich2021",
        about: "Wunderlich & Pehle 2021: 784-350-10, loss max, batches of 5",
        values: &[
            ("NUM_HIDDEN", "350"),
            ("LOSS_TYPE", "max"),
            ("N_BATCH", "5"),
            ("ETA", "5e-3"),
            ("ETA_DECAY", "0.95"),
            ("N_EPOCH", "100"),
        ],
    },
];
