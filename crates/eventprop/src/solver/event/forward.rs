//! One sample, forward: from event to event.

use std::sync::Arc;

use super::Model;
use super::arrivals::{Arrival, Arriving, Timetable};
use super::interval::{self, IntervalSpikes};
use super::neurons::{Flows, States};
use super::observe::Observer;
use super::schedule::{Component, Line};
use super::stretch::Stretch;
use super::work::Work;
use crate::dispatch::{Kernel, vectorized};
use crate::network::PopulationId;
use crate::neuron::flow::{Flow, State};
use crate::params::AllWeights;
use crate::readout::{Observe, Readout, Voltages};
use crate::solver::for_implementors::nodes_of;
use crate::solver::{SolveError, first_spikes};
use crate::spikes::SpikeTrain;
use crate::tape::{Spikes, Tape};

/// Working memory of the forward pass, reused from sample to sample.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    states: Vec<States>,
    arriving: Arriving,
    timetable: Timetable,
    /// The flows between the stops of the timetable, where all neurons share them.
    flows: Vec<Flow>,
    interval: interval::Scratch,
    candidates: Vec<u32>,
    /// (population, neuron) that fire next, together.
    firing: Vec<(usize, u32)>,
}

/// One sample to be solved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    /// The prepared network.
    pub model: &'a Model,
    /// Its weights.
    pub weights: AllWeights<'a, f64>,
    /// Position of the sample in its batch.
    pub sample: usize,
    /// Observation that the loss needs.
    pub observe: Observe,
    /// Populations whose voltages it needs.
    pub voltages: &'a [PopulationId],
    /// True if input spikes have amplitudes.
    pub graded: bool,
}

/// The result for one sample, and how much work it was.
#[derive(Debug)]
pub(super) struct Traces<'a> {
    /// Spikes of every population.
    pub tape: &'a mut Tape<f64, f64>,
    /// Readout of the output.
    pub readout: &'a mut Readout<f64>,
    /// Counters, added to.
    pub work: &'a mut Work,
}

/// What is shown of leaky integrators.
#[derive(Debug, Clone, Copy)]
struct View<'a> {
    observe: Observe,
    /// Borders of the quadrature beside the arrivals, ascending.
    borders_ms: &'a [f64],
}

/// A component with neurons that spike.
struct SolveSpiking<'a> {
    pass: &'a Pass<'a>,
    component: &'a Component,
    scratch: &'a mut Scratch,
    tape: &'a mut Tape<f64, f64>,
    work: &'a mut Work,
}

impl Kernel for SolveSpiking<'_> {
    type Output = Result<(), SolveError>;

    #[inline(always)]
    fn run(self) -> Result<(), SolveError> {
        let Self {
            pass,
            component,
            scratch,
            tape,
            work,
        } = self;
        if component.cyclic {
            pass.solve_loop(component, scratch, tape, work)
        } else {
            pass.solve_spiking(component, scratch, tape, work)
        }
    }
}

