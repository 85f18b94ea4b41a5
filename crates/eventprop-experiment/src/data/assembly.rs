//! From sets of events to what a run trains, validates and tests on.

use std::sync::Arc;

use eventprop_data::binned::{EventSet, speaker_ids};
use eventprop_data::sets::shd::Split;
use eventprop_params::value::Value;
use eventprop_params::{Benchmark, ParamError, Parameters};

use super::binned::{BinnedSamples, Encoding};
use super::error::DataError;
use super::part::{Part, Samples};
use super::run_data::{Data, Fold};
use super::source::Wanted;
use super::split::{self, Groups, LeftOut, Split as Places};
use super::variation::Variation;
use crate::settings::{
    BinnedSettings, Evaluation, Folds, Pixels, Settings, SpeakersLeft, augmentation,
};

/// The source of the parts of a set.
pub trait Sets {
    /// A part of the set; what a user should know about it is added to `notices`.
    fn read(&self, split: Split, notices: &mut Vec<String>)
    -> Result<Arc<dyn EventSet>, DataError>;
}

/// The material from which the parts of a run are made.
pub struct Assembly<'a> {
    /// The parameters, sizes of a demonstration filled in.
    pub params: &'a Parameters,
    /// The settings.
    pub settings: &'a Settings,
    /// The sets.
    pub sets: &'a dyn Sets,
    /// The pixels behind the channels, if there are such.
    pub pixels: Option<Pixels>,
    /// That a few samples stand in for the real set, in words, if they do.
    pub demonstration: Option<String>,
}

/// The data of a run: parts of the training set and the test set.
pub fn assemble(assembly: &Assembly<'_>, wanted: Wanted) -> Result<Data, DataError> {
    let Assembly {
        params, settings, ..
    } = *assembly;
    let binned = assembly.binned();
    let entries = augmentation(params, settings.clock.dt_ms(), assembly.pixels.as_ref())?;
    let mut notices: Vec<String> = assembly.demonstration.iter().cloned().collect();
    let test = assembly.sets.read(Split::Test, &mut notices)?;
    let mut test_places = split::kept(params, test.as_ref());
    if let Value::Int(most) = params.get("N_TEST") {
        test_places.truncate(most as usize);
    }
    let none = assembly.part(&test, Vec::new());
    let mut data = Data {
        inputs: Encoding::new(settings, binned.delay_line).inputs(test.inputs()),
        classes: test.classes() as usize,
        class_names: test.class_names().to_vec(),
        train: none.clone(),
        validation: none,
        test: assembly.part(&test, test_places),
        folds: Vec::new(),
        variation: Variation::new(binned, entries, number(params, "N_TRAIN"), settings.seeds),
        settled: Vec::new(),
        demonstration: assembly.demonstration.is_some(),
        lost: test.lost(),
        notices,
    };
    if data.demonstration && params.get("N_VALIDATE") != Value::None {
        data.settled = vec![("N_VALIDATE", params.get("N_VALIDATE"))];
    }
    if wanted != Wanted::Test || binned.normalise {
        assembly.fill(wanted, &mut data)?;
    }
    Ok(data)
}

/// A number of samples; 0 when it is left to the data.
fn number(params: &Parameters, key: &str) -> usize {
    match params.get(key) {
        Value::Int(number) => number as usize,
        _ => 0,
    }
}

/// Sizes that are left to the data: all samples for training, a tenth of them for validation.
fn sized(params: &Parameters, samples: usize) -> Result<Parameters, ParamError> {
    let mut sized = params.clone();
    for (key, size) in [("N_TRAIN", samples), ("N_VALIDATE", samples / 10)] {
        if params.get(key) == Value::None {
            sized.set(key, Value::Int(size.max(1) as i64))?;
        }
    }
    Ok(sized)
}

