//! SHD and SSC from their files, synthetic samples in their shape, and a small demonstration of such
//! samples where the files are missing.

use std::path::PathBuf;
use std::sync::Arc;

use eventprop_data::binned::EventSet;
use eventprop_data::obtain::locate;
use eventprop_data::sets::shd::synthetic::ShdLike;
use eventprop_data::sets::shd::{self, CHANNELS, Corpus, ShdError, Split};
use eventprop_params::Parameters;
use eventprop_params::value::Value;

use super::assembly::{Assembly, Sets, assemble};
use super::error::DataError;
use super::run_data::Data;
use super::source::{SetSource, Source, Wanted};
use crate::settings::Settings;

/// Samples of the demonstration.
const DEMONSTRATION: [usize; 2] = [400, 100];
/// Samples for validation of the demonstration, unless another number is asked for.
const DEMONSTRATION_VALIDATE: usize = 80;

/// Changes the seed of a synthetic set into that of its validation part; seeds have 32 bits.
const VALIDATION_SEED: u64 = 1 << 32;

/// Folder below the data folder in which binned sets are kept for the next run.
const CACHE: &str = "binned";

/// The source of samples, with all that is needed to read them.
struct Reader<'a> {
    settings: &'a Settings,
    kind: Kind,
}

/// The kind of file that samples are read from.
enum Kind {
    /// The files of a set, which are looked for in these folders.
    Files(Corpus, Vec<PathBuf>),
    /// Synthetic samples.
    Synthetic(ShdLike),
}

/// The data: training file, test file and, for some sets, validation file.
pub fn load(
    params: &Parameters,
    settings: &Settings,
    source: &Source,
    wanted: Wanted,
) -> Result<Data, DataError> {
    let mut params = params.clone();
    let (reader, demonstration) = Reader::find(&mut params, settings, source)?;
    let assembly = Assembly {
        params: &params,
        settings,
        sets: &reader,
        pixels: None,
        demonstration: demonstration.then(|| demonstration_notice(&params)),
    };
    assemble(&assembly, wanted)
}

impl<'a> Reader<'a> {
    /// The files, or what stands in for them.
    fn find(
        params: &mut Parameters,
        settings: &'a Settings,
        source: &Source,
    ) -> Result<(Self, bool), DataError> {
        let reader = |kind| Self { settings, kind };
        let seed = u64::from(settings.seeds.train_data);
        let shape = ShdLike::default();
        let synthetic = |train, test| {
            Kind::Synthetic(ShdLike {
                train,
                test,
                seed,
                ..shape
            })
        };
        let corpus = match params.text("DATA_SET").as_str() {
            "SHD" => Corpus::Shd,
            "SSC" => Corpus::Ssc,
            _ => {
                let train = params.count("N_TRAIN") + params.count("N_VALIDATE");
                let test = match params.get("N_TEST") {
                    Value::Int(test) => test as usize,
                    _ => shape.test,
                };
                return Ok((reader(synthetic(train, test)), false));
            }
        };
        let found = path(corpus, Split::Test, &source.dirs);
        let is_missing = |error: &ShdError| matches!(error, ShdError::NotFound(_));
        match SetSource::new(found, is_missing, source)? {
            SetSource::Demonstration => {
                if !params.is_given("N_VALIDATE") {
                    params.set("N_VALIDATE", Value::Int(DEMONSTRATION_VALIDATE as i64))?;
                }
                let [train, test] = DEMONSTRATION;
                Ok((reader(synthetic(train, test)), true))
            }
            SetSource::Files(_) => Ok((reader(Kind::Files(corpus, source.dirs.clone())), false)),
        }
    }
}

impl Sets for Reader<'_> {
    /// A part of the set. The number of classes comes from the words in the file, so that other spoken
    /// words in the same layout can be used.
    fn read(
        &self,
        split: Split,
        notices: &mut Vec<String>,
    ) -> Result<Arc<dyn EventSet>, DataError> {
        let binning = self.settings.binning(CHANNELS);
        match &self.kind {
            Kind::Synthetic(like) => Ok(Arc::new(match split {
                Split::Train | Split::Test => like.binned(split, &binning)?,
                // A validation part, as SSC has one, is more samples of the training speakers.
                Split::Valid => {
                    let seed = like.seed ^ VALIDATION_SEED;
                    ShdLike { seed, ..*like }.binned(Split::Train, &binning)?
                }
            })),
            Kind::Files(corpus, dirs) => {
                let path = path(*corpus, split, dirs)?;
                let cache = dirs.last().map(|dir| dir.join(CACHE));
                let loaded = shd::read_binned_file(&path, None, &binning, cache.as_deref())?;
                notices.extend(loaded.notices);
                Ok(Arc::new(loaded.set))
            }
        }
    }
}

/// The file of a part of a set.
fn path(corpus: Corpus, split: Split, dirs: &[PathBuf]) -> Result<PathBuf, ShdError> {
    let name = corpus.file_name(split);
    let name = name.ok_or(ShdError::NoSplit { corpus, split })?;
    Ok(locate::find(corpus.dataset(), &[name], dirs)?.swap_remove(0))
}

fn demonstration_notice(params: &Parameters) -> String {
    let [train, test] = DEMONSTRATION;
    let benchmark = params.benchmark();
    format!(
        "DEMONSTRATION: {} is not on this computer, so {train} training and {test} synthetic test samples of its shape are used; \
         the accuracy says nothing about it. Get the files with `eventprop data fetch {benchmark}`, name their folder with --data-dir, \
         or write a larger synthetic set with `eventprop data generate shd-like`",
        params.text("DATA_SET")
    )
}
