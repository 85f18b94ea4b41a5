//! Several ranks with one batch: threads that talk over channels stand for processes. The same bits for
//! any number of ranks, and no rank waits for one that failed.

use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, channel};

use eventprop::loss::Loss;
use eventprop::network::{Network, PopulationId};
use eventprop::optim::{Adam, Optimizer};
use eventprop::params::{Params, Role};
use eventprop::real::{NumbersMut, Real};
use eventprop::reduce::{Alone, Reduce, ReduceError};
use eventprop::regularize::{LayerCount, Regularizer, SpikeCount};
use eventprop::solver::Solver;
use eventprop::solver::event::Event;
use eventprop::solver::grid::Grid;
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop::train::{BatchReport, Plan, Session, TrainError};
use eventprop_cases::random::{Drawn, Output, Shape, draw, losses};

/// Bits of numbers, or that the sender failed.
type Message = Option<Vec<u64>>;

/// A rank in a ring of threads.
#[derive(Debug)]
struct Ring {
    rank: usize,
    ranks: usize,
    from: Receiver<Message>,
    to: Sender<Message>,
}

fn ring(ranks: usize) -> Vec<Ring> {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..ranks).map(|_| channel()).unzip();
    let mut tos: Vec<Sender<Message>> = senders;
    tos.rotate_left(1);
    let ends = receivers.into_iter().zip(tos).enumerate();
    ends.map(|(rank, (from, to))| Ring {
        rank,
        ranks,
        from,
        to,
    })
    .collect()
}

fn bits(numbers: &NumbersMut<'_>) -> Vec<u64> {
    match numbers {
        NumbersMut::F32(list) => list.iter().map(|x| u64::from(x.to_bits())).collect(),
        NumbersMut::F64(list) => list.iter().map(|x| x.to_bits()).collect(),
    }
}

fn each(numbers: &mut NumbersMut<'_>, bits: &[u64], sum: bool) {
    match numbers {
        NumbersMut::F32(list) => list.iter_mut().zip(bits).for_each(|(x, &b)| {
            let other = f32::from_bits(b as u32);
            *x = if sum { *x + other } else { other };
        }),
        NumbersMut::F64(list) => list.iter_mut().zip(bits).for_each(|(x, &b)| {
            let other = f64::from_bits(b);
            *x = if sum { *x + other } else { other };
        }),
    }
}

impl Ring {
    fn send(&self, message: Vec<u64>) {
        // A rank that has returned an error has hung up, and told the one behind it before.
        let _ = self.to.send(Some(message));
    }

    fn receive(&self) -> Result<Vec<u64>, ReduceError> {
        let before = (self.rank + self.ranks - 1) % self.ranks;
        self.from
            .recv()
            .ok()
            .flatten()
            .ok_or(ReduceError::Failed { rank: before })
    }

    /// The numbers of the last rank, at all ranks.
    fn spread(&self, mut last: Vec<u64>) -> Result<Vec<u64>, ReduceError> {
        if self.rank + 1 != self.ranks {
            last = self.receive()?;
        }
        // The last but one hears it last.
        if self.ranks > 1 && !(self.rank + 2).is_multiple_of(self.ranks) {
            self.send(last.clone());
        }
        Ok(last)
    }
}

impl Reduce for Ring {
    fn is_alone(&self) -> bool {
        false
    }

    fn share(&self, samples: usize, group: usize) -> Range<usize> {
        let groups = samples.div_ceil(group);
        let begin = |rank: usize| (groups * rank / self.ranks * group).min(samples);
        begin(self.rank)..begin(self.rank + 1)
    }

    fn total(&mut self, counts: &mut [u64]) -> Result<(), ReduceError> {
        if self.rank > 0 {
            let before = self.receive()?;
            counts.iter_mut().zip(before).for_each(|(n, m)| *n += m);
        }
        if self.rank + 1 < self.ranks {
            self.send(counts.to_vec());
        }
        let whole = self.spread(counts.to_vec())?;
        counts.copy_from_slice(&whole);
        Ok(())
    }

    fn join(&mut self, mut sum: NumbersMut<'_>) -> Result<(), ReduceError> {
        if self.rank > 0 {
            let before = self.receive()?;
            each(&mut sum, &before, true);
        }
        Ok(())
    }

    fn hand_on(&mut self, mut sum: NumbersMut<'_>) -> Result<(), ReduceError> {
        if self.rank + 1 < self.ranks {
            self.send(bits(&sum));
        }
        let whole = self.spread(bits(&sum))?;
        each(&mut sum, &whole, false);
        Ok(())
    }

    fn fail(&mut self) {
        let _ = self.to.send(None);
    }
}

/// A regulariser of means over the batch and of counts of samples, on every hidden population.
fn plan<F: Real>(network: &Network, params: &Params<F>, loss: Loss) -> Plan<F> {
    let regularizer = Regularizer {
        spike_count: Some(SpikeCount {
            lbd_upper: 0.1,
            lbd_lower: 0.2,
            nu_upper: 1.5,
        }),
        layer_count: Some(LayerCount {
            glb_upper: 0.1,
            rho_upper: 2.0,
        }),
        batch_average: true,
    };
    let last = network.output().0;
    let mut regularizers = vec![Regularizer::default(); last + 1];
    regularizers[1..last].fill(regularizer);
    Plan {
        regularizers,
        ..Plan::new(loss, Optimizer::Adam(Adam::new(params, 0.9, 0.999, 1e-8)))
    }
}