impl Assembly<'_> {
    fn binned(&self) -> &BinnedSettings {
        let binned = self.settings.binned.as_ref();
        binned.expect("a benchmark on binned spikes has their settings")
    }

    fn part(&self, set: &Arc<dyn EventSet>, places: Vec<usize>) -> Part {
        let samples: Arc<dyn Samples> = Arc::new(BinnedSamples {
            set: Arc::clone(set),
            encoding: Encoding::new(self.settings, self.binned().delay_line),
        });
        Part::new(samples, places)
    }

    /// Adds what is trained and validated on.
    fn fill(&self, wanted: Wanted, data: &mut Data) -> Result<(), DataError> {
        let set = self.sets.read(Split::Train, &mut data.notices)?;
        data.classes = data.classes.max(set.classes() as usize);
        if data.class_names.is_empty() {
            data.class_names = set.class_names().to_vec();
        }
        data.lost = set.lost();
        let samples = split::kept(self.params, set.as_ref());
        data.notices.extend(missing_classes(set.as_ref(), &samples));
        let params = &sized(self.params, samples.len())?;
        match (wanted, self.settings.folds) {
            (Wanted::Folds, Folds::Speakers) => {
                let (folds, settled) = self.folds(params, &set, &samples)?;
                data.folds = folds;
                data.settled.push(settled);
            }
            (Wanted::Folds, Folds::Random(count)) if self.keeps_people_together() => {
                data.folds = self.folds_of_people(&set, &samples, count)?;
            }
            _ => {}
        }
        let validated = wanted == Wanted::Validated && params.count("N_VALIDATE") > 0;
        let places = if validated {
            if self.params.get("N_VALIDATE") == Value::None {
                data.settled.push(("N_VALIDATE", params.get("N_VALIDATE")));
            }
            let places = self.validated(params, &set, &samples, data)?;
            let used = places.train.len() + places.validation.len();
            data.notices
                .extend(left_out(self.params, used, samples.len()));
            places
        } else {
            Places {
                train: samples,
                validation: Vec::new(),
            }
        };
        data.train = self.part(&set, places.train);
        if data.validation.is_empty() {
            data.validation = self.part(&set, places.validation);
        }
        Ok(())
    }

    /// True if recordings of one person are so alike that random splits must not divide them.
    fn keeps_people_together(&self) -> bool {
        self.params.benchmark() == Benchmark::DvsGesture
    }

    /// The samples that are trained and validated on; a validation set of its own goes into `data`.
    fn validated(
        &self,
        params: &Parameters,
        set: &Arc<dyn EventSet>,
        samples: &[usize],
        data: &mut Data,
    ) -> Result<Places, DataError> {
        let seed = self.settings.seeds.train_data;
        Ok(match self.binned().evaluation {
            Evaluation::Random if self.keeps_people_together() => {
                split::random_people(params, set.as_ref(), samples, seed)?
            }
            Evaluation::Random => split::random(params, samples, seed)?,
            Evaluation::Speaker => {
                need_speakers(params, set.as_ref())?;
                let place = self.speakers(set.as_ref())[0];
                split::leave_out(params, set.as_ref(), samples, LeftOut { place, seed })?
            }
            Evaluation::ValidationSet => {
                let valid = self.sets.read(Split::Valid, &mut data.notices)?;
                let kept = split::kept(params, valid.as_ref());
                data.validation = self.part(&valid, kept);
                let mut train = split::permuted(samples, seed);
                train.truncate(params.count("N_TRAIN"));
                Places {
                    train,
                    validation: Vec::new(),
                }
            }
        })
    }

    /// The speakers that are left out, by place.
    fn speakers(&self, set: &dyn EventSet) -> Vec<usize> {
        match &self.binned().speakers {
            SpeakersLeft::All => (0..speaker_ids(set).len()).collect(),
            SpeakersLeft::Listed(places) => places.clone(),
        }
    }

    /// A fold for every speaker who is left out; all of them unless some are listed.
    fn folds(
        &self,
        params: &Parameters,
        set: &Arc<dyn EventSet>,
        samples: &[usize],
    ) -> Result<(Vec<Fold>, (&'static str, Value)), DataError> {
        const KEY: &str = "SPEAKER_LEFT";
        need_speakers(params, set.as_ref())?;
        let ids = speaker_ids(set.as_ref());
        let places = if params.is_given(KEY) {
            self.speakers(set.as_ref())
        } else {
            (0..ids.len()).collect()
        };
        let fold = |&place: &usize| {
            let left_out = LeftOut {
                place,
                seed: self.settings.seeds.train_data,
            };
            let Places { train, validation } =
                split::leave_out(params, set.as_ref(), samples, left_out)?;
            Ok(Fold {
                name: match params.benchmark().person() {
                    "speaker" => format!("speaker {place} (number {} of the file)", ids[place]),
                    person => format!("{person} {}", ids[place]),
                },
                id: place as u64,
                train: self.part(set, train),
                held_out: self.part(set, validation),
            })
        };
        let folds = places.iter().map(fold).collect::<Result<_, DataError>>()?;
        let listed = places.iter().map(|&place| Value::Int(place as i64));
        Ok((folds, (KEY, Value::List(listed.collect()))))
    }

    /// Folds to which people are dealt out at random.
    fn folds_of_people(
        &self,
        set: &Arc<dyn EventSet>,
        samples: &[usize],
        count: usize,
    ) -> Result<Vec<Fold>, DataError> {
        let seed = self.settings.seeds.train_data;
        let groups =
            split::deal_people(self.params, set.as_ref(), samples, Groups { count, seed })?;
        let folds = groups.into_iter().enumerate().map(|(fold, people)| {
            let Places { train, validation } = split::without(set.as_ref(), samples, &people);
            let names: Vec<String> = people.iter().map(u16::to_string).collect();
            Fold {
                name: format!("{}s {}", self.params.benchmark().person(), names.join(", ")),
                id: fold as u64,
                train: self.part(set, train),
                held_out: self.part(set, validation),
            }
        });
        Ok(folds.collect())
    }
}

fn need_speakers(params: &Parameters, set: &dyn EventSet) -> Result<(), ParamError> {
    if set.speakers().is_some() {
        return Ok(());
    }
    let key = if params.has("DATA_SET") {
        "DATA_SET"
    } else {
        "DATA_TRAIN"
    };
    let problem = "its training file does not say who speaks, so no speaker can be left out";
    let way_out = "use EVALUATION=random or validation_set, or N_FOLDS=5 for random folds";
    Err(params.refuse(key, problem, way_out))
}

/// Training samples that the default of N_TRAIN leaves out, in words; who chooses N_TRAIN knows.
fn left_out(params: &Parameters, used: usize, all: usize) -> Option<String> {
    let unasked = used < all && !params.is_changed("N_TRAIN");
    unasked.then(|| {
        format!(
            "N_TRAIN={} leaves out {} of {all} training samples; set N_TRAIN={all} to use all",
            params.get("N_TRAIN"),
            all - used
        )
    })
}

/// Classes of which no sample is left, in words.
fn missing_classes(set: &dyn EventSet, samples: &[usize]) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_that_a_default_leaves_out_are_told() {
        let params = Parameters::new(Benchmark::Shd);
        let told = left_out(&params, 7644, 75_466).expect("most are left out");
        assert!(
            told.starts_with("N_TRAIN=7644 leaves out 67822 of 75466"),
            "{told}"
        );
        assert_eq!(left_out(&params, 8156, 8156), None);
        let mut params = params;
        params.set("N_TRAIN", Value::Int(100)).expect("a count");
        assert_eq!(left_out(&params, 100, 75_466), None);
    }
}
