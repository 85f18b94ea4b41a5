//! DVS128 Gesture from its recordings or from clips, or synthetic gestures for demonstration.

use std::sync::Arc;

use eventprop_data::binned::EventSet;
use eventprop_data::encode::camera::CameraCode;
use eventprop_data::sets::dvs_gesture::{self, GestureError, MIRRORED, Request, SIDE, Window};
use eventprop_data::sets::shd::Split;
use eventprop_data::sets::synthetic_camera;
use eventprop_params::value::Value;
use eventprop_params::{ParamError, Parameters};

use super::assembly::{Assembly, Sets, assemble};
use super::camera;
use super::error::DataError;
use super::run_data::Data;
use super::source::{SetSource, Source, Wanted};
use crate::settings::Settings;

const DEMONSTRATION: &str = "DEMONSTRATION: DVS128 Gesture is not on this computer, so 176 training and 66 test synthetic clips of moving hands are used \
     (synthetic); the accuracy says nothing about the set. `eventprop data fetch dvs-gesture` says how to get it; name its folder with --data-dir";

/// The source of clips and the code that maps them to inputs.
struct Clips<'a> {
    settings: &'a Settings,
    source: &'a Source,
    code: CameraCode,
    window: Option<Window>,
    demonstration: bool,
}

/// The data: clips of the training users, of whom some are for validation, and of the test users.
pub fn load(
    params: &Parameters,
    settings: &Settings,
    source: &Source,
    wanted: Wanted,
) -> Result<Data, DataError> {
    let found = dvs_gesture::find(&source.dirs, dvs_gesture::Split::Test);
    let is_missing = |error: &GestureError| matches!(error, GestureError::NotFound { .. });
    let demonstration = SetSource::new(found, is_missing, source)?.is_demonstration();
    let code = camera::code(params, SIDE)?;
    let clips = Clips {
        settings,
        source,
        code,
        window: window(params)?,
        demonstration,
    };
    let assembly = Assembly {
        params,
        settings,
        sets: &clips,
        pixels: Some(camera::pixels(&code, &MIRRORED)),
        demonstration: demonstration.then(|| DEMONSTRATION.to_owned()),
    };
    assemble(&assembly, wanted)
}

/// The window that is taken of every clip; none for the whole.
fn window(params: &Parameters) -> Result<Option<Window>, ParamError> {
    let start_ms = params.float("CLIP_START_MS");
    let end_ms = match params.get("CLIP_END_MS") {
        Value::Float(end_ms) => end_ms,
        _ => f64::INFINITY,
    };
    if end_ms <= start_ms {
        let problem = format!("the clip begins at CLIP_START_MS={start_ms}");
        let way_out = "choose a later end, or leave it out";
        return Err(params.refuse("CLIP_END_MS", problem, way_out));
    }
    let whole = start_ms == 0.0 && end_ms.is_infinite();
    Ok((!whole).then_some(Window { start_ms, end_ms }))
}

impl Sets for Clips<'_> {
    fn read(
        &self,
        split: Split,
        notices: &mut Vec<String>,
    ) -> Result<Arc<dyn EventSet>, DataError> {
        let binning = self.settings.binning(self.code.inputs());
        let split = match split {
            Split::Test => dvs_gesture::Split::Test,
            _ => dvs_gesture::Split::Train,
        };
        let request = Request {
            code: &self.code,
            binning: &binning,
            window: self.window,
        };
        if self.demonstration {
            let seed = u64::from(self.settings.seeds.train_data);
            return Ok(Arc::new(synthetic_camera::gestures(split, seed, &request)));
        }
        let loaded = dvs_gesture::read_binned(&self.source.dirs, split, &request)?;
        notices.extend(loaded.notices);
        Ok(Arc::new(loaded.set))
    }
}
