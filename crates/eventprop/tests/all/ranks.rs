//! Several ranks with one batch: threads that talk over channels stand for processes. The same bits for
//! any number of ranks and for none, and no rank waits for one that failed.

use std::sync::mpsc::{Receiver, Sender, channel};

use eventprop::loss::Loss;
use eventprop::network::{Network, PopulationId};
use eventprop::optim::{Adam, Optimizer};
use eventprop::params::{Params, Role};
use eventprop::real::{Numbers, NumbersMut, Real};
use eventprop::reduce::{Alone, Link, Ranks, Reduce, ReduceError};
use eventprop::regularize::{LayerCount, Regularizer, SpikeCount};
use eventprop::solver::Solver;
use eventprop::solver::event::Event;
use eventprop::solver::grid::Grid;
use eventprop::spikes::{Batch, SpikeTrain};
use eventprop::train::{BatchReport, Plan, Session, TrainError};
use eventprop_cases::random::{Drawn, Output, Shape, draw, losses};

/// Bits of numbers, or that the sender failed.
type Message = Option<Vec<u64>>;

/// A link over channels, one for every pair of ranks.
#[derive(Debug)]
struct Channels {
    rank: usize,
    from: Vec<Receiver<Message>>,
    to: Vec<Sender<Message>>,
}

fn channels(ranks: usize) -> Vec<Channels> {
    let mut all: Vec<Channels> = (0..ranks)
        .map(|rank| Channels {
            rank,
            from: Vec::new(),
            to: Vec::new(),
        })
        .collect();
    for from in 0..ranks {
        for to in 0..ranks {
            let (sender, receiver) = channel();
            all[from].to.push(sender);
            all[to].from.push(receiver);
        }
    }
    all
}

impl Channels {
    fn put(&self, to: usize, bits: Vec<u64>) -> Result<(), ReduceError> {
        let sent = self.to[to].send(Some(bits));
        sent.map_err(|_| ReduceError::Failed { rank: to })
    }

    fn take(&self, from: usize, len: usize) -> Result<Vec<u64>, ReduceError> {
        let message = self.from[from].recv().ok().flatten();
        let bits = message.ok_or(ReduceError::Failed { rank: from })?;
        assert_eq!(bits.len(), len, "ranks take the same steps");
        Ok(bits)
    }
}

impl Link for Channels {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.to.len()
    }

    fn send_counts(&mut self, to: usize, counts: &[u64]) -> Result<(), ReduceError> {
        self.put(to, counts.to_vec())
    }

    fn receive_counts(&mut self, from: usize, counts: &mut [u64]) -> Result<(), ReduceError> {
        counts.copy_from_slice(&self.take(from, counts.len())?);
        Ok(())
    }

    fn send(&mut self, to: usize, numbers: Numbers<'_>) -> Result<(), ReduceError> {
        let bits = match numbers {
            Numbers::F32(list) => list.iter().map(|x| u64::from(x.to_bits())).collect(),
            Numbers::F64(list) => list.iter().map(|x| x.to_bits()).collect(),
        };
        self.put(to, bits)
    }

    fn receive(&mut self, from: usize, numbers: NumbersMut<'_>) -> Result<(), ReduceError> {
        let bits = self.take(from, numbers.as_numbers().len())?;
        match numbers {
            NumbersMut::F32(list) => list
                .iter_mut()
                .zip(bits)
                .for_each(|(x, b)| *x = f32::from_bits(b as u32)),
            NumbersMut::F64(list) => list
                .iter_mut()
                .zip(bits)
                .for_each(|(x, b)| *x = f64::from_bits(b)),
        }
        Ok(())
    }

    fn fail(&mut self) {
        for to in &self.to {
            // One that has returned an error has hung up.
            let _ = to.send(None);
        }
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
        let run = |link: Channels| {
            scope.spawn(move || train::<S>(drawn, loss, Box::new(Ranks::over(link))))
        };
        let threads: Vec<_> = channels(ranks).into_iter().map(run).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join().expect("no panic");
        threads.into_iter().map(join).collect()
    })
}

fn drawn(output: Output) -> Drawn {
    drawn_with(output, 0.1, false)
}

