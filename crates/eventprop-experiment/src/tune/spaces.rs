//! The spaces that are searched when the user names none.

use std::path::Path;

use eventprop_params::{Benchmark, Parameters};

use crate::sweep::{SearchFile, Space, SweepError};

/// What helped or mattered on every benchmark (docs/training.md), around the values that the user has.
const EVERYWHERE: &str = "\
# A search of `eventprop tune`: [fixed] holds for every trial, [vary] is drawn. times = [a, b]: so many times the value that the key has otherwise.
[fixed]
ETA_COURSE = \"one_cycle\"
ETA_DECAY = 1.0
ETA_FAC = 1.0
LR_EASE_IN_FACTOR = 1.0

[vary]
ETA = {times = [0.5, 8.0]}
N_BATCH = {times = [0.5, 2.0]}
INPUT_HIDDEN_MEAN = {times = [0.6, 1.6]}
INPUT_HIDDEN_STD = {times = [0.5, 3.0]}
HIDDEN_OUTPUT_STD = {times = [0.3, 3.0]}
PDROP_INPUT = [0.0, 0.05, 0.1, 0.2, 0.3]
";

/// Time constants, where a trial is long and no solver needs a ratio of them.
const LONG: &str = "\
TAU_MEM = {times = [0.5, 2.0]}
TAU_SYN = {times = [0.5, 2.5]}
ADAM_CLIP = [0.0, 1.0]
REWIRE_SILENT = [true, false]
";

/// Augmentation of speech.
const SPOKEN: &str = "\
AUGMENTATION = [{}, {random_shift = 10}, {random_shift = 20}, {random_shift = 10, random_dilate = [0.8, 1.2]}]
";

/// The space that is searched when the user names none, as a file.
pub fn default_space(benchmark: Benchmark) -> String {
    let mut text = EVERYWHERE.to_owned();
    if benchmark.is_binned() {
        text += LONG;
    }
    if benchmark.has_files_of_spoken_words() {
        text += SPOKEN;
    }
    // Tables differ in what they have: SHD knows no ETA_DECAY.
    let params = Parameters::new(benchmark);
    let kept = text.lines().filter(|line| match line.split_once(" = ") {
        Some((key, _)) if !line.starts_with('#') => params.has(key),
        _ => true,
    });
    kept.collect::<Vec<_>>().join("\n") + "\n"
}

/// The space of a file, or the one that is searched when the user names none; `base` gets what it fixes.
pub(super) fn read(path: Option<&Path>, base: &mut Parameters) -> Result<Space, SweepError> {
    let file = match path {
        Some(path) => SearchFile::read(path)?,
        None => SearchFile::parse(Path::new("the space"), &default_space(base.benchmark()))?,
    };
    file.check_keys(&["fixed", "vary"])?;
    file.fix(base)?;
    Space::of(&file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_benchmark_has_a_space_of_its_own_keys() {
        for benchmark in Benchmark::ALL {
            let mut base = Parameters::new(benchmark);
            let space = read(None, &mut base);
            let space = space.unwrap_or_else(|e| panic!("{benchmark}: {e}"));
            for index in 1..50 {
                let drawn = space.draw(&base, 7, index).expect("multiples of numbers");
                let mut params = base.clone();
                for (key, value) in drawn {
                    params.set(&key, value).expect("an allowed value");
                }
            }
        }
    }
}
