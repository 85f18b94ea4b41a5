//! Your own loss: every output neuron is to spike a given number of times.
//!
//! A count has no derivative, so a surrogate stands for it: a neuron with too few spikes wants them earlier, which makes
//! room for more, and one with too many wants them later. `cargo run -p eventprop --example own_loss`
use eventprop::loss::{Labelled, LossFunction, Outcome};
use eventprop::network::{Clock, Init, Lif, Network};
use eventprop::optim::{Adam, Optimizer};
use eventprop::params::Params;
use eventprop::readout::{Observe, Seed};
use eventprop::solver::{Trial, Trials, grid::Grid};
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop::train::Session;

const OUTPUT: usize = 1;
#[derive(Debug)]
struct Counts(Vec<f32>);

impl<R: Trials<Real = f32>> LossFunction<R> for Counts {
    fn trial(&self) -> Trial<'_> {
        Trial::observing(Observe::Nothing)
    }

    fn evaluate(&self, trials: &R, of: Labelled, seed: &mut Seed<f32>) -> Outcome {
        let tape = trials.tape(of.sample);
        let neurons = tape.populations[OUTPUT].neuron.iter().map(|&n| n as usize);
        let mut excess: Vec<f32> = self.0.iter().map(|target| -target).collect();
        neurons.clone().for_each(|n| excess[n] += 1.0);
        let loss = excess.iter().map(|x| f64::from(0.5 * x * x)).sum();
        // ∂L/∂count = excess; the surrogate: a count falls by 0.1 for every ms by which a spike is later.
        let dl_dt = neurons.map(|n| -0.1 * excess[n] / of.samples as f32);
        let pull = &mut seed.pulls_mut(tape.populations.len())[OUTPUT];
        pull.dl_dt.extend(dl_dt);
        let prediction = None;
        Outcome { loss, prediction }
    }
}

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut network = Network::new(Clock::new(1.0, 50.0)?);
    let input = network.add_input("input", 4);
    let output = network.add_lif("output", 2, Lif::new(20.0, 5.0));
    network.connect(input, output, Init::Values(vec![2.0; 8]));
    let times = (0..20).map(|k| 2.0 * f64::from(k)).collect();
    let train = SpikeTrain::new(times, (0..20).map(|k| k % 4).collect())?;
    let batch = Batch::new(vec![train], vec![0])?;

    let params = Params::<f32>::init(&network, 1)?;
    let adam = Optimizer::Adam(Adam::new(&params, 0.9, 0.999, 1e-8));
    let loss = Counts(vec![5.0, 12.0]);
    let mut session = Session::with_loss(Grid::<f32>::new(&network)?, params, loss, adam);
    let first = session.train_batch(&batch, None, 0.02)?.loss_sum;
    for _ in 0..200 {
        session.train_batch(&batch, None, 0.02)?;
    }
    let last = session.test_batch(&batch)?.loss_sum;
    assert!(last < 0.1 * first, "{first} {last}");
    Ok(())
}