fn drawn_with(output: Output, dt_ms: f64, trained_delays: bool) -> Drawn {
    let shape = Shape {
        samples: 37,
        delays: true,
        trained_delays,
        ..Shape::of_seed(3, output)
    };
    let mut drawn = draw(shape, 3, dt_ms);
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

/// Ranks in any number, one among them, give the bits of a run without.
fn same_bits<S: Solver>(drawn: &Drawn, loss: Loss) {
    let alone = train::<S>(drawn, loss, Box::new(Alone)).expect("finite");
    for ranks in [1, 2, 3, 5, 8] {
        for end in on_ranks::<S>(drawn, loss, ranks) {
            assert_eq!(end.expect("finite"), alone, "{ranks} ranks");
        }
    }
}

#[test]
fn any_number_of_ranks_gives_the_bits_of_none_between_events() {
    same_bits::<Event>(&drawn(Output::Lif), losses()[0]);
}

/// So small a batch is gathered in one go, by the first rank.
#[test]
fn any_number_of_ranks_gives_the_bits_of_none_on_a_batch_that_is_not_cut() {
    let drawn = drawn(Output::Li);
    let solver = Grid::<f64>::for_network(&drawn.network).expect("valid");
    assert_eq!(solver.group_len(drawn.batch.len()), drawn.batch.len());
    same_bits::<Grid<f32>>(&drawn, Loss::Max);
    same_bits::<Grid<f64>>(&drawn, Loss::Max);
}

/// Long trials, and delays of their own for the synapses of a source, are summed in groups.
#[test]
fn any_number_of_ranks_gives_the_bits_of_none_in_groups() {
    for (dt_ms, trained_delays) in [(0.02, false), (0.1, true)] {
        let drawn = drawn_with(Output::Li, dt_ms, trained_delays);
        let solver = Grid::<f32>::for_network(&drawn.network).expect("valid");
        assert!(solver.group_len(drawn.batch.len()) < 37);
        same_bits::<Grid<f32>>(&drawn, Loss::Max);
        same_bits::<Grid<f64>>(&drawn, Loss::Max);
    }
}

/// What a rank is told of the whole batch: outcomes in the order of samples.
#[test]
fn every_rank_hears_the_outcomes_of_all_samples() {
    let drawn = drawn(Output::Li);
    let test = |reduce: Box<dyn Reduce>, undivided: bool| {
        let params = drawn.params.clone();
        let plan = plan(&drawn.network, &params, Loss::Max);
        let solver = Event::for_network(&drawn.network).expect("valid");
        let mut session = Session::new(solver, params, plan).expect("fits");
        (session.reduce, session.undivided) = (reduce, undivided);
        let share = session.share(drawn.batch.len());
        let trains = drawn.batch.trains()[share.clone()].to_vec();
        let labels = drawn.batch.labels()[share.clone()].to_vec();
        let batch = Batch::new(trains, labels).expect("a label each");
        (share, session.test_batch(&batch).expect("finite"))
    };
    let (_, alone) = test(Box::new(Alone), false);
    assert_eq!(alone.outcomes.len(), 37);
    for undivided in [false, true] {
        std::thread::scope(|scope| {
            let run = |link: Channels| scope.spawn(|| test(Box::new(Ranks::over(link)), undivided));
            let threads: Vec<_> = channels(3).into_iter().map(run).collect();
            for (rank, thread) in threads.into_iter().enumerate() {
                let (share, report) = thread.join().expect("no panic");
                assert_eq!(report, alone);
                assert_eq!(share.is_empty(), undivided && rank > 0);
            }
        });
    }
}

/// Shares follow one another, begin at groups and cover the batch; texts come in the order of ranks.
#[test]
fn shares_cover_the_batch_and_texts_go_round() {
    for ranks in 1..=9 {
        std::thread::scope(|scope| {
            let each = |link: Channels| {
                scope.spawn(move || {
                    let mut ranks = Ranks::over(link);
                    let shares: Vec<_> = [(37, 1), (37, 4), (3, 3), (0, 1)]
                        .map(|(samples, group)| ranks.share(samples, group))
                        .into();
                    let own = "é".repeat(ranks.rank());
                    (shares, ranks.texts(&own).expect("nobody fails"))
                })
            };
            let threads: Vec<_> = channels(ranks).into_iter().map(each).collect();
            let ends: Vec<_> = threads
                .into_iter()
                .map(|t| t.join().expect("no panic"))
                .collect();
            for (case, (samples, group)) in
                [(37, 1), (37, 4), (3, 3), (0, 1)].into_iter().enumerate()
            {
                let mut next = 0;
                for (shares, _) in &ends {
                    let share = &shares[case];
                    assert_eq!(share.start, next);
                    assert!(share.is_empty() || share.start % group == 0);
                    next = share.end;
                }
                assert_eq!(next, samples);
            }
            for (_, texts) in &ends {
                let lens: Vec<usize> = texts.iter().map(|t| t.chars().count()).collect();
                assert_eq!(lens, (0..ranks).collect::<Vec<_>>());
            }
        });
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
