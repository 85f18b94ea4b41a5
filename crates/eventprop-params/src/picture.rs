//! Numbers of a run that are drawn: `eventprop-experiment` finds them, `eventprop-report` draws them.

/// Something that a run wants drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Picture {
    /// Loss and accuracy over the epochs.
    LearningCurve(LearningCurve),
    /// Classes over the unit square.
    DecisionMap(DecisionMap),
    /// First spike times over the unit square.
    SpikeTimeMap(SpikeTimeMap),
}

/// A drawn picture, in both formats.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// As SVG.
    pub svg: String,
    /// As PNG.
    pub png: Vec<u8>,
}

/// Draws a picture; the error says why it could not be drawn.
pub type Draw = fn(&Picture) -> Result<Drawing, String>;

/// Loss and accuracy of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningCurve {
    /// The run and its result.
    pub title: String,
    /// The epochs.
    pub points: Vec<CurvePoint>,
}

/// One epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// The epoch, from 1.
    pub epoch: usize,
    /// On training samples.
    pub training: LossAndAccuracy,
    /// On validation samples.
    pub validation: Option<LossAndAccuracy>,
}

/// Loss and accuracy of a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossAndAccuracy {
    /// Mean loss of a sample.
    pub loss: f64,
    /// Accuracy: fraction of correct predictions, 0 to 1.
    pub accuracy: f64,
}

/// The class that a network predicts at every point of the Yin-Yang symbol, and the test points it gets wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionMap {
    /// The run and its result.
    pub title: String,
    /// Cells along each edge of the unit square.
    pub side: usize,
    /// The prediction in each cell, row by row from y = 0. `[side, side]`
    pub cells: Vec<Option<u32>>,
    /// Test points.
    pub tested: Vec<Tested>,
}

/// A test point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tested {
    /// Its place in the unit square.
    pub point: [f64; 2],
    /// Its class.
    pub label: u32,
    /// The network's prediction.
    pub prediction: Option<u32>,
}

/// The first spike time of one output, at every point of the Yin-Yang symbol.
#[derive(Debug, Clone, PartialEq)]
pub struct SpikeTimeMap {
    /// The output and its run.
    pub title: String,
    /// Cells along each edge of the unit square.
    pub side: usize,
    /// First spike times in ms, the end of the trial where there is none; row by row from y = 0.
    /// `[side, side]`
    pub times_ms: Vec<f64>,
}
