//! SHD and SSC from their files, synthetic samples in their shape, and a small demonstration of such
//! samples where the files are missing.

use std::path::PathBuf;
use std::sync::Arc;

use eventprop_data::binned::{BinnedSet, Binning};
use eventprop_data::locate;
use eventprop_data::shd::synthetic::ShdLike;
use eventprop_data::shd::{self, CHANNELS, Corpus, ShdError, Split};

use super::binned::{BinnedSamples, Encoding};
use super::split::{self, Split as Places};
use super::variation::Variation;
use super::{Data, DataError, Fold, Part, Samples, Source, Wanted};
use crate::params::{ParamError, Parameters};
use crate::settings::{BinnedSettings, Evaluation, Folds, Settings, SpeakersLeft};
use crate::value::Value;

/// Samples of the demonstration.
const DEMONSTRATION: [usize; 2] = [400, 100];
/// Samples for validation of the demonstration, unless another number is asked for.
const DEMONSTRATION_VALIDATE: usize = 80;

/// Changes the seed of a synthetic set into that of its validation part; seeds have 32 bits.
const VALIDATION_SEED: u64 = 1 << 32;

/// Folder below the data folder in which binned sets are kept for the next run.
const CACHE: &str = "binned";

/// Where samples come from, and what has to be known to read them.
struct Reader<'a> {
    settings: &'a Settings,
    binned: &'a BinnedSettings,
    kind: Kind,
}

/// What samples are read from.
enum Kind {
    /// The files of a set, which are looked for in these folders.
    Files(Corpus, Vec<PathBuf>),
    /// Samples that are made up.
    Synthetic(ShdLike),
}

/// The data: training file, test file and, for some sets, validation file.
pub fn load(
    params: &Parameters,
    settings: &Settings,
    source: &Source,
    wanted: Wanted,
) -> Result<Data, DataError> {
    let binned = settings.binned.as_ref();
    let binned = binned.expect("a benchmark on binned spikes has their settings");
    let mut params = params.clone();
    let (reader, demonstration) = Reader::find(&mut params, settings, binned, source)?;
    let mut notices = Vec::new();
    let test = reader.read(Split::Test, &mut notices)?;
    let mut test_places = split::kept(&params, &test);
    if let Value::Int(most) = params.get("N_TEST") {
        test_places.truncate(most as usize);
    }
    let classes = test.classes() as usize;
    let inputs = Encoding::new(settings, binned.delay_line).inputs(test.inputs());
    let mut data = Data {
        inputs,
        classes,
        train: reader.part(&test, Vec::new()),
        validation: reader.part(&test, Vec::new()),
        test: reader.part(&test, test_places),
        folds: Vec::new(),
        variation: Variation::new(binned, params.count("N_TRAIN"), settings.seeds),
        settled: Vec::new(),
        demonstration,
        notices,
    };
    if demonstration {
        data.settled = vec![("N_VALIDATE", params.get("N_VALIDATE"))];
        data.notices.push(demonstration_notice(&params));
    }
    if wanted != Wanted::Test || binned.normalise {
        reader.fill(&params, wanted, &mut data)?;
    }
    Ok(data)
}

impl<'a> Reader<'a> {
    /// The files, or what stands in for them.
    fn find(
        params: &mut Parameters,
        settings: &'a Settings,
        binned: &'a BinnedSettings,
        source: &Source,
    ) -> Result<(Self, bool), DataError> {
        let reader = |kind| Self {
            settings,
            binned,
            kind,
        };
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
        match path(corpus, Split::Test, &source.dirs) {
            Err(ShdError::NotFound(_)) if source.demonstration => {
                if !params.is_given("N_VALIDATE") {
                    params.set("N_VALIDATE", Value::Int(DEMONSTRATION_VALIDATE as i64))?;
                }
                let [train, test] = DEMONSTRATION;
                Ok((reader(synthetic(train, test)), true))
            }
            Err(error) => Err(error.into()),
            Ok(_) => Ok((reader(Kind::Files(corpus, source.dirs.clone())), false)),
        }
    }

    fn binning(&self) -> Binning {
        Binning {
            dt_ms: self.settings.clock.dt_ms(),
            steps: self.settings.clock.steps() as u32,
            inputs: CHANNELS,
            rescale_t: self.binned.rescale_t,
            rescale_x: self.binned.rescale_x,
        }
    }

