//! MNIST from its files, or the few images in the program as a demonstration.

use std::path::PathBuf;
use std::sync::Arc;

use eventprop::rng::{Key, Purpose};
use eventprop::spikes::SpikeTrain;
use eventprop_data::augment::dropout::SpikeDraws;
use eventprop_data::binned::Lost;
use eventprop_data::encode::latency::LatencyCode;
use eventprop_data::encode::pixel_spikes::{PixelSpikes, PixelTimes};
use eventprop_data::sets::mnist::{CLASSES, MnistError, MnistSet, PIXELS, Split};
use eventprop_params::value::Value;
use eventprop_params::{ParamError, Parameters};

use super::binned::BinnedSamples;
use super::error::DataError;
use super::part::{Part, Samples};
use super::run_data::Data;
use super::source::{SetSource, Source, Wanted};
use crate::settings::Settings;

/// Images as spikes in the order of time.
pub struct MnistSamples {
    spikes: PixelSpikes,
    times: PixelTimes,
    labels: Vec<u8>,
}

impl Samples for MnistSamples {
    fn count(&self) -> usize {
        self.labels.len()
    }

    fn label(&self, sample: usize) -> u32 {
        u32::from(self.labels[sample])
    }

    fn encode(&self, sample: usize, train: &mut SpikeTrain) {
        self.spikes.encode(sample, &self.times, train);
    }

    fn binned(&self) -> Option<&BinnedSamples> {
        None
    }

    fn encode_dropping(&self, sample: usize, draws: SpikeDraws, train: &mut SpikeTrain) {
        self.spikes
            .encode_dropping(sample, &self.times, draws, train);
    }

    fn point(&self, _sample: usize) -> Option<[f64; 2]> {
        None
    }
}

/// Images of the demonstration that are kept for validation when nothing else is asked for.
pub const DEMONSTRATION_VALIDATE: usize = 50;

/// The files, or the sample in the program.
pub enum Found {
    /// In the first of these folders that has them.
    Files(Vec<PathBuf>),
    /// The few images in the program.
    Sample,
}

/// The data: the training images are shuffled once; the first are for training, the last for
/// validation. The first of the shuffled test images are for testing.
pub fn load(
    params: &Parameters,
    settings: &Settings,
    source: &Source,
    wanted: Wanted,
) -> Result<Data, DataError> {
    let code = LatencyCode::new(settings.input_ms, settings.clock.dt_ms())?;
    let times = PixelTimes::new(&code);
    let (found, test) = find_test(source)?;
    let mut notices: Vec<String> = demonstration_notice(&found).into_iter().collect();
    notices.extend(other_set_notice(&found, Split::Test, &test));
    let test = images(&test, &times);
    let chosen = choose(params, settings.seeds.test_data, test.as_ref());
    let test = first(params, "N_TEST", test, chosen, &found)?;
    let (train, validation) = if wanted == Wanted::Test {
        (test.none(), test.none())
    } else {
        let set = read(&found, Split::Train)?;
        notices.extend(other_set_notice(&found, Split::Train, &set));
        let set = images(&set, &times);
        split(params, settings, set, &found)?
    };
    let mut settled = vec![("N_VALIDATE", count(&validation)), ("N_TEST", count(&test))];
    settled.extend((!train.is_empty()).then(|| ("N_TRAIN", count(&train))));
    Ok(Data {
        inputs: PIXELS,
        classes: CLASSES,
        class_names: Vec::new(),
        train,
        validation,
        test,
        folds: Vec::new(),
        variation: None,
        settled,
        demonstration: matches!(found, Found::Sample),
        lost: Lost::default(),
        notices,
    })
}

fn count(part: &Part) -> Value {
    Value::Int(part.len() as i64)
}

/// The test images, and where they and the others come from.
pub fn find_test(source: &Source) -> Result<(Found, MnistSet), DataError> {
    let found = MnistSet::read(&source.dirs, Split::Test);
    let is_missing = |error: &MnistError| matches!(error, MnistError::NotFound(_));
    Ok(match SetSource::new(found, is_missing, source)? {
        SetSource::Files(set) => (Found::Files(source.dirs.clone()), set),
        SetSource::Demonstration => (Found::Sample, MnistSet::sample_test()),
    })
}

