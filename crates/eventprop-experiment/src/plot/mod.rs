//! Pictures of results, each as PNG and SVG.
//!
//! This module wraps the plotting library, so that the rest of the crate does not depend on it.

mod audio_preview;
mod decision_map;
mod learning_curve;
mod scaling;
mod spike_time_map;

use std::path::{Path, PathBuf};

use eventprop_data::atomic::{self, WriteError};
use kuva::backend::raster::RasterBackend;
use kuva::backend::svg::SvgBackend;
use kuva::render::render::Scene;
use thiserror::Error;

pub use audio_preview::AudioPreview;
pub use decision_map::{DecisionMap, Tested};
pub use learning_curve::{CurvePoint, LearningCurve};
pub use scaling::Scaling;
pub use spike_time_map::SpikeTimeMap;

/// Pixels of the PNG per unit of the SVG.
const PNG_SCALE: f32 = 2.0;

/// Colours that people with any colour vision tell apart (Okabe & Ito 2008).
const BLUE: &str = "#0072B2";
const ORANGE: &str = "#D55E00";

/// A picture could not be made.
#[derive(Debug, Error)]
pub enum PlotError {
    /// The plotting library refused.
    #[error("{path} could not be drawn: {problem}", path = path.display())]
    Draw {
        /// The picture.
        path: PathBuf,
        /// What the library said.
        problem: String,
    },
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Something that can be drawn.
pub trait Picture {
    /// The scene to draw.
    fn scene(&self) -> Scene;

    /// Writes `path`.png and `path`.svg and returns both paths.
    ///
    /// # Errors
    /// [`PlotError`].
    fn write(&self, path: &Path) -> Result<[PathBuf; 2], PlotError> {
        let scene = self.scene();
        let with = |extension: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(extension);
            PathBuf::from(name)
        };
        let (png, svg) = (with(".png"), with(".svg"));
        let bytes = RasterBackend::new()
            .with_scale(PNG_SCALE)
            .render_scene(&scene)
            .map_err(|problem| PlotError::Draw {
                path: png.clone(),
                problem,
            })?;
        atomic::write(&png, |out| out.write_all(&bytes))?;
        let text = SvgBackend::new().render_scene(&scene);
        atomic::write(&svg, |out| out.write_all(text.as_bytes()))?;
        Ok([png, svg])
    }
}