    /// A part of the set. The number of classes comes from the words in the file, so that other spoken
    /// words in the same layout can be used.
    fn read(&self, split: Split, notices: &mut Vec<String>) -> Result<Arc<BinnedSet>, DataError> {
        let binning = self.binning();
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

    fn part(&self, set: &Arc<BinnedSet>, places: Vec<usize>) -> Part {
        let samples: Arc<dyn Samples> = Arc::new(BinnedSamples {
            set: Arc::clone(set),
            encoding: Encoding::new(self.settings, self.binned.delay_line),
        });
        Part::new(samples, places)
    }

    /// Adds what is trained and validated on.
    fn fill(&self, params: &Parameters, wanted: Wanted, data: &mut Data) -> Result<(), DataError> {
        let set = self.read(Split::Train, &mut data.notices)?;
        data.classes = data.classes.max(set.classes() as usize);
        let samples = split::kept(params, &set);
        data.notices.extend(missing_classes(&set, &samples));
        let seed = self.settings.seeds.train_data;
        let by_speaker = wanted == Wanted::Folds && self.settings.folds == Folds::Speakers;
        if by_speaker {
            let (folds, settled) = self.folds(params, &set, &samples)?;
            data.folds = folds;
            data.settled.push(settled);
        }
        let validated = wanted == Wanted::Validated && params.count("N_VALIDATE") > 0;
        let places = match self.binned.evaluation {
            Evaluation::Random if validated => split::random(params, &samples, seed)?,
            Evaluation::Speaker if validated => {
                need_speakers(params, &set)?;
                let place = self.speakers(&set)[0];
                split::leave_out(params, &set, &samples, (place, seed))?
            }
            Evaluation::ValidationSet if validated => {
                let set = self.read(Split::Valid, &mut data.notices)?;
                let kept = split::kept(params, &set);
                data.validation = self.part(&set, kept);
                let mut train = split::permuted(&samples, seed);
                train.truncate(params.count("N_TRAIN"));
                Places {
                    train,
                    validation: Vec::new(),
                }
            }
            _ => Places {
                train: samples,
                validation: Vec::new(),
            },
        };
        data.train = self.part(&set, places.train);
        if data.validation.is_empty() {
            data.validation = self.part(&set, places.validation);
        }
        Ok(())
    }

    /// The speakers that are left out, by place.
    fn speakers(&self, set: &BinnedSet) -> Vec<usize> {
        match &self.binned.speakers {
            SpeakersLeft::All => (0..set.speaker_ids().len()).collect(),
            SpeakersLeft::Listed(places) => places.clone(),
        }
    }

    /// A fold for every speaker who is left out; all of them unless some are listed.
    fn folds(
        &self,
        params: &Parameters,
        set: &Arc<BinnedSet>,
        samples: &[usize],
    ) -> Result<(Vec<Fold>, (&'static str, Value)), DataError> {
        const KEY: &str = "SPEAKER_LEFT";
        need_speakers(params, set)?;
        let places = if params.is_given(KEY) {
            self.speakers(set)
        } else {
            (0..set.speaker_ids().len()).collect()
        };
        let ids = set.speaker_ids();
        let fold = |&place: &usize| {
            let at = (place, self.settings.seeds.train_data);
            let Places { train, validation } = split::leave_out(params, set, samples, at)?;
            Ok(Fold {
                name: format!("speaker {place} (number {} of the file)", ids[place]),
                id: place as u64,
                train: self.part(set, train),
                held_out: self.part(set, validation),
            })
        };
        let folds = places.iter().map(fold).collect::<Result<_, DataError>>()?;
        let listed = places.iter().map(|&place| Value::Int(place as i64));
        Ok((folds, (KEY, Value::List(listed.collect()))))
    }
}

/// The file of a part of a set.
fn path(corpus: Corpus, split: Split, dirs: &[PathBuf]) -> Result<PathBuf, ShdError> {
    let name = corpus.file_name(split);
    let name = name.ok_or(ShdError::NoSplit { corpus, split })?;
    Ok(locate::find(corpus.dataset(), &[name], dirs)?.swap_remove(0))
}

fn need_speakers(params: &Parameters, set: &BinnedSet) -> Result<(), ParamError> {
    if set.speakers().is_some() {
        return Ok(());
    }
    Err(ParamError::Combination {
        key: "DATA_SET",
        found: params.get("DATA_SET").to_string(),
        problem: "its training file does not say who speaks, so no speaker can be left out"
            .to_owned(),
        way_out: "use EVALUATION=random or validation_set, or N_FOLDS=5 for random folds"
            .to_owned(),
    })
}

/// Classes of which no sample is left, in words.
fn missing_classes(set: &BinnedSet, samples: &[usize]) -> Option<String> {
    let mut counts = vec![0_usize; set.classes() as usize];
    for &sample in samples {
        counts[usize::from(set.labels()[sample])] += 1;
    }
    let missing = counts.iter().enumerate().filter(|(_, count)| **count == 0);
    let missing: Vec<String> = missing.map(|(class, _)| class.to_string()).collect();
    (!missing.is_empty()).then(|| {
        format!(
            "no training sample is of class {}; the network keeps its {} outputs",
            missing.join(", "),
            counts.len()
        )
    })
}

fn demonstration_notice(params: &Parameters) -> String {
    let [train, test] = DEMONSTRATION;
    let benchmark = params.benchmark();
    format!(
        "DEMONSTRATION: {} is not on this computer, so {train} training and {test} test samples are made up in its shape (synthetic); \
         the accuracy says nothing about it. Get the files with `eventprop data fetch {benchmark}`, name their folder with --data-dir, \
         or write a larger synthetic set with `eventprop data generate shd-like`",
        params.text("DATA_SET")
    )
}
