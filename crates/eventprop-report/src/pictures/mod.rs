//! Pictures that stand in files of their own.

pub mod audio_preview;
mod decision_map;
mod learning_curve;
pub mod scaling;
mod spike_time_map;
mod unit_square;

use eventprop_params::picture::{Drawing, Picture};

use crate::figure::Figure;

/// Draws a picture of a run.
///
/// # Errors
/// Why it cannot be drawn, in words.
pub fn draw(picture: &Picture) -> Result<Drawing, String> {
    let figure: Figure = match picture {
        Picture::LearningCurve(curve) => learning_curve::figure(curve),
        Picture::DecisionMap(map) => decision_map::figure(map),
        Picture::SpikeTimeMap(map) => spike_time_map::figure(map),
    };
    Ok(Drawing {
        svg: figure.file_svg(),
        png: figure.png()?,
    })
}