/// Results of a rank in the end.
#[derive(Debug, Clone, PartialEq)]
struct End {
    params: Vec<u64>,
    sums: Vec<(u64, usize)>,
    activity: eventprop::activity::Activity,
}

/// Three steps with batches of which the second leaves some ranks without samples.
fn train<S: Solver>(drawn: &Drawn, loss: Loss, reduce: Box<dyn Reduce>) -> Result<End, TrainError> {
    let params = drawn.params.cast::<S::Real>();
    let plan = plan(&drawn.network, &params, loss);
    let mut session = Session::new(S::for_network(&drawn.network)?, params, plan)?;
    session.reduce = reduce;
    let mut sums = Vec::new();
    let trains = drawn.batch.trains();
    for places in [0..trains.len(), 0..1, 1..trains.len()] {
        let share = session.share(places.len());
        let own = places.start + share.start..places.start + share.end;
        let labels = drawn.batch.labels()[own.clone()].to_vec();
        let batch = Batch::new(trains[own].to_vec(), labels).expect("labels and samples match");
        let BatchReport {
            loss_sum, correct, ..
        } = session.train_batch(&batch, None, 0.01)?;
        sums.push((loss_sum.to_bits(), correct));
    }
    Ok(End {
        params: session
            .params
            .values()
            .iter()
            .map(|x| x.to_f64().to_bits())
            .collect(),
        sums,
        activity: session.activity,
    })
}

fn on_ranks<S: Solver>(drawn: &Drawn, loss: Loss, ranks: usize) -> Vec<Result<End, TrainError>> {
    std::thread::scope(|scope| {
        let run = |rank: Ring| scope.spawn(move || train::<S>(drawn, loss, Box::new(rank)));
        let threads: Vec<_> = ring(ranks).into_iter().map(run).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join().expect("no panic");
        threads.into_iter().map(join).collect()
    })
}

fn drawn(output: Output) -> Drawn {
    let shape = Shape {
        samples: 37,
        ..Shape::of_seed(3, output)
    };
    let mut drawn = draw(shape, 3, 0.1);
    let constant = eventprop::network::NeuronConstant::TauMem;
    drawn.network.train_constant(PopulationId(1), constant, 1.0);
    let mut params = Params::init(&drawn.network, 1).expect("a valid network");
    for entry in drawn.params.layout() {
        if let Role::Weights(id) = entry.role {
            let weights = drawn.params.weights(id);
            params.weights_mut(id).copy_from_slice(weights);
        }
    }
    drawn.params = params;
    drawn
}

fn same_bits<S: Solver>(output: Output, loss: Loss) -> End {
    let drawn = drawn(output);
    let one = on_ranks::<S>(&drawn, loss, 1).remove(0).expect("finite");
    for ranks in [2, 3, 5, 8] {
        for end in on_ranks::<S>(&drawn, loss, ranks) {
            assert_eq!(end.expect("finite"), one, "{ranks} ranks");
        }
    }
    one
}

/// The event solver sums over samples, alone as in company.
#[test]
fn any_number_of_ranks_gives_the_bits_of_one_between_events() {
    let loss = losses()[0];
    let one = same_bits::<Event>(Output::Lif, loss);
    let alone = train::<Event>(&drawn(Output::Lif), loss, Box::new(Alone)).expect("finite");
    assert_eq!(one, alone);
}

/// The grid solver sums over groups. Alone it gathers so small a batch in one go: other roundings, a few
/// of them in every gradient, which Adam divides by their size.
#[test]
fn any_number_of_ranks_gives_the_bits_of_one_on_the_grid() {
    same_bits::<Grid<f32>>(Output::Li, Loss::Max);
    let one = same_bits::<Grid<f64>>(Output::Li, Loss::Max);
    let alone = train::<Grid<f64>>(&drawn(Output::Li), Loss::Max, Box::new(Alone)).expect("finite");
    assert_eq!(one.activity, alone.activity);
    for (one, alone) in one.params.iter().zip(&alone.params) {
        let (one, alone) = (f64::from_bits(*one), f64::from_bits(*alone));
        assert!((one - alone).abs() < 1e-9, "{one} {alone}");
    }
}

/// A sample that only one rank solves has a label that is no output: that rank says so, and no other
/// waits for it.
#[test]
fn no_rank_waits_for_one_that_failed() {
    let mut drawn = drawn(Output::Li);
    let mut labels = drawn.batch.labels().to_vec();
    *labels.last_mut().expect("there are samples") = 1000;
    let trains: Vec<SpikeTrain> = drawn.batch.trains().to_vec();
    drawn.batch = Batch::new(trains, labels).expect("a label for every sample");
    let mut ends = on_ranks::<Event>(&drawn, Loss::Max, 3);
    assert!(matches!(ends.pop(), Some(Err(TrainError::Solve(_)))));
    for end in ends {
        assert!(
            matches!(end, Err(TrainError::Reduce(ReduceError::Failed { .. }))),
            "{end:?}"
        );
    }
}
