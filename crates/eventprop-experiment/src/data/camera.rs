//! A camera of a data set as inputs.

use eventprop_data::augment::Grid;
use eventprop_data::encode::camera::{CameraCode, PolarityCode};
use eventprop_data::formats::events::SensorSize;
use eventprop_params::{ParamError, Parameters};

use super::error::DataError;
use crate::settings::Pixels;

/// The code of polarities (`POLARITY`).
pub fn polarity(params: &Parameters) -> PolarityCode {
    let name = params.text("POLARITY");
    name.parse().expect("the table accepts what the code knows")
}

/// The code that maps a square sensor to inputs (`CAMERA_SIDE`, `POLARITY`).
///
/// # Errors
/// With more inputs than there can be.
pub fn code(params: &Parameters, side: u32) -> Result<CameraCode, DataError> {
    let drawn = params.count("CAMERA_SIDE") as u32;
    let code = CameraCode::new(SensorSize::square(side), drawn, polarity(params));
    code.map_err(|problem| {
        DataError::Param(ParamError::Combination {
            key: "CAMERA_SIDE",
            found: drawn.to_string(),
            problem: problem.to_string(),
            way_out: "choose a smaller side, or POLARITY=merge".to_owned(),
        })
    })
}

/// The layout of the inputs, for augmentation; `mirrored` is the class of the mirror image, by class.
pub fn pixels(code: &CameraCode, mirrored: &[u16]) -> Pixels {
    let (width, height) = code.size();
    Pixels {
        grid: Grid {
            width,
            height,
            copies: code.copies(),
        },
        mirrored: mirrored.to_vec(),
    }
}