impl Pass<'_> {
    /// Solves the sample.
    pub fn solve(
        &self,
        train: &SpikeTrain,
        scratch: &mut Scratch,
        traces: Traces<'_>,
    ) -> Result<(), SolveError> {
        let Traces {
            tape,
            readout,
            work,
        } = traces;
        self.clear(tape, readout);
        scratch
            .states
            .resize_with(self.model.neurons.len(), States::default);
        self.emit(train, &mut tape.populations[self.model.input]);
        for component in &self.model.components {
            let population = component.populations[0];
            if population == self.model.input {
                continue;
            }
            for &p in &component.populations {
                scratch.states[p].start(&self.model.neurons[p]);
            }
            scratch.arriving.start(&component.lines);
            if self.model.neurons[population].spiking || component.cyclic {
                vectorized(SolveSpiking {
                    pass: self,
                    component,
                    scratch: &mut *scratch,
                    tape: &mut *tape,
                    work: &mut *work,
                })?;
            } else if population == self.model.output {
                let input_ms = &tape.populations[self.model.input].when;
                if self.observe == Observe::Voltage {
                    readout.input_ms.extend_from_slice(input_ms);
                }
                let view = View {
                    observe: self.observe,
                    borders_ms: input_ms,
                };
                let shown = (&mut *readout, &mut *work);
                self.solve_output(component, view, scratch, tape, shown);
            }
            for &p in &component.populations {
                if let Some(neuron) = scratch.states[p].first_non_finite() {
                    return Err(self.not_finite(p, neuron, self.model.trial_ms));
                }
            }
        }
        if self.observe == Observe::FirstSpikes {
            let output = self.model.output;
            let (size, clock) = (self.model.neurons[output].size, self.model.network.clock());
            let spikes = &tape.populations[output];
            first_spikes::find(spikes, size, clock, &mut readout.first_spikes_ms);
        }
        readout.voltages.clear();
        for &population in self.voltages {
            readout
                .voltages
                .push(self.show(population, scratch, tape, work)?);
        }
        Ok(())
    }

    /// The input spikes of the trial.
    fn emit(&self, train: &SpikeTrain, input: &mut Spikes<f64, f64>) {
        for (time_ms, neuron) in train.iter().take_while(|(t, _)| *t <= self.model.trial_ms) {
            input.when.push(time_ms);
            input.neuron.push(neuron);
        }
        let amplitudes = train.amplitudes().iter().take(input.neuron.len());
        input.amplitude.extend(amplitudes);
    }

    /// The voltages of a population whose spikes are on the tape.
    fn show(
        &self,
        population: PopulationId,
        scratch: &mut Scratch,
        tape: &Tape<f64, f64>,
        work: &mut Work,
    ) -> Result<Voltages<f64>, SolveError> {
        let p = population.0;
        let component = self.model.component_of(p);
        scratch.states[p].start(&self.model.neurons[p]);
        if self.model.neurons[p].spiking {
            return Ok(self.show_spiking(component, population, scratch, tape));
        }
        scratch.arriving.start(&component.lines);
        // A loss may be differentiated by what would happen at the starts of steps: V has a kink there.
        let clock = self.model.network.clock();
        let mut borders_ms = tape.populations[self.model.input].when.clone();
        borders_ms.extend((1..clock.steps()).map(|k| clock.start_ms(k)));
        borders_ms.sort_by(f64::total_cmp);
        let view = View {
            observe: Observe::Voltage,
            borders_ms: &borders_ms,
        };
        let mut readout = Readout::default();
        self.solve_output(component, view, scratch, tape, (&mut readout, work));
        if let Some(neuron) = scratch.states[p].first_non_finite() {
            return Err(self.not_finite(p, neuron, self.model.trial_ms));
        }
        Ok(Voltages {
            population,
            nodes: readout.nodes,
            values: readout.voltage,
        })
    }

    /// The voltages of a population that spikes at the starts of the steps of the clock: along its tape, event by event.
    /// What happens at the very time of a row comes after it.
    fn show_spiking(
        &self,
        component: &Component,
        population: PopulationId,
        scratch: &mut Scratch,
        tape: &Tape<f64, f64>,
    ) -> Voltages<f64> {
        let p = population.0;
        let into = |line: &&Line| line.target == p;
        let lines: Vec<Line> = component.lines.iter().filter(into).cloned().collect();
        let neurons = &self.model.neurons[p];
        let spikes = &tape.populations[p];
        let clock = self.model.network.clock();
        let Scratch {
            arriving, states, ..
        } = scratch;
        arriving.start(&lines);
        let mut values = Vec::with_capacity((clock.steps() + 1) * neurons.size);
        let (mut now, mut next_spike) = (0.0, 0);
        for row in 0..=clock.steps() {
            let row_ms = clock.start_ms(row);
            loop {
                let arrival = arriving.next_ms(&lines, tape);
                let spike = spikes.when.get(next_spike).copied();
                let until = spike.unwrap_or(f64::INFINITY).min(arrival);
                if until >= row_ms {
                    break;
                }
                neurons.flows(until - now).advance(&mut states[p]);
                now = until;
                while next_spike < spikes.len() && spikes.when[next_spike] <= now {
                    states[p].reset(spikes.neuron[next_spike] as usize, neurons);
                    next_spike += 1;
                }
                arriving.deliver(&lines, tape, now, |arrival| {
                    self.deliver(&lines[arrival.line], tape, arrival, states);
                });
            }
            neurons.flows(row_ms - now).advance(&mut states[p]);
            now = row_ms;
            values.extend_from_slice(&states[p].v[..neurons.size]);
        }
        Voltages {
            population,
            nodes: Arc::new(nodes_of(clock)),
            values,
        }
    }

    fn clear(&self, tape: &mut Tape<f64, f64>, readout: &mut Readout<f64>) {
        let populations = self.model.neurons.len();
        tape.populations.resize_with(populations, Default::default);
        tape.populations
            .iter_mut()
            .for_each(crate::tape::Spikes::clear);
        readout.voltage.clear();
        readout.peaks.clear();
        readout.first_spikes_ms.clear();
        readout.input_ms.clear();
    }

    /// A population of leaky integrators.
    fn solve_output(
        &self,
        component: &Component,
        view: View<'_>,
        scratch: &mut Scratch,
        tape: &Tape<f64, f64>,
        (readout, work): (&mut Readout<f64>, &mut Work),
    ) {
        let p = component.populations[0];
        let neurons = &self.model.neurons[p];
        let mut observer = Observer::start(
            neurons,
            view.observe,
            view.borders_ms,
            self.model.trial_ms,
            readout,
        );
        let mut now = 0.0;
        loop {
            let (until, arrives) = self.next_stop(component, scratch, tape);
            if until > now {
                observer.stretch(now, until, &mut scratch.states[p]);
                work.intervals += 1;
            }
            now = until;
            if !arrives {
                break;
            }
            self.deliver_all(component, scratch, tape, now, work);
        }
        observer.finish();
    }

    /// A spiking population that hears nothing of its own spikes: everything that arrives is known,
    /// and each neuron can be followed alone from one arrival to the next.
    #[inline(always)]
    fn solve_spiking(
        &self,
        component: &Component,
        scratch: &mut Scratch,
        tape: &mut Tape<f64, f64>,
        work: &mut Work,
    ) -> Result<(), SolveError> {
        let p = component.populations[0];
        let neurons = &self.model.neurons[p];
        let adapting = !neurons.adapting.is_empty();
        let timetable = &mut scratch.timetable;
        timetable.fill(&component.lines, tape, self.model.trial_ms);
        neurons.flows_between(&timetable.stops_ms, &mut scratch.flows);
        for stop in 1..timetable.stops_ms.len() {
            let (from, to) = (timetable.stops_ms[stop - 1], timetable.stops_ms[stop]);
            if to > from {
                let shared = scratch.flows.get(stop - 1);
                let interval = IntervalSpikes {
                    neurons,
                    from,
                    to,
                    flows: shared.map_or_else(|| neurons.flows(to - from), |f| Flows::Shared(*f)),
                };
                interval
                    .run(&mut scratch.states[p], &mut scratch.interval, work)
                    .map_err(|fault| self.not_finite(p, fault.neuron, from))?;
                let spikes = &mut tape.populations[p];
                for fired in &scratch.interval.fired {
                    spikes.when.push(fired.time_ms);
                    spikes.neuron.push(fired.neuron);
                    spikes.drive.push(fired.drive);
                    if adapting {
                        spikes.adaptation.push(fired.b_minus);
                    }
                }
                self.check_count(p, spikes.len(), to)?;
            }
            for arrival in timetable.at(stop) {
                let line = &component.lines[arrival.line];
                self.deliver(line, tape, arrival, &mut scratch.states);
                work.arrivals += 1;
            }
        }
        Ok(())
    }

    /// Populations that act on each other: the earliest crossing of all ends an interval.
    #[inline(always)]
    fn solve_loop(
        &self,
        component: &Component,
        scratch: &mut Scratch,
        tape: &mut Tape<f64, f64>,
        work: &mut Work,
    ) -> Result<(), SolveError> {
        let mut now = 0.0;
        loop {
            let (mut until, mut arrives) = self.next_stop(component, scratch, tape);
            if until > now {
                let stretch = Stretch {
                    from: now,
                    to: until,
                };
                if let Some(crossing) = self.earliest(component, stretch, scratch, work)? {
                    until = crossing;
                    // A spike before the end may arrive at once.
                    arrives = until < self.model.trial_ms;
                }
                for &p in &component.populations {
                    let flows = self.model.neurons[p].flows(until - now);
                    flows.advance(&mut scratch.states[p]);
                }
                work.intervals += 1;
                self.fire(until, scratch, tape, work)?;
            }
            now = until;
            if !arrives {
                return Ok(());
            }
            self.deliver_all(component, scratch, tape, now, work);
        }
    }

    /// Time of the earliest crossing in a stretch, its end included, if any; who crosses then is listed in
    /// `scratch.firing`, by (population, neuron).
    #[inline(always)]
    fn earliest(
        &self,
        component: &Component,
        stretch: Stretch,
        scratch: &mut Scratch,
        work: &mut Work,
    ) -> Result<Option<f64>, SolveError> {
        let Stretch { from, to } = stretch;
        scratch.firing.clear();
        let mut earliest = to;
        for &p in &component.populations {
            let neurons = &self.model.neurons[p];
            let states = &scratch.states[p];
            let to_end = neurons.flows(stretch.ms());
            neurons.list_candidates(states, &to_end, &mut scratch.candidates);
            let mut shortened = neurons.flows(earliest - from);
            for &neuron in &scratch.candidates {
                let n = neuron as usize;
                let (start, theta) = (states.of(n), neurons.theta[n]);
                if !(start.v.is_finite() && start.i.is_finite()) {
                    return Err(self.not_finite(p, n, from));
                }
                let threshold = states.threshold_of(n);
                if threshold.is_none() && surely_below(start, theta, &shortened) {
                    continue;
                }
                // Every neuron is asked about the same interval, so that equal neurons get equal
                // answers, whatever was found before.
                let crossing = neurons.crossing(
                    (n, start, threshold),
                    stretch,
                    &to_end.of(n),
                    &mut work.root_iterations,
                );
                let Some(s) = crossing else { continue };
                let time = (from + s).clamp(from.next_up(), to);
                if time > earliest {
                    continue;
                }
                if time < earliest {
                    scratch.firing.clear();
                    earliest = time;
                    shortened = neurons.flows(earliest - from);
                }
                scratch.firing.push((p, neuron));
            }
        }
        Ok((!scratch.firing.is_empty()).then_some(earliest))
    }

    /// `[F3]` `[F4]` the neurons of `scratch.firing` spike now.
    fn fire(
        &self,
        now: f64,
        scratch: &mut Scratch,
        tape: &mut Tape<f64, f64>,
        work: &mut Work,
    ) -> Result<(), SolveError> {
        for &(p, neuron) in &scratch.firing {
            let neurons = &self.model.neurons[p];
            let n = neuron as usize;
            let states = &mut scratch.states[p];
            let spike = neurons.spike(n, states.i[n], states.threshold_of(n), now);
            let spikes = &mut tape.populations[p];
            spikes.when.push(now);
            spikes.neuron.push(neuron);
            spikes.drive.push(spike.drive);
            if spike.threshold.is_some() {
                spikes.adaptation.push(spike.b_minus);
            }
            states.reset(n, neurons);
            states.set_threshold(n, spike.threshold);
            self.check_count(p, spikes.len(), now)?;
        }
        work.spikes += scratch.firing.len() as u64;
        Ok(())
    }

    /// The end of the next interval, and true if something arrives there.
    #[inline(always)]
    fn next_stop(
        &self,
        component: &Component,
        scratch: &mut Scratch,
        tape: &Tape<f64, f64>,
    ) -> (f64, bool) {
        let arrival = scratch.arriving.next_ms(&component.lines, tape);
        if arrival < self.model.trial_ms {
            (arrival, true)
        } else {
            (self.model.trial_ms, false)
        }
    }

    /// `[F5]` everything that arrives now.
    #[inline(always)]
    fn deliver_all(
        &self,
        component: &Component,
        scratch: &mut Scratch,
        tape: &Tape<f64, f64>,
        now: f64,
        work: &mut Work,
    ) {
        let Scratch {
            arriving, states, ..
        } = scratch;
        arriving.deliver(&component.lines, tape, now, |arrival| {
            self.deliver(&component.lines[arrival.line], tape, arrival, states);
            work.arrivals += 1;
        });
    }

    /// `[F5]`
    #[inline(always)]
    fn deliver(&self, line: &Line, tape: &Tape<f64, f64>, arrival: Arrival, states: &mut [States]) {
        let weights = self.weights.of(line.projection);
        let graded = self.graded && line.source == self.model.input;
        let a = graded.then(|| tape.populations[line.source].amplitude[arrival.spike]);
        line.deliver(weights, (arrival, a), &mut states[line.target].i);
    }

    fn check_count(&self, p: usize, spikes: usize, time_ms: f64) -> Result<(), SolveError> {
        let limit = self.model.neurons[p].spikes_max();
        if spikes <= limit {
            return Ok(());
        }
        Err(SolveError::TooManySpikes {
            population: self.model.network.populations()[p].name.clone(),
            limit,
            time_ms,
            sample: self.sample,
        })
    }

    fn not_finite(&self, p: usize, neuron: usize, time_ms: f64) -> SolveError {
        SolveError::NotFinite {
            population: self.model.network.populations()[p].name.clone(),
            neuron,
            time_ms,
            sample: self.sample,
        }
    }
}

/// True if a neuron has certainly not reached its threshold by the end of `flows`: it is below it,
/// by more than rounding, and still rising. Not asked where every neuron has its own flow, which
/// costs as much as the answer saves.
#[inline(always)]
fn surely_below(start: State<f64>, theta: f64, flows: &Flows<'_>) -> bool {
    let Flows::Shared(flow) = flows else {
        return false;
    };
    let end = start.after(flow);
    let noise = 16.0 * f64::EPSILON * (start.v.abs() + start.i.abs() + theta);
    end.v < theta - noise && end.i > end.v
}
