//! Yin-Yang: drawn with the seeds of the run, or the published sets.

use std::sync::Arc;

use eventprop::spikes::SpikeTrain;
use eventprop_data::augment::dropout::SpikeDraws;
use eventprop_data::binned::Lost;
use eventprop_data::encode::latency::LatencyCode;
use eventprop_data::sets::yin_yang::{CLASSES, INPUTS, Published, YinYangSet};
use eventprop_params::Parameters;

use super::binned::BinnedSamples;
use super::error::DataError;
use super::part::{Part, Samples};
use super::run_data::Data;
use super::source::Wanted;
use crate::settings::Settings;

/// Points with the code that turns them into spikes.
pub struct YinYangSamples {
    set: YinYangSet,
    code: LatencyCode,
}

impl Samples for YinYangSamples {
    fn count(&self) -> usize {
        self.set.len()
    }

    fn label(&self, sample: usize) -> u32 {
        u32::from(self.set.labels()[sample])
    }

    fn encode(&self, sample: usize, train: &mut SpikeTrain) {
        self.set.encode(sample, &self.code, train);
    }

    fn binned(&self) -> Option<&BinnedSamples> {
        None
    }

    fn encode_dropping(&self, sample: usize, mut draws: SpikeDraws, train: &mut SpikeTrain) {
        self.encode(sample, train);
        let kept: Vec<(f64, u32)> = train.iter().filter(|_| draws.keep()).collect();
        train.refill(kept.into_iter());
    }

    fn point(&self, sample: usize) -> Option<[f64; 2]> {
        let [x, y, ..] = self.set.samples()[sample];
        Some([x, y])
    }
}

/// The data: three parts of 3 N samples each, or the published ones. The generated validation
/// samples are those that follow the training samples under the same seed.
pub fn load(params: &Parameters, settings: &Settings, wanted: Wanted) -> Result<Data, DataError> {
    let code = LatencyCode::new(settings.input_ms, settings.clock.dt_ms())?;
    let samples = |set| -> Arc<dyn Samples> { Arc::new(YinYangSamples { set, code }) };
    let all = |samples: Arc<dyn Samples>| {
        let order = (0..samples.count()).collect();
        Part::new(samples, order)
    };
    let published = params.text("DATA") == "published";
    let validate = params.count("N_VALIDATE");
    let (train, validation) = match wanted {
        Wanted::Test => (Vec::new(), Vec::new()),
        _ if published => {
            let len = if validate == 0 {
                0
            } else {
                Published::Validation.len()
            };
            let train = Published::Train.len();
            ((0..train).collect(), (train..train + len).collect())
        }
        _ => {
            let train = 3 * params.count("N_TRAIN");
            (
                (0..train).collect(),
                (train..train + 3 * validate).collect(),
            )
        }
    };
    let learned = if published {
        samples(joined(Published::Train, Published::Validation))
    } else {
        let len = train.len() + validation.len();
        samples(YinYangSet::generate(settings.seeds.train_data, len))
    };
    let test = if published {
        YinYangSet::published(Published::Test)
    } else {
        YinYangSet::generate(settings.seeds.test_data, 3 * params.count("N_TEST"))
    };
    let train = Part::new(Arc::clone(&learned), train);
    Ok(Data {
        inputs: INPUTS,
        classes: CLASSES,
        class_names: ["yin", "yang", "dot"].map(str::to_owned).to_vec(),
        train,
        validation: Part::new(learned, validation),
        test: all(samples(test)),
        folds: Vec::new(),
        variation: None,
        settled: Vec::new(),
        demonstration: false,
        lost: Lost::default(),
        notices: Vec::new(),
    })
}

fn joined(first: Published, second: Published) -> YinYangSet {
    let (first, second) = (YinYangSet::published(first), YinYangSet::published(second));
    let samples = [first.samples(), second.samples()].concat();
    let labels = [first.labels(), second.labels()].concat();
    YinYangSet::new(samples, labels).expect("published sets are valid")
}

/// The points of a square grid with `side` points along each edge of the unit square, row by row from
/// y = 0; each as a sample of class 0.
pub fn plane(side: usize, settings: &Settings) -> Result<Part, DataError> {
    let code = LatencyCode::new(settings.input_ms, settings.clock.dt_ms())?;
    let at = |index: usize| (index as f64 + 0.5) / side as f64;
    let rows = (0..side).flat_map(|row| (0..side).map(move |column| (at(column), at(row))));
    let samples: Vec<[f64; 4]> = rows.map(|(x, y)| [x, y, 1.0 - x, 1.0 - y]).collect();
    let labels = vec![0; samples.len()];
    let set = YinYangSet::new(samples, labels).expect("points of the unit square are valid");
    let order = (0..set.len()).collect();
    Ok(Part::new(Arc::new(YinYangSamples { set, code }), order))
}
