//! Keys that scripts and parameter files of `genn_eventprop` set and the simulator that they run does not read.
//!
//! A benchmark accepts those that it has no key of its own for: without effect, and with a notice.

use crate::row::Row;

const KEYS: &[Row] = &[
    never_read("AUGMENTATION"),
    never_read("DATASET"),
    never_read("DEBUG"),
    never_read("DOWNLOAD_SHD"),
    never_read("ETA_DECAY"),
    never_read("ETA_FIDDELING"),
    never_read("ETA_REDUCE"),
    never_read("ETA_REDUCE_PERIOD"),
    Row::without_effect(
        "LDB_UPPER",
        "is misspelt in scripts of genn_eventprop, which never read it; write LBD_UPPER",
    ),
    never_read("NU_LOWER"),
    Row::without_effect("ORIG_NAME", "noted where a parameter file came from"),
    never_read("PDROP"),
    never_read("READ_BUFFERED"),
    never_read("REGULARISATION"),
    Row::without_effect(
        "SPEAKERS_LEFT",
        "is misspelt in scripts of genn_eventprop, which never read it; write SPEAKER_LEFT",
    ),
    never_read("SUPER_BATCH"),
    Row::without_effect(
        "TAUM_OUTPUT_EPOCH_TRIAL",
        "is an old name in scripts of genn_eventprop, which does not read it; write TAU_OUTPUT_EPOCH_TRIAL",
    ),
    never_read("TAU_MEM_OUTPUT"),
    Row::without_effect(
        "TRAIN_TAUM",
        "is an old name in scripts of genn_eventprop, which does not read it; write TRAIN_TAU",
    ),
    never_read("W_EPOCH_INTERVAL"),
    never_read("W_REPORT_INTERVAL"),
];

const fn never_read(key: &'static str) -> Row {
    Row::without_effect(
        key,
        "is not read by the simulator of genn_eventprop in whose scripts it occurs",
    )
}

/// A table with the keys that its simulator never reads.
pub fn with_never_read(rows: &[Row]) -> Vec<Row> {
    let has = |key: &str| {
        rows.iter()
            .any(|row| row.key == key || row.aliases.contains(&key))
    };
    let added = KEYS.iter().filter(|row| !has(row.key));
    rows.iter().chain(added).copied().collect()
}
