//! Parameters of the Yin-Yang benchmark.

use crate::row::{COUNT_MOST, Kind, Row};
// The table names most rows; a list of them would be the table again.
#[allow(clippy::wildcard_imports)]
use super::rows::*;

/// The table.
pub static ROWS: &[Row] = &[
    NAME,
    OUT_DIR,
    Row::new(
        "DATA",
        Kind::Choice(&["generated", "published"]),
        "where samples come from: drawn with the seeds, or the published 5000 + 1000 + 1000 (N_TRAIN and N_TEST then have no effect)",
    )
    .aliases(&["DATASET"])
    .default("generated"),
    MODEL_SEED,
    TRAIN_DATA_SEED.meaning("seed of the training and validation samples and of their order"),
    TEST_DATA_SEED.meaning("seed of the test samples"),
    DT_MS.default("0.1"),
    TRIAL_MS.default("30.0"),
    INPUT_MS,
    N_MAX_SPIKE.default("400"),
    N_BATCH,
    N_TRAIN
        .default_multiple(1000, "N_BATCH")
        .meaning("training samples per class, on the average"),
    N_VALIDATE
        .default_multiple(25, "N_BATCH")
        .meaning("validation samples per class, on the average; 0 for none"),
    N_TEST
        .default_multiple(25, "N_BATCH")
        .meaning("test samples per class, on the average"),
    N_EPOCH.default("10"),
    N_FOLDS,
    SHUFFLE,
    NUM_INPUT,
    NETWORK,
    NUM_HIDDEN.default("200"),
    NUM_OUTPUT,
    N_HID_LAYER,
    RECURRENT,
    HIDDEN_LIF_OR_MODEL,
    TAU_SYN,
    TAU_MEM,
    V_THRESH,
    V_RESET,
    REFRACTORY_MS,
    DELAY,
    DELAY_SPREAD,
    DELAY_BY,
    DELAY_PROJECTIONS,
    TRAIN_DELAY,
    DELAY_MAX_MS,
    INPUT_HIDDEN_MEAN.default("2.0"),
    INPUT_HIDDEN_STD.default("0.78"),
    INPUT_HIDDEN_WIRING,
    HIDDEN_OUTPUT_MEAN.default("0.5"),
    HIDDEN_OUTPUT_STD.default("0.1"),
    HIDDEN_OUTPUT_WIRING,
    HIDDEN_HIDDEN_MEAN.default("0.0"),
    HIDDEN_HIDDEN_STD.default("0.02"),
    HIDDEN_HIDDEN_WIRING,
    HIDDEN_HIDDENFWD_MEAN.default("0.1"),
    HIDDEN_HIDDENFWD_STD.default("0.1"),
    HIDDEN_HIDDENFWD_WIRING,
    PDROP_INPUT.default("0.0"),
    Row {
        key: "PDROP",
        aliases: &["PDROP_HIDDEN"],
        ..PDROP_HIDDEN
    },
    REG_TYPE,
    LBD_UPPER.default("5e-6"),
    LBD_LOWER.default("0.001"),
    NU_UPPER.default("2.0"),
    RHO_UPPER.default("5000.0"),
    GLB_UPPER.default("1e-5"),
    AVG_SNSUM,
    REWIRE_SILENT,
    REWIRE_LIFT,
    DEEP_R,
    LOSS_TYPE.default("first_spike"),
    LOSS_SCALE,
    LABEL_SMOOTHING,
    TAU_0,
    TAU_1,
    ALPHA.default("0.1"),
    TAU_ACCUMULATOR,
    SOLVER.default("event"),
    DEVICE,
    GRAZING,
    OPTIMIZER,
    ETA.default("3e-3"),
    ETA_DELAY,
    ADAM_BETA1,
    ADAM_BETA2,
    ADAM_EPS,
    ADAM_CLIP,
    WEIGHT_DECAY,
    AVERAGE_EPOCHS,
    ETA_COURSE,
    ETA_RELATIVE,
    ETA_DECAY.default("0.8"),
    LR_EASE_IN_FACTOR,
    ETA_FAC,
    MIN_EPOCH_ETA_FIXED,
    EMA_ALPHA1,
    EMA_ALPHA2,
    EMA_WHICH,
    SELECT,
    FINAL_TEST,
    REC_SPIKES.meaning("populations whose spikes are recorded, in the first sample of every batch"),
    REC_NEURONS,
    REC_SYNAPSES,
    Row::new(
        "REC_FIRST_SPIKES",
        Kind::Flag,
        "whether the first spike times of all outputs in all training trials are written, with the classes (all_nfst.npy, training_labels.npy; first_spike, first_spike_exp)",
    )
    .default("false"),
    REC_NEURON_IDS,
    REC_FORMAT.meaning("whether recordings are written as one .npy file each, or together in records.npz, packed"),
    WRITE_TO_DISK,
    CHECKPOINT_EVERY,
    LOAD_LAST,
    Row::new(
        "W_REPORT_INTERVAL",
        Kind::Int {
            min: 1,
            max: COUNT_MOST,
        },
        "weights are written after every this many batches ...",
    )
    .default("100")
    .unit("batches"),
    Row::new(
        "W_EPOCH_INTERVAL",
        Kind::Int {
            min: 0,
            max: COUNT_MOST,
        },
        "... of every this many epochs; 0 for never",
    )
    .default("0")
    .unit("epochs"),
    DEBUG_HIDDEN_N,
    TRAINING_PLOT,
    TRAINING_PLOT_INTERVAL,
    Row::new(
        "FANCY_PLOTS",
        Kind::Flag,
        "whether maps of the first spike time of every output are drawn (first_spike, first_spike_exp)",
    )
    .default("false"),
    BUILD,
    TIMING,
    CUDA_VISIBLE_DEVICES,
    SPK_REC_STEPS,
];
