//! One sample, backward: the adjoint system along the tape, from event to event.
//!
//! Everything happens in exactly the reverse order of the forward pass: at one time first the
//! deliveries are taken back, all with λ just after that time, and then the neurons that fired there
//! jump. A spike's own arrivals are never earlier than itself, so its R is complete when it is reached.
//!
//! The peak of an output voltage may lie at an arrival, which then carries it (`[A6]`): see `solver/kink.rs`.

use super::Model;
use super::arrivals::{Arrival, Arriving, Timetable};
use super::constants::{self, History};
use super::inputs;
use super::neurons::{Adjoints, Flows, Paths};
use super::schedule::{Component, Line};
use super::stretch::Stretch;
use crate::connect::{self, Synapse};
use crate::dispatch::{Kernel, vectorized};
use crate::neuron::flow::Flow;
use crate::neuron::{Between, Spike, State, li, lif};
use crate::params::{AllWeights, Params};
use crate::readout::{Readout, Seed, Voltages};
use crate::solver::kink::{self, Carrier, Search};
use crate::solver::{Convention, Drive, SolveError, grazing};
use crate::tape::Tape;

/// A jump of λ_V inside an interval, on its way to the start of the interval.
#[derive(Debug, Clone, Copy)]
struct Jump {
    neuron: u32,
    size: f64,
    /// Its place among the paths of the interval.
    path: usize,
}

/// λ of one population, and where on its tape the adjoint pass is.
#[derive(Debug, Default)]
struct PopulationAdjoint {
    adjoints: Adjoints,
    /// True once any λ has left zero; before, nothing needs to be done.
    active: bool,
    /// Spikes not yet reached.
    spikes_left: usize,
    /// `[A3]` R + ∂L/∂t per spike of the tape.
    backflow: Vec<f64>,
    /// λ_V⁻ per neuron and the time of its latest jump, of neurons with jumps in this interval.
    jumped: Vec<Option<(f64, f64)>>,
    /// The spike of each neuron that was reached last, where thresholds adapt.
    last_spike: Vec<LastSpikeAdjoint>,
}

/// State of a neuron's adjoint from spike to spike.
#[derive(Debug, Clone, Copy)]
struct LastSpikeAdjoint {
    /// Time of the spike that was reached last; the end of the trial before any was reached.
    time_ms: f64,
    between: Between<f64>,
}

/// Working memory of the adjoint pass, reused from sample to sample.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    sides: Vec<PopulationAdjoint>,
    timetable: Timetable,
    /// The flows between the stops of the timetable, where all neurons share them.
    flows: Vec<Flow>,
    arriving: Arriving,
    jumps: Vec<Jump>,
    paths: Paths,
    /// Nodes not yet reached.
    nodes_left: usize,
    /// Rows of the voltages that the loss reads, not yet reached, per population.
    rows_left: Vec<usize>,
    /// (time, output) of the peaks not yet reached, by time.
    peaks: Vec<(f64, u32)>,
    /// Stretches of a component whose time constants are trained.
    history: History,
    replay: constants::Scratch,
}

/// One sample whose adjoint system is to be solved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass<'a> {
    /// The prepared network.
    pub model: &'a Model,
    /// Its parameters.
    pub params: &'a Params<f64>,
    /// The weights among them.
    pub weights: AllWeights<'a, f64>,
    /// Position of the sample in its batch.
    pub sample: usize,
    /// Its spikes.
    pub tape: &'a Tape<f64, f64>,
    /// Readout of its output.
    pub readout: &'a Readout<f64>,
    /// Driving terms of the adjoint system.
    pub drive: Drive<'a, f64>,
    /// The derivative by the input that is wanted.
    pub convention: Option<Convention>,
    /// True if input spikes have amplitudes.
    pub graded: bool,
}

/// What is added up.
struct Found<'a> {
    /// In the layout of the parameters.
    gradient: &'a mut [f64],
    /// Derivatives by the input, in the shape of the convention.
    by_input: &'a mut [f64],
}

/// A component whose adjoint system is to be solved.
struct SolveComponent<'a> {
    pass: &'a Pass<'a>,
    component: &'a Component,
    scratch: &'a mut Scratch,
    found: Found<'a>,
}

