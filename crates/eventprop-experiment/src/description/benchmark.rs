//! The network that the parameters of a benchmark say: input, hidden layers, output.

use eventprop::connect::Delay;
use eventprop::loss::Loss;
use eventprop::network::{Adaptation, Constant, Init, Li, Lif, Model, NeuronConstant, Trained};
use eventprop::rng::{Key, Purpose};

use super::{DescriptionError, NetworkDescription, PopulationDescription, ProjectionDescription};
use crate::settings::{Connection, LayerNames, NetworkSettings, Settings, Taus};

impl NetworkDescription {
    /// The network of a run: that of `NETWORK`, or the one that the other parameters say, on the clock of the run.
    ///
    /// # Errors
    /// As [`Self::of_benchmark`].
    pub fn of_settings(
        settings: &Settings,
        classes: Option<usize>,
        seed: u64,
    ) -> Result<Self, DescriptionError> {
        let mut described = match &settings.network.described {
            Some(described) => Self::clone(described),
            None => Self::of_benchmark(settings, classes, seed)?,
        };
        described.clock = Some(settings.clock);
        Ok(described)
    }

    /// The network of a benchmark by its parameters. Outputs spike when the loss reads spike times and are leaky integrators otherwise.
    /// Time constants that differ are drawn under `seed`; those of outputs need the number of `classes`.
    ///
    /// # Errors
    /// When it does and there is none.
    pub fn of_benchmark(
        settings: &Settings,
        classes: Option<usize>,
        seed: u64,
    ) -> Result<Self, DescriptionError> {
        let s = &settings.network;
        let layers = s.hidden.len();
        let names = LayerNames::new(settings.benchmark, layers);
        let mut described = Self::default();
        described.add("input".to_owned(), None, Model::Input, Vec::new());
        for (layer, &size) in s.hidden.iter().enumerate() {
            let key = Key::new(seed, Purpose::TimeConstants).with(layer as u64);
            let draw = Draw::new(s, key, s.hidden_taus, s.tau_mem, size);
            let model = hidden_neurons(s, &draw);
            let name = names.hidden(layer);
            described.add(name, Some(size), model, trained(s, s.hidden_taus));
            let (from, to) = (layer, layer + 1);
            let forward = if layer == 0 {
                s.input_hidden
            } else {
                s.hidden_forward
            };
            described.connect(s, [from, to], forward, s.train_weights);
            if s.recurrent {
                described.connect(s, [to, to], s.hidden_hidden, s.train_weights);
            }
        }
        let key = Key::new(seed, Purpose::TimeConstants).with(layers as u64);
        let unknown = || DescriptionError::NoSize {
            name: "output".to_owned(),
        };
        let size = if s.output_taus.drawn {
            classes.ok_or_else(unknown)?
        } else {
            0
        };
        let draw = Draw::new(s, key, s.output_taus, s.tau_mem_output, size);
        let model = if matches!(settings.loss, Loss::FirstSpike(_)) {
            Model::Lif(draw.lif(s))
        } else {
            Model::Li(Li::new(draw.mem, draw.syn).v_init(s.v_reset))
        };
        described.add("output".to_owned(), None, model, trained(s, s.output_taus));
        described.connect(
            s,
            [layers, layers + 1],
            s.hidden_output,
            s.train_output_weights,
        );
        Ok(described)
    }

    fn add(&mut self, name: String, size: Option<usize>, model: Model, trained: Vec<Trained>) {
        self.populations.push(PopulationDescription {
            name,
            shape: size.map(Into::into),
            model,
            trained,
        });
    }

    fn connect(
        &mut self,
        settings: &NetworkSettings,
        [source, target]: [usize; 2],
        connection: Connection,
        trained: bool,
    ) {
        let delay: Delay = settings.delays.between(source, target);
        let weights = connection.weights;
        self.projections.push(ProjectionDescription {
            source,
            target,
            via: Vec::new(),
            pairs: connection.pairs.into(),
            delay,
            weights: Init::Normal {
                mean: weights.mean,
                std: weights.std,
            },
            frozen: !trained,
            port: None,
        });
    }
}

/// The time constants of a layer that are trained.
fn trained(settings: &NetworkSettings, taus: Taus) -> Vec<Trained> {
    let (mem, syn) = settings.tau_least;
    let both = [(NeuronConstant::TauMem, mem), (NeuronConstant::TauSyn, syn)];
    let all = both.map(|(constant, least)| Trained { constant, least });
    if taus.trained {
        all.to_vec()
    } else {
        Vec::new()
    }
}

/// Time constants of a layer.
struct Draw {
    mem: Constant,
    syn: Constant,
}

impl Draw {
    fn new(settings: &NetworkSettings, key: Key, taus: Taus, tau_mem: f64, size: usize) -> Self {
        let draw = |tau: f64, least: f64, key: Key| {
            if !taus.drawn {
                return Constant::Same(tau);
            }
            // Files of weights hold single precision, and have to give the same network.
            let single = |tau: f64| f64::from(tau as f32);
            let values = (0..size).map(|n| single(gamma(tau, key, n).clamp(least, 3.0 * tau)));
            Constant::PerNeuron(values.collect())
        };
        let (mem, syn) = settings.tau_least;
        Self {
            mem: draw(tau_mem, mem, key.with(0)),
            syn: draw(settings.tau_syn, syn, key.with(1)),
        }
    }

    fn lif(&self, settings: &NetworkSettings) -> Lif {
        Lif::new(self.mem.clone(), self.syn.clone())
            .v_thresh(settings.v_thresh)
            .v_reset(settings.v_reset)
    }
}

/// A draw from the gamma distribution of shape 3 and mean `mean`: the sum of three exponential draws.
fn gamma(mean: f64, key: Key, neuron: usize) -> f64 {
    let draw = |n: u64| -(1.0 - key.uniform(3 * neuron as u64 + n)).ln();
    (draw(0) + draw(1) + draw(2)) * mean / 3.0
}

fn hidden_neurons(settings: &NetworkSettings, draw: &Draw) -> Model {
    if let Some(equations) = &settings.equations {
        return Model::Equations(equations.clone());
    }
    let lif = draw.lif(settings).refractory(settings.refractory);
    match settings.adaptation {
        None => Model::Lif(lif),
        Some(a) => {
            let adaptation = Adaptation::new(a.tau_b, a.b_incr).b_init(a.b_init);
            Model::Alif(lif.adapting(adaptation))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Γ(3, τ/3): mean τ, variance τ²/3. With n draws the mean has sd τ/√(3n) and, the fourth central
    /// moment being 3 (1/9 + 6/81)… of order τ⁴, the variance one below 0.7 τ²/√n; the bounds are 5 sd.
    #[test]
    fn drawn_time_constants_have_mean_and_variance_of_the_gamma_distribution() {
        let (n, tau) = (40_000_u32, 20.0);
        let key = Key::new(3, Purpose::Test);
        let draws: Vec<f64> = (0..n as usize).map(|k| gamma(tau, key, k)).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(n);
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
        assert!((mean - tau).abs() < 5.0 * tau / (3.0 * f64::from(n)).sqrt());
        let allowed = 5.0 * 0.7 * tau * tau / f64::from(n).sqrt();
        assert!((variance - tau * tau / 3.0).abs() < allowed, "{variance}");
    }
}
