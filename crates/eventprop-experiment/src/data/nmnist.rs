//! N-MNIST from its folders, or a demonstration: the few digits in the program before a synthetic camera.

use std::sync::Arc;

use eventprop_data::binned::EventSet;
use eventprop_data::encode::camera::CameraCode;
use eventprop_data::sets::mnist::MnistSet;
use eventprop_data::sets::nmnist::{self, NmnistError, SIDE};
use eventprop_data::sets::shd::Split;
use eventprop_data::sets::synthetic_camera;
use eventprop_params::Parameters;

use super::assembly::{Assembly, Sets, assemble};
use super::camera;
use super::error::DataError;
use super::run_data::Data;
use super::source::{SetSource, Source, Wanted};
use crate::settings::Settings;

const DEMONSTRATION: &str = "DEMONSTRATION: N-MNIST is not on this computer, so the 300 training and 200 test images of MNIST in the program are \
     recorded by a synthetic camera; the accuracy says nothing about N-MNIST. `eventprop data fetch nmnist` says how to get it; \
     name its folder with --data-dir";

/// The source of recordings and the code that maps them to inputs.
struct Digits<'a> {
    settings: &'a Settings,
    source: &'a Source,
    code: CameraCode,
    demonstration: bool,
}

/// The data: training recordings, of which some are for validation, and test recordings.
pub fn load(
    params: &Parameters,
    settings: &Settings,
    source: &Source,
    wanted: Wanted,
) -> Result<Data, DataError> {
    let found = nmnist::find(&source.dirs, nmnist::Split::Test);
    let is_missing = |error: &NmnistError| matches!(error, NmnistError::NotFound { .. });
    let demonstration = SetSource::new(found, is_missing, source)?.is_demonstration();
    let code = camera::code(params, SIDE)?;
    let digits = Digits {
        settings,
        source,
        code,
        demonstration,
    };
    let assembly = Assembly {
        params,
        settings,
        sets: &digits,
        pixels: Some(camera::pixels(&code, &[])),
        demonstration: demonstration.then(|| DEMONSTRATION.to_owned()),
    };
    assemble(&assembly, wanted)
}

impl Sets for Digits<'_> {
    fn read(
        &self,
        split: Split,
        notices: &mut Vec<String>,
    ) -> Result<Arc<dyn EventSet>, DataError> {
        let binning = self.settings.binning(self.code.inputs());
        if self.demonstration {
            let images = match split {
                Split::Test => MnistSet::sample_test(),
                _ => MnistSet::sample_train(),
            };
            return Ok(Arc::new(synthetic_camera::digits(
                &images, &self.code, &binning,
            )));
        }
        let split = match split {
            Split::Test => nmnist::Split::Test,
            _ => nmnist::Split::Train,
        };
        let loaded = nmnist::read_binned(&self.source.dirs, split, &self.code, &binning)?;
        notices.extend(loaded.notices);
        Ok(Arc::new(loaded.set))
    }
}