/// Images of a part.
pub fn read(found: &Found, split: Split) -> Result<MnistSet, DataError> {
    match found {
        Found::Files(dirs) => Ok(MnistSet::read(dirs, split)?),
        Found::Sample => Ok(MnistSet::sample_train()),
    }
}

fn images(set: &MnistSet, times: &PixelTimes) -> Arc<dyn Samples> {
    Arc::new(MnistSamples {
        spikes: set.spikes(),
        times: times.clone(),
        labels: set.labels().to_vec(),
    })
}

/// All samples of the classes that are kept, in an order drawn under `seed`.
fn choose(params: &Parameters, seed: u32, set: &dyn Samples) -> Vec<usize> {
    let mut order = Key::new(u64::from(seed), Purpose::Split).permutation(set.count());
    if let Value::List(classes) = params.get("REDUCED_CLASSES") {
        order.retain(|&sample| classes.contains(&Value::Int(i64::from(set.label(sample)))));
    }
    order
}

fn split(
    params: &Parameters,
    settings: &Settings,
    set: Arc<dyn Samples>,
    found: &Found,
) -> Result<(Part, Part), DataError> {
    let order = choose(params, settings.seeds.train_data, set.as_ref());
    let available = order.len();
    let mut validate = params.count("N_VALIDATE");
    let mut train = params.count("N_TRAIN");
    if is_less(params, found) {
        if !params.is_given("N_VALIDATE") {
            validate = DEMONSTRATION_VALIDATE.min(available / 6);
        }
        if !params.is_given("N_TRAIN") {
            train = available.saturating_sub(validate);
        }
    }
    if train.saturating_add(validate) > available {
        return Err(DataError::Param(ParamError::Combination {
            key: "N_TRAIN",
            found: train.to_string(),
            problem: format!(
                "with N_VALIDATE={validate} it needs {} images and there are {available}",
                train.saturating_add(validate)
            ),
            way_out: format!("together they can be at most {available}"),
        }));
    }
    let validation = order[available - validate..].to_vec();
    let mut order = order;
    order.truncate(train);
    Ok((
        Part::new(Arc::clone(&set), order),
        Part::new(set, validation),
    ))
}

/// True if there are fewer images than the defaults of the sizes are made for.
fn is_less(params: &Parameters, found: &Found) -> bool {
    matches!(found, Found::Sample) || params.get("REDUCED_CLASSES") != Value::None
}

/// The first `key` of the chosen samples.
fn first(
    params: &Parameters,
    key: &'static str,
    set: Arc<dyn Samples>,
    mut order: Vec<usize>,
    found: &Found,
) -> Result<Part, DataError> {
    let wanted = params.count(key);
    if wanted > order.len() && (params.is_given(key) || !is_less(params, found)) {
        return Err(DataError::Param(ParamError::Combination {
            key,
            found: wanted.to_string(),
            problem: format!("there are {} such images", order.len()),
            way_out: format!("it can be at most {}", order.len()),
        }));
    }
    order.truncate(wanted);
    Ok(Part::new(set, order))
}

/// That the files hold another set than the one whose names they have, if they do.
pub fn other_set_notice(found: &Found, split: Split, set: &MnistSet) -> Option<String> {
    let [images, labels] = split.file_names();
    (matches!(found, Found::Files(_)) && !set.is_published(split)).then(|| {
        format!(
            "{images} and {labels} are not the published MNIST (their checksums differ): another set under its names, such as \
             Fashion-MNIST or KMNIST, or a changed one; figures on it are not MNIST's"
        )
    })
}

/// That the images in the program stand in for MNIST, if they do.
pub fn demonstration_notice(found: &Found) -> Option<String> {
    matches!(found, Found::Sample).then(|| {
        "DEMONSTRATION: MNIST is not on this computer, so the 300 training and 200 test images in the program are used; \
         the accuracy says nothing about MNIST. Get the 60,000 images with `eventprop data fetch mnist` (12 MB), or name their folder with --data-dir"
            .to_owned()
    })
}