impl Kernel for SolveComponent<'_> {
    type Output = Result<(), SolveError>;

    #[inline(always)]
    fn run(self) -> Result<(), SolveError> {
        self.pass
            .solve_component(self.component, self.scratch, self.found)
    }
}

impl Pass<'_> {
    /// Adds the gradient of the sample to `gradient`, which has the layout of the parameters.
    pub fn solve(
        &self,
        scratch: &mut Scratch,
        gradient: &mut [f64],
        by_input: &mut Vec<f64>,
    ) -> Result<(), SolveError> {
        self.start(scratch);
        inputs::start(self.model, self.convention, by_input);
        self.seed_output(scratch, gradient);
        for component in self.model.components.iter().rev() {
            if component.populations[0] != self.model.input {
                vectorized(SolveComponent {
                    pass: self,
                    component,
                    scratch: &mut *scratch,
                    found: Found {
                        gradient: &mut *gradient,
                        by_input: &mut *by_input,
                    },
                })?;
            }
        }
        if self.convention == Some(Convention::Time) {
            by_input.extend_from_slice(&scratch.sides[self.model.input].backflow);
        }
        Ok(())
    }

    fn seed(&self) -> &Seed<f64> {
        &self.drive.seeds[self.sample]
    }

    fn start(&self, scratch: &mut Scratch) {
        let neurons = &self.model.neurons;
        scratch
            .sides
            .resize_with(neurons.len(), PopulationAdjoint::default);
        for (p, side) in scratch.sides.iter_mut().enumerate() {
            let spikes = &self.tape.populations[p];
            side.active = false;
            side.spikes_left = spikes.len();
            spikes.start_backflow(self.seed().dl_dt(p), &mut side.backflow);
            if p != self.model.input {
                side.adjoints.start(neurons[p].size);
                side.jumped.clear();
                side.jumped.resize(neurons[p].size, None);
                let end = LastSpikeAdjoint {
                    time_ms: self.model.trial_ms,
                    between: Between::default(),
                };
                side.last_spike.clear();
                side.last_spike.resize(neurons[p].adapting.len(), end);
            }
        }
    }

    /// Sets the seed of the loss at the output: ∂L/∂t of first spikes, the push on silent outputs, and
    /// the lists of nodes and peaks to come by.
    fn seed_output(&self, scratch: &mut Scratch, gradient: &mut [f64]) {
        let output = self.model.output;
        let seed = self.seed();
        let size = self.model.neurons[output].size;
        assert_fits("first_spikes", seed.first_spikes.len(), size);
        assert_fits("silent", seed.silent.len(), size);
        assert_fits("peaks", seed.peaks.len(), size);
        let nodes = self.readout.nodes.times_ms.len();
        assert_fits("voltage", seed.voltage.len(), nodes * size);
        let side = &mut scratch.sides[output];
        if !seed.first_spikes.is_empty() {
            let spikes = &self.tape.populations[output];
            let first = &self.readout.first_spikes_ms;
            for (k, (&time, &neuron)) in spikes.when.iter().zip(&spikes.neuron).enumerate() {
                let n = neuron as usize;
                if time == first[n] {
                    side.backflow[k] += seed.first_spikes[n];
                }
            }
        }
        for (lambda_v, push) in side.adjoints.lambda_v.iter_mut().zip(&seed.silent) {
            *lambda_v += push;
            side.active |= *push != 0.0;
        }
        scratch.nodes_left = if seed.voltage.is_empty() { 0 } else { nodes };
        scratch.rows_left.clear();
        let rows = (0..self.model.neurons.len()).map(|p| self.rows(p));
        scratch.rows_left.extend(rows);
        scratch.peaks.clear();
        if !seed.peaks.is_empty() {
            let peaks = self.readout.peaks.iter().zip(0..);
            scratch
                .peaks
                .extend(peaks.map(|(peak, n)| (peak.time_ms, n)));
            scratch
                .peaks
                .sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            self.follow_kinks(scratch, gradient);
        }
    }

    /// Number of rows of the voltages of a population that the loss reads.
    fn rows(&self, p: usize) -> usize {
        let dl_dv = self.seed().dl_dv(p);
        if dl_dv.is_empty() {
            return 0;
        }
        let rows = self.shown(p).rows();
        assert_fits("dl_dv", dl_dv.len(), rows * self.model.neurons[p].size);
        rows
    }

    /// The voltages of a population that the loss reads.
    fn shown(&self, p: usize) -> &Voltages<f64> {
        let mut all = self.readout.voltages.iter();
        let found = all.find(|voltages| voltages.population.0 == p);
        found.expect("a loss pulls at voltages that it was shown")
    }

    /// Time of a row of these voltages.
    fn row_ms(&self, p: usize, row: usize) -> f64 {
        let times = &self.shown(p).nodes.times_ms;
        times.get(row).copied().unwrap_or(self.model.trial_ms)
    }

    /// `[A6]` for every output.
    fn follow_kinks(&self, scratch: &mut Scratch, gradient: &mut [f64]) {
        let output = self.model.output;
        let component = self.model.component_of(output);
        for (j, &minus_dl_dv) in self.seed().peaks.iter().enumerate() {
            if minus_dl_dv == 0.0 {
                continue;
            }
            if let Some(Carrier { arrival, drive }) =
                self.carrier(component, j, &mut scratch.arriving)
            {
                let line = &component.lines[arrival.line];
                let tau_mem = self.model.neurons[output].membrane(j).tau_mem;
                let moved = kink::backflow(minus_dl_dv, drive, tau_mem);
                scratch.sides[line.source].backflow[arrival.spike] -= moved;
                if let Some(by_delay) = self.by_delay(line, arrival, gradient) {
                    *by_delay -= moved;
                }
            }
        }
    }

    /// The carrier of the peak of output `j`; none when the peak is not at an arrival.
    fn carrier(
        &self,
        component: &Component,
        j: usize,
        arriving: &mut Arriving,
    ) -> Option<Carrier<Arrival, f64>> {
        let lines = &component.lines;
        let membrane = self.model.neurons[self.model.output].membrane(j);
        let peak = self.readout.peaks[j];
        if peak.time_ms >= self.model.trial_ms {
            return None;
        }
        let weight = |arrival: Arrival| {
            let line = &lines[arrival.line];
            let w = line.weight(self.weights.of(line.projection), arrival, j)?;
            Some(self.tape.populations[line.source].amplitude_of(arrival.spike) * w)
        };
        arriving.start(lines);
        let (mut i, mut from) = (0.0, 0.0);
        loop {
            let now = arriving.next_ms(lines, self.tape);
            if now > peak.time_ms {
                return None;
            }
            let v = peak.voltage;
            i = membrane.current_after(i, now - from);
            from = now;
            let mut search = Search::from(State { v, i });
            arriving.deliver(lines, self.tape, now, |arrival| {
                if let Some(w) = weight(arrival) {
                    search.pass(arrival, w);
                }
            });
            if now == peak.time_ms {
                return search.carrier();
            }
            i = search.current();
        }
    }

    /// The derivative with respect to the delay with which a spike arrived, where it is trained.
    fn by_delay<'b>(
        &self,
        line: &Line,
        arrival: Arrival,
        gradient: &'b mut [f64],
    ) -> Option<&'b mut f64> {
        let delay = line.delay_of(arrival)?;
        let range = self.params.delays_range(line.projection)?;
        Some(&mut gradient[range][delay])
    }

    #[inline(always)]
    fn solve_component(
        &self,
        component: &Component,
        scratch: &mut Scratch,
        found: Found<'_>,
    ) -> Result<(), SolveError> {
        let is_output = component.populations.contains(&self.model.output);
        let mut populations = component.populations.iter();
        let has_rows = populations.any(|&p| scratch.rows_left[p] > 0);
        let trains = constants::trains_time_constants(self.model, component);
        let keeps = trains || inputs::reads(self.model, component, self.convention);
        let mut now = self.model.trial_ms;
        scratch.history.start(keeps);
        self.start_stops(component, scratch);
        let mut stop = scratch.timetable.stops_ms.len() - 1;
        loop {
            // The first stop is the start of the trial.
            let arrival_ms = if stop > 1 {
                scratch.timetable.stops_ms[stop - 1]
            } else {
                f64::NEG_INFINITY
            };
            let mut from = arrival_ms;
            if is_output {
                from = from.max(self.latest_impulse_ms(scratch));
            }
            if has_rows {
                from = from.max(self.latest_row_ms(component, scratch));
            }
            if keeps {
                from = from
                    .max(self.latest_spike_ms(component, now, scratch))
                    .max(0.0);
            }
            if from == f64::NEG_INFINITY || (keeps && now == 0.0) {
                // No neuron fires before anything has arrived.
                break;
            }
            let whole_way = from == arrival_ms && now == scratch.timetable.stops_ms[stop];
            let shared = whole_way.then(|| scratch.flows.get(stop - 1).copied());
            let shared = shared.flatten();
            let stretch = Stretch { from, to: now };
            for &p in &component.populations {
                self.retreat(p, stretch, shared, scratch)?;
            }
            scratch.history.end(stretch);
            now = from;
            if now == arrival_ms {
                stop -= 1;
                self.collect(component, stop, scratch, found.gradient);
            }
            if has_rows {
                self.apply_rows(component, now, scratch);
            }
            if is_output {
                self.apply_impulses(now, scratch);
            }
        }
        self.finish(component, scratch, found);
        Ok(())
    }

    /// At the start of the trial: what the spikes found for thresholds, and what λ at all times says.
    fn finish(&self, component: &Component, scratch: &mut Scratch, found: Found<'_>) {
        let Found { gradient, by_input } = found;
        for &p in &component.populations {
            let last_spike = &mut scratch.sides[p].last_spike;
            let each = last_spike.iter_mut().zip(&self.model.neurons[p].adapting);
            each.for_each(|(last, threshold)| {
                threshold.adjoint_start(last.time_ms, &mut last.between);
            });
            let each = last_spike.iter().map(|last| &last.between);
            constants::add_thresholds(self.params, p, each, gradient);
        }
        if constants::trains_time_constants(self.model, component) {
            let walk = constants::Walk {
                model: self.model,
                component,
                params: self.params,
                tape: self.tape,
            };
            walk.add_gradient(&scratch.history, &mut scratch.replay, gradient);
        }
        if let Some(convention) = self.convention
            && inputs::reads(self.model, component, self.convention)
        {
            let reader = inputs::Reader {
                model: self.model,
                component,
                weights: self.weights,
                history: &scratch.history,
            };
            reader.add(convention, by_input);
        }
    }

    /// Lists what arrived, and the flows between, where all neurons share them.
    #[inline(always)]
    fn start_stops(&self, component: &Component, scratch: &mut Scratch) {
        let timetable = &mut scratch.timetable;
        timetable.fill(&component.lines, self.tape, self.model.trial_ms);
        scratch.flows.clear();
        if let &[p] = component.populations.as_slice() {
            self.model.neurons[p].flows_between(&timetable.stops_ms, &mut scratch.flows);
        }
    }

    /// The latest spike of the component's own populations before `now`.
    fn latest_spike_ms(&self, component: &Component, now: f64, scratch: &Scratch) -> f64 {
        let of = |&p: &usize| {
            let when = &self.tape.populations[p].when;
            let mut left = scratch.sides[p].spikes_left;
            while left > 0 && when[left - 1] >= now {
                left -= 1;
            }
            left.checked_sub(1)
                .map_or(f64::NEG_INFINITY, |last| when[last])
        };
        component
            .populations
            .iter()
            .map(of)
            .fold(f64::NEG_INFINITY, f64::max)
    }

    /// Takes λ of a population back over a stretch, through the jumps of its spikes in (from, to].
    ///
    /// The flow is linear, so λ of all neurons goes back as if none had fired, and what each jump adds
    /// goes back from the time of its spike. Where stretches are kept, they end at every spike.
    #[inline(always)]
    fn retreat(
        &self,
        p: usize,
        stretch: Stretch,
        shared: Option<Flow>,
        scratch: &mut Scratch,
    ) -> Result<(), SolveError> {
        let neurons = &self.model.neurons[p];
        let side = &mut scratch.sides[p];
        scratch.jumps.clear();
        let spikes = &self.tape.populations[p];
        let left = side.spikes_left;
        while side.spikes_left > 0 && spikes.when[side.spikes_left - 1] > stretch.from {
            side.spikes_left -= 1;
        }
        let passed = side.spikes_left..left;
        let moments = (&spikes.when[passed.clone()], &spikes.neuron[passed.clone()]);
        neurons.paths(moments, stretch, &mut scratch.paths);
        for (path, k) in passed.enumerate().rev() {
            let size = self.jump(p, k, scratch.paths.from_end[path], side)?;
            if size != 0.0 {
                let neuron = spikes.neuron[k];
                scratch.jumps.push(Jump { neuron, size, path });
            }
        }
        if scratch.history.is_kept() {
            for jump in scratch.jumps.drain(..) {
                let from_end = scratch.paths.from_end[jump.path];
                debug_assert!(from_end == 1.0, "a stretch ends at every spike");
                side.adjoints.lambda_v[jump.neuron as usize] += jump.size;
                side.jumped[jump.neuron as usize] = None;
                side.active = true;
            }
            scratch.history.push(&side.adjoints);
        }
        if side.active && stretch.to > stretch.from {
            let flows = shared.map_or_else(|| neurons.flows(stretch.ms()), Flows::Shared);
            flows.retreat(&mut side.adjoints);
        }
        // [A1] [A2] of what each jump has added, from its spike to the start of the interval
        for &Jump { neuron, size, path } in &scratch.jumps {
            let n = neuron as usize;
            side.adjoints.lambda_v[n] += size * scratch.paths.decay_mem[path];
            side.adjoints.lambda_i[n] += size * scratch.paths.adjoint_coupling[path];
            side.jumped[n] = None;
            side.active = true;
        }
        Ok(())
    }

    /// `[A3]` how much λ_V jumps at one spike; `side.adjoints` are those at the end of the interval, of
    /// which `from_end` is left.
    #[inline(always)]
    fn jump(
        &self,
        p: usize,
        k: usize,
        from_end: f64,
        side: &mut PopulationAdjoint,
    ) -> Result<f64, SolveError> {
        let spikes = &self.tape.populations[p];
        let neurons = &self.model.neurons[p];
        let (neuron, time_ms) = (spikes.neuron[k], spikes.when[k]);
        let n = neuron as usize;
        let theta = neurons.theta[n];
        let Some(drive) = self.drive.grazing.drive(spikes.drive[k], theta) else {
            return Err(self.grazing(p, k));
        };
        let lambda_v_plus = match side.jumped[n] {
            None => side.adjoints.lambda_v[n] * from_end,
            Some((later, lambda_v)) => lambda_v * neurons.membrane(n).decay(later - time_ms).left,
        };
        let mut spike = Spike {
            drive,
            own: 0.0,
            backflow: side.backflow[k],
        };
        let mut lambda_v_minus = if let Some(last) = side.last_spike.get_mut(n) {
            spike.own = spikes.adaptation[k];
            let elapsed_ms = last.time_ms - time_ms;
            last.time_ms = time_ms;
            neurons.adapting[n].adjoint_spike(lambda_v_plus, spike, elapsed_ms, &mut last.between)
        } else {
            lif::adjoint_jump(lambda_v_plus, theta - neurons.v_start[n], &spike)
        };
        if let Some(of_population) = self.drive.spike_jumps.get(p)
            && !of_population.is_empty()
        {
            lambda_v_minus += of_population[self.sample * neurons.size + n];
        }
        let size = lambda_v_minus - lambda_v_plus;
        if size != 0.0 {
            side.jumped[n] = Some((time_ms, lambda_v_minus));
        }
        Ok(size)
    }

    /// `[A4]` `[G1]` `[G6]` takes back everything that arrived at a stop, in the reverse order of its delivery.
    #[inline(always)]
    fn collect(
        &self,
        component: &Component,
        stop: usize,
        scratch: &mut Scratch,
        gradient: &mut [f64],
    ) {
        let sides = &mut scratch.sides;
        for arrival in scratch.timetable.at(stop).rev() {
            let line = &component.lines[arrival.line];
            let target = &sides[line.target];
            if !target.active {
                continue;
            }
            let neurons = &self.model.neurons[line.target];
            let adjoints = &target.adjoints;
            let range = self.weights.range(line.projection);
            let (synapses, source) = (&line.synapses, arrival.neuron);
            let amplitudes = &self.tape.populations[self.model.input].amplitude;
            let graded = self.graded && line.source == self.model.input;
            let a = graded.then(|| amplitudes[arrival.spike]);
            let only = arrival.synapse(synapses);
            match only {
                None => neurons.gather((synapses, source, a), adjoints, &mut gradient[range]),
                Some(synapse) => neurons.gather_one((synapse, a), adjoints, &mut gradient[range]),
            }
            let by_time = self.convention == Some(Convention::Time);
            if line.source == self.model.input && line.trained.is_none() && !by_time {
                continue;
            }
            let weights = self.weights.of(line.projection);
            let (lambda_v, lambda_i) = (&adjoints.lambda_v, &adjoints.lambda_i);
            let backflow = match only {
                None => synapses.backflow(weights, source, lambda_v, lambda_i),
                Some(Synapse { target, weight, .. }) => {
                    connect::backflow(weights[weight], lambda_v[target], lambda_i[target])
                }
            };
            let backflow = a.map_or(backflow, |a| connect::by_time(a, backflow));
            // The delay gains what the spike gains: [G6].
            if let Some(by_delay) = self.by_delay(line, arrival, gradient) {
                *by_delay += backflow;
            }
            sides[line.source].backflow[arrival.spike] += backflow;
        }
    }

    /// Time of the latest row of a component not yet reached.
    fn latest_row_ms(&self, component: &Component, scratch: &Scratch) -> f64 {
        let row_ms = |&p: &usize| match scratch.rows_left[p] {
            0 => f64::NEG_INFINITY,
            left => self.row_ms(p, left - 1),
        };
        let populations = component.populations.iter();
        populations.map(row_ms).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Time of the latest node or peak not yet reached.
    fn latest_impulse_ms(&self, scratch: &Scratch) -> f64 {
        let mut latest = f64::NEG_INFINITY;
        if scratch.nodes_left > 0 {
            latest = self.readout.nodes.times_ms[scratch.nodes_left - 1];
        }
        match scratch.peaks.last() {
            Some((time, _)) => latest.max(*time),
            None => latest,
        }
    }

    /// `[A5]` at the rows of now: what the loss adds to λ_V.
    fn apply_rows(&self, component: &Component, now: f64, scratch: &mut Scratch) {
        for &p in &component.populations {
            let (neurons, dl_dv) = (&self.model.neurons[p], self.seed().dl_dv(p));
            while scratch.rows_left[p] > 0 && self.row_ms(p, scratch.rows_left[p] - 1) >= now {
                scratch.rows_left[p] -= 1;
                let row = &dl_dv[scratch.rows_left[p] * neurons.size..][..neurons.size];
                let side = &mut scratch.sides[p];
                for (n, (lambda_v, dl_dv)) in side.adjoints.lambda_v.iter_mut().zip(row).enumerate()
                {
                    *lambda_v = li::adjoint_peak(*lambda_v, -dl_dv, neurons.membrane(n).tau_mem);
                }
                side.active = true;
            }
        }
    }

    /// `[A5]` at the nodes and peaks of now: what the loss adds to λ_V of the outputs.
    fn apply_impulses(&self, now: f64, scratch: &mut Scratch) {
        let output = self.model.output;
        let neurons = &self.model.neurons[output];
        let seed = self.seed();
        let side = &mut scratch.sides[output];
        let nodes = &self.readout.nodes;
        while scratch.nodes_left > 0 && nodes.times_ms[scratch.nodes_left - 1] >= now {
            scratch.nodes_left -= 1;
            let q = scratch.nodes_left;
            let row = &seed.voltage[q * neurons.size..(q + 1) * neurons.size];
            for (n, (lambda_v, a)) in side.adjoints.lambda_v.iter_mut().zip(row).enumerate() {
                // The drive A over the width of the node.
                let impulse = nodes.widths_ms[q] * a;
                *lambda_v = li::adjoint_peak(*lambda_v, impulse, neurons.membrane(n).tau_mem);
            }
            side.active = true;
        }
        while let Some((_, output)) = scratch.peaks.pop_if(|(time, _)| *time >= now) {
            let n = output as usize;
            let lambda_v = &mut side.adjoints.lambda_v[n];
            *lambda_v = li::adjoint_peak(*lambda_v, seed.peaks[n], neurons.membrane(n).tau_mem);
            side.active = true;
        }
    }

    #[cold]
    fn grazing(&self, p: usize, k: usize) -> SolveError {
        let network = &self.model.network;
        let (population, spikes) = (&network.populations()[p], &self.tape.populations[p]);
        grazing::error(population, spikes, k, network.clock(), self.sample)
    }
}

/// A part of a seed is empty or complete.
fn assert_fits(part: &str, found: usize, expected: usize) {
    assert!(
        found == 0 || found == expected,
        "{found} values in the seed's {part}, expected {expected} or none"
    );
}
