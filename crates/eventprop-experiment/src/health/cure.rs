//! Parameters that would help, found by trying on the same batch.

use eventprop::calibrate::Bracket;
use eventprop_params::Parameters;
use eventprop_params::value::Value;

use super::look::{EXPLODING, LayerFigures, Look, SATURATED, SILENT};
use crate::data::Data;
use crate::run::error::RunError;

/// Mean and standard deviation of the weights of a kind of projection.
type Keys = (&'static str, &'static str);

const INPUT: Keys = ("INPUT_HIDDEN_MEAN", "INPUT_HIDDEN_STD");
const FORWARD: Keys = ("HIDDEN_HIDDENFWD_MEAN", "HIDDEN_HIDDENFWD_STD");
const RECURRENT: Keys = ("HIDDEN_HIDDEN_MEAN", "HIDDEN_HIDDEN_STD");
const OUTPUT: Keys = ("HIDDEN_OUTPUT_MEAN", "HIDDEN_OUTPUT_STD");

/// Mean and standard deviation of weights.
#[derive(Clone, Copy)]
struct Weights {
    mean: f64,
    std: f64,
}

/// Largest power of two by which weights are scaled.
const POWERS: usize = 12;
/// Halvings of the interval between two powers of two: the rate is then right to a few percent.
const HALVINGS: usize = 6;
/// Spikes of an output neuron per sample that a cure aims at: the first one is what is read.
const OUTPUT_TARGET: f64 = 1.0;

/// Parameters that would help, and what is found with them.
pub struct Cure {
    pub fix: Vec<(&'static str, Value)>,
    pub look: Look,
}

/// Parameters that would help; none when nothing that weights can cure is wrong.
pub fn find(
    params: &Parameters,
    data: &Data,
    (look, target): (&Look, f64),
) -> Result<Option<Cure>, RunError> {
    // The weights of a file are the user's to change.
    if !matches!(params.get("NETWORK"), Value::None) {
        return Ok(None);
    }
    let mut patient = Patient {
        params: params.clone(),
        look: look.clone(),
        data,
    };
    let recurrent = params.flag("RECURRENT");
    if recurrent && patient.look.growth() > EXPLODING {
        patient.shrink(RECURRENT)?;
    }
    let layers = patient.hidden_layers();
    if patient.is_ill(0..1) {
        patient.tune(INPUT, 0..1, target)?;
    }
    if layers > 1 && patient.is_ill(1..layers) {
        patient.tune(FORWARD, 1..layers, target)?;
    }
    let all = patient.look.layers.len();
    if all > layers && patient.is_ill(layers..all) {
        patient.tune(OUTPUT, layers..all, OUTPUT_TARGET)?;
    }
    if patient.look.growth() > EXPLODING {
        patient.shrink(OUTPUT)?;
    }
    let grazes = patient.look.layers.iter().any(|layer| layer.grazing > 0);
    if grazes && patient.look.growth() > EXPLODING {
        patient.set("GRAZING", Value::Text("limit:0.01".to_owned()))?;
    }
    let fix = patient.changes(params);
    Ok((!fix.is_empty()).then_some(Cure {
        fix,
        look: patient.look,
    }))
}

/// A network under treatment.
struct Patient<'a> {
    params: Parameters,
    look: Look,
    data: &'a Data,
}

impl Patient<'_> {
    fn hidden_layers(&self) -> usize {
        let layers = self.look.layers.iter();
        layers.filter(|layer| !layer.is_output()).count()
    }

    fn is_ill(&self, layers: std::ops::Range<usize>) -> bool {
        let failed = self.look.failure.is_some();
        let ill = |layer: &LayerFigures| {
            layer.silent_share() >= SILENT
                || !layer.is_output() && layer.saturated_share() >= SATURATED
        };
        failed || self.look.layers[layers].iter().any(ill)
    }

    /// Mean rate of some layers; infinite when the network cannot be solved.
    fn rate(&self, layers: std::ops::Range<usize>) -> f64 {
        if self.look.failure.is_some() {
            return f64::INFINITY;
        }
        let layers = &self.look.layers[layers];
        let spikes: f64 = layers.iter().map(|l| l.rate * l.size as f64).sum();
        let neurons: usize = layers.iter().map(|l| l.size).sum();
        spikes / neurons as f64
    }

    fn set(&mut self, key: &'static str, value: Value) -> Result<(), RunError> {
        self.params.set(key, value)?;
        self.look = Look::new(&self.params, self.data)?;
        Ok(())
    }

    /// Sets weights to `scale` times `weights`.
    fn scale(&mut self, keys: Keys, weights: Weights, scale: f64) -> Result<(), RunError> {
        self.params.set(keys.0, rounded(weights.mean * scale))?;
        self.set(keys.1, rounded(weights.std * scale))
    }

    fn weights(&self, keys: Keys) -> Weights {
        Weights {
            mean: self.params.float(keys.0),
            std: self.params.float(keys.1),
        }
    }

    /// Scales weights until layers have a rate: first by powers of two, then between two of them.
    fn tune(
        &mut self,
        keys: Keys,
        layers: std::ops::Range<usize>,
        target: f64,
    ) -> Result<(), RunError> {
        let mut weights = self.weights(keys);
        let too_low = self.rate(layers.clone()) < target;
        // Weights that inhibit on average excite no layer, however large they are.
        if too_low && weights.mean <= 0.0 {
            weights.mean = weights.std.max(0.01);
        }
        let bracket = Bracket::find(too_low, POWERS, HALVINGS, |scale| {
            self.scale(keys, weights, scale)?;
            Ok::<bool, RunError>(self.rate(layers.clone()) < target)
        })?;
        // The side on which the network is not too active.
        self.scale(keys, weights, bracket.below)
    }

    /// Halves weights until gradients do not explode.
    fn shrink(&mut self, keys: Keys) -> Result<(), RunError> {
        let weights = self.weights(keys);
        for power in 1..=POWERS as i32 {
            if self.look.growth() <= EXPLODING {
                return Ok(());
            }
            self.scale(keys, weights, 0.5_f64.powi(power))?;
        }
        Ok(())
    }

    /// The parameters that were changed.
    fn changes(&self, before: &Parameters) -> Vec<(&'static str, Value)> {
        let both = before.iter().zip(self.params.iter());
        let changed = both.filter(|((_, before), (_, after))| before != after);
        changed.map(|(_, (row, after))| (row.key, after)).collect()
    }
}

/// Three digits are what a user would write.
fn rounded(number: f64) -> Value {
    let text = format!("{number:.2e}");
    Value::Float(text.parse().expect("a number"))
}
