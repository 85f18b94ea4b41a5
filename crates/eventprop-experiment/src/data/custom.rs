//! The user's own data: a folder per class of recordings, or a file of spike trains.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use eventprop_data::binned::{BinnedSet, EventSet, Speakers};
use eventprop_data::formats::events::{ReadOptions, TimeOrigin};
use eventprop_data::sets::own::{self, Loaded, Request, Setting, Shape};
use eventprop_data::sets::shd::Split;
use eventprop_params::value::Value;
use eventprop_params::{ParamError, Parameters};

use super::assembly::{Assembly, Sets, assemble};
use super::camera;
use super::error::DataError;
use super::run_data::Data;
use super::source::Wanted;
use crate::settings::Settings;

/// Classes that are named one by one.
const NAMES_MAX: usize = 40;

/// The training set, which says what is tested, and where that is.
struct Own<'a> {
    params: &'a Parameters,
    settings: &'a Settings,
    train: Arc<BinnedSet>,
    shape: Shape,
    notices: Vec<String>,
    test: Option<PathBuf>,
}

/// The data: `DATA_TRAIN`, of which some is for validation, and `DATA_TEST`, which a cross-validation does
/// not need.
pub fn load(params: &Parameters, settings: &Settings, wanted: Wanted) -> Result<Data, DataError> {
    let train = path(params, "DATA_TRAIN", "--train")?;
    let test = match path(params, "DATA_TEST", "--test") {
        Ok(path) => Some(path),
        Err(_) if wanted == Wanted::Folds => None,
        Err(error) => return Err(error.into()),
    };
    let loaded = read(params, settings, &train, None)?;
    let own = Own {
        params,
        settings,
        train: Arc::new(loaded.set),
        notices: told(&loaded.shape, loaded.notices, &train),
        shape: loaded.shape,
        test,
    };
    let assembly = Assembly {
        params,
        settings,
        sets: &own,
        pixels: own.shape.code.map(|code| camera::pixels(&code, &[])),
        demonstration: None,
    };
    assemble(&assembly, wanted)
}

fn path(params: &Parameters, key: &'static str, option: &str) -> Result<PathBuf, ParamError> {
    match params.get(key) {
        Value::Text(path) => Ok(PathBuf::from(path)),
        _ => Err(ParamError::Missing {
            key,
            way_out: format!(
                "name a folder with a folder of recordings per class, an HDF5 file in the layout of SHD or an .npz archive with {option} PATH"
            ),
        }),
    }
}

fn read(
    params: &Parameters,
    settings: &Settings,
    path: &Path,
    shape: Option<&Shape>,
) -> Result<Loaded, DataError> {
    let given = [
        ("CAMERA_SIDE", Setting::Side),
        ("POLARITY", Setting::Polarity),
        ("TIME_ORIGIN", Setting::Origin),
    ];
    let given = given.iter().filter(|(key, _)| params.is_changed(key));
    let given: Vec<Setting> = given.map(|(_, setting)| *setting).collect();
    let request = Request {
        binning: settings.binning(0),
        side: params.count("CAMERA_SIDE") as u32,
        polarity: camera::polarity(params),
        reading: &reading(params)?,
        given: &given,
        shape,
    };
    Ok(own::read_binned(path, &request)?)
}

/// Format, columns and zero of the times of the recordings.
fn reading(params: &Parameters) -> Result<ReadOptions, ParamError> {
    Ok(ReadOptions {
        format: parsed(params, "DATA_FORMAT")?,
        columns: parsed(params, "DATA_COLUMNS")?,
        origin: match params.text("TIME_ORIGIN").as_str() {
            "file" => TimeOrigin::File,
            _ => TimeOrigin::FirstEvent,
        },
    })
}

fn parsed<T: FromStr<Err: Display>>(
    params: &Parameters,
    key: &'static str,
) -> Result<Option<T>, ParamError> {
    let Value::Text(text) = params.get(key) else {
        return Ok(None);
    };
    let parsed = text.parse().map(Some);
    parsed.map_err(|error: T::Err| {
        params.refuse(
            key,
            error.to_string(),
            "or leave it out for files that say it",
        )
    })
}

/// Notices for the user about a training set: its size and the numbers of its classes.
fn told(shape: &Shape, notices: Vec<String>, path: &Path) -> Vec<String> {
    let mut told = vec![format!(
        "{}: {} channels, {} classes",
        path.display(),
        shape.inputs,
        shape.classes
    )];
    if (1..=NAMES_MAX).contains(&shape.names.len()) {
        let names = shape.names.iter().enumerate();
        let names: Vec<String> = names
            .map(|(class, name)| format!("{class} {name}"))
            .collect();
        told.push(format!("classes: {}", names.join(", ")));
    }
    told.extend(notices);
    told
}

impl Sets for Own<'_> {
    fn read(
        &self,
        split: Split,
        notices: &mut Vec<String>,
    ) -> Result<Arc<dyn EventSet>, DataError> {
        match (split, &self.test) {
            (Split::Test, Some(path)) => {
                let loaded = read(self.params, self.settings, path, Some(&self.shape))?;
                let of_test = loaded.notices.into_iter();
                notices.extend(of_test.map(|notice| format!("{}: {notice}", path.display())));
                Ok(Arc::new(loaded.set))
            }
            (Split::Test, None) => {
                let Shape {
                    inputs, classes, ..
                } = self.shape;
                let steps = self.train.steps();
                let none = BinnedSet::new(inputs, steps, classes, Speakers::Unknown);
                Ok(Arc::new(none))
            }
            _ => {
                notices.extend(self.notices.iter().cloned());
                Ok(Arc::clone(&self.train) as Arc<dyn EventSet>)
            }
        }
    }
}
