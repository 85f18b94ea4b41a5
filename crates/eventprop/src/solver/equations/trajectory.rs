//! One neuron between events, by steps whose length adapts to the error.
//!
//! The steps are of the method of order 8 of Dormand and Prince with its two estimates. A spike, and a change of a
//! condition of the flow, are looked for in every step, where its surface is crossed at the end or has a maximum
//! inside; the step is then taken again with the length at whose end the surface is zero, so that what is kept are steps
//! of the method alone, and their adjoint is exact.

use super::cells::Cells;
use super::fault::Fault;
use super::tableau::{DOP853, ERROR_3, ERROR_5};
use super::unit::{EventMemory, Flow, Neuron, Side};

/// Relative tolerance of a step; the absolute one is this much of the scale of a variable.
const TOLERANCE: f64 = 1e-12;
/// A step may grow or shrink by these factors.
const GROWTH_MOST: f64 = 6.0;
const GROWTH_LEAST: f64 = 0.1;
/// Fraction of the step that the estimate allows.
const SAFETY: f64 = 0.9;
/// Steps are at least this fraction of their time.
const STEP_LEAST: f64 = 1e-14;
/// Most steps of a neuron between two events of it or of others, those taken again included.
const STEPS_MAX: usize = 200_000;
/// Iterations that find a root: a bracket that is halved each time is as small as numbers tell.
const ITERATIONS_MAX: usize = 200;

/// A piece of a trajectory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Item {
    pub kind: ItemKind,
    /// Its start.
    pub time_ms: f64,
    pub masks: u64,
    /// Place of the state at its start.
    pub state: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ItemKind {
    /// A step of this length.
    Step(f64),
    /// A condition changes; the masks are those before.
    Switch(usize),
    /// The voltage is read at this node.
    Node(usize),
}

/// A neuron on its way.
#[derive(Debug, Clone, Default)]
pub(super) struct Trajectory {
    pub time_ms: f64,
    pub x: Vec<[f64; 1]>,
    pub masks: u64,
    /// Pieces since the last event.
    pub items: Vec<Item>,
    /// States at their starts.
    pub states: Vec<[f64; 1]>,
    /// Number of the pieces before those.
    pub passed: usize,
    /// Length of the next step.
    step_ms: f64,
}

/// Where a step ends early.
#[derive(Debug, Clone, Copy)]
struct Early {
    after_ms: f64,
    what: Ending,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ending {
    Spike,
    Switch(usize),
    Peak,
}

/// How far a neuron came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// The time that it was to reach.
    End,
    /// A spike, before its reset.
    Spike,
    /// A maximum of the voltage that it reads.
    Peak,
}

/// What is looked for on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookFor {
    Spikes,
    /// Maxima of the voltage.
    Peaks,
}

/// A number per mask, as programs read them.
pub(super) fn unpacked(masks: u64, len: usize) -> Vec<[f64; 1]> {
    (0..len)
        .map(|n| [f64::from((masks >> n & 1) as u8)])
        .collect()
}

pub(super) fn packed(masks: &[[f64; 1]]) -> u64 {
    let bits = masks.iter().enumerate();
    bits.fold(0, |packed, (n, mask)| {
        packed | u64::from(mask[0] != 0.0) << n
    })
}

/// One neuron of a population, to be moved.
pub(super) struct Mover<'a> {
    pub cells: &'a Cells<f64, 1>,
    pub neuron: usize,
    pub memory: &'a mut EventMemory<f64>,
}

impl Trajectory {
    /// Begins at the start of a trial.
    pub fn start(&mut self, mover: &mut Mover<'_>) {
        let cells = mover.cells;
        self.time_ms = 0.0;
        self.step_ms = 0.1;
        self.forget();
        self.passed = 0;
        self.x.clear();
        self.x.resize(cells.states(), [0.0]);
        cells.start(mover.neuron, &mut mover.memory.stepper, &mut self.x);
        self.masks = 0;
        self.set_masks(mover);
    }

    /// Forgets the pieces since the last event.
    pub fn forget(&mut self) {
        self.passed += self.items.len();
        self.items.clear();
        self.states.clear();
    }

    /// Sets the masks to what the state says.
    pub fn set_masks(&mut self, mover: &mut Mover<'_>) {
        let mut masks = unpacked(self.masks, mover.cells.programs.switches.len());
        mover
            .unit()
            .masks(&self.x, &mut masks, &mut mover.memory.stepper);
        self.masks = packed(&masks);
    }

    fn push(&mut self, kind: ItemKind) {
        self.items.push(Item {
            kind,
            time_ms: self.time_ms,
            masks: self.masks,
            state: self.states.len(),
        });
        self.states.extend_from_slice(&self.x);
    }

    /// The voltage is read here.
    pub fn read(&mut self, node: usize) {
        self.push(ItemKind::Node(node));
    }

    /// Forgets what comes after a time.
    pub fn cut(&mut self, mover: &mut Mover<'_>, to: f64) {
        while let Some(item) = self.items.last().copied().filter(|i| i.time_ms >= to) {
            self.back_to(item);
        }
        let Some(item) = self.items.last().copied() else {
            return;
        };
        if let ItemKind::Step(length) = item.kind
            && item.time_ms + length > to
        {
            self.back_to(item);
            self.take_step(mover, to - item.time_ms);
            self.time_ms = to;
        }
    }

    fn back_to(&mut self, item: Item) {
        let n = self.x.len();
        self.x
            .copy_from_slice(&self.states[item.state..item.state + n]);
        self.states.truncate(item.state);
        self.masks = item.masks;
        self.time_ms = item.time_ms;
        self.items.pop();
    }

    fn take_step(&mut self, mover: &mut Mover<'_>, length: f64) {
        self.push(ItemKind::Step(length));
        let masks = mover.masks(self.masks);
        let mut x = std::mem::take(&mut self.x);
        mover.state_after(&x.clone(), &masks, (length, &mut x));
        self.x = x;
        self.time_ms += length;
    }

    /// Moves on to a time, or to the next event.
    pub fn advance(
        &mut self,
        mover: &mut Mover<'_>,
        to: f64,
        look_for: LookFor,
    ) -> Result<Reached, Fault> {
        let mut steps = 0;
        while self.time_ms < to {
            steps += 1;
            let rest = to - self.time_ms;
            let whole = self.step_ms >= rest;
            let length = if whole { rest } else { self.step_ms };
            let masks = mover.masks(self.masks);
            let error = mover.error(&self.x, &masks, length);
            let fits = error <= 1.0;
            if !fits && length <= STEP_LEAST * to.max(1.0) || steps > STEPS_MAX {
                return Err(self.stuck(mover, &masks));
            }
            let factor = (SAFETY * error.powf(-0.125)).clamp(GROWTH_LEAST, GROWTH_MOST);
            let factor = if error.is_finite() {
                factor
            } else {
                GROWTH_LEAST
            };
            if !fits {
                self.step_ms = length * factor.min(SAFETY);
                continue;
            }
            let early = mover.early(&self.x, &masks, (length, look_for));
            let taken = early.map_or(length, |early| early.after_ms);
            let start_ms = self.time_ms;
            self.take_step(mover, taken);
            // No two events of a neuron are at one time.
            self.time_ms = self.time_ms.clamp(start_ms.next_up(), to);
            let whole = whole && early.is_none();
            if whole {
                self.time_ms = to;
            }
            // A step that others cut short says little of the next one.
            self.step_ms = if whole || early.is_some() {
                self.step_ms.max(length * factor)
            } else {
                length * factor
            };
            match early.map(|early| early.what) {
                Some(Ending::Spike) => return Ok(Reached::Spike),
                Some(Ending::Peak) => return Ok(Reached::Peak),
                Some(Ending::Switch(switch)) => {
                    self.push(ItemKind::Switch(switch));
                    self.masks ^= 1 << switch;
                }
                None => {}
            }
        }
        Ok(Reached::End)
    }

    fn stuck(&self, mover: &Mover<'_>, masks: &[[f64; 1]]) -> Fault {
        let culprit = mover.cells.culprit(mover.neuron, &self.x, masks);
        let problem = format!("no step is short enough: {culprit}");
        Fault::new(mover.neuron, self.time_ms, problem)
    }
}

impl<'a> Mover<'a> {
    pub fn unit(&self) -> Neuron<'a, f64> {
        self.cells.neuron(self.neuron)
    }

    fn masks(&self, packed: u64) -> Vec<[f64; 1]> {
        unpacked(packed, self.cells.programs.switches.len())
    }

    fn flow<'b>(&self, masks: &'b [[f64; 1]]) -> Flow<'b, f64, 1>
    where
        'a: 'b,
    {
        Flow {
            map: &self.cells.programs.flow,
            q: self.cells.q(self.neuron),
            masks,
        }
    }

    fn state_after(
        &mut self,
        x: &[[f64; 1]],
        masks: &[[f64; 1]],
        (length, end): (f64, &mut [[f64; 1]]),
    ) {
        let flow = self.flow(masks);
        let stepper = &mut self.memory.stepper;
        stepper.stages(flow, (&DOP853, length), x, true);
        end.copy_from_slice(x);
        stepper.finish(&DOP853, length, end);
    }

    /// The estimated error of a step in units of the tolerance (Hairer, Nørsett & Wanner 1993, section II.10).
    fn error(&mut self, x: &[[f64; 1]], masks: &[[f64; 1]], length: f64) -> f64 {
        let mut end = x.to_vec();
        self.state_after(x, masks, (length, &mut end));
        let (mut fifth, mut third) = (0.0, 0.0);
        for (n, scale) in self.cells.programs.scales.iter().enumerate() {
            let allowed = TOLERANCE * (scale + x[n][0].abs().max(end[n][0].abs()));
            let [five] = self.memory.stepper.weighted(&ERROR_5, x.len(), n);
            let [three] = self.memory.stepper.weighted(&ERROR_3, x.len(), n);
            fifth += (five / allowed).powi(2);
            third += (three / allowed).powi(2);
        }
        if fifth == 0.0 && third == 0.0 {
            return if end.iter().all(|x| x[0].is_finite()) {
                0.0
            } else {
                f64::NAN
            };
        }
        length * fifth / ((fifth + 0.01 * third) * x.len() as f64).sqrt()
    }

    /// The first event in a step.
    fn early(
        &mut self,
        x: &[[f64; 1]],
        masks: &[[f64; 1]],
        (length, look_for): (f64, LookFor),
    ) -> Option<Early> {
        let mut first: Option<Early> = None;
        let endings = self.endings(look_for);
        for what in endings {
            let start = Start { x, masks, what };
            let within = first.map_or(length, |early| early.after_ms);
            if let Some(after_ms) = self.crossing(start, within) {
                first = Some(Early { after_ms, what });
            }
        }
        first
    }

    fn endings(&self, look_for: LookFor) -> Vec<Ending> {
        let programs = &self.cells.programs;
        let mut endings: Vec<Ending> = (0..programs.switches.len()).map(Ending::Switch).collect();
        match look_for {
            LookFor::Spikes if programs.spike.is_some() => endings.push(Ending::Spike),
            LookFor::Spikes => {}
            LookFor::Peaks => endings.push(Ending::Peak),
        }
        endings
    }

    /// Value and slope of what ends a step where it rises through 0, after a part of it.
    fn ending(&mut self, start: Start<'_>, after_ms: f64) -> (f64, f64) {
        let mut x = start.x.to_vec();
        if after_ms > 0.0 {
            self.state_after(start.x, start.masks, (after_ms, &mut x));
        }
        let side = Side {
            x: &x,
            masks: start.masks,
        };
        let (unit, programs) = (self.unit(), &self.cells.programs);
        let stepper = &mut self.memory.stepper;
        match start.what {
            Ending::Spike => {
                let spike = programs
                    .spike
                    .as_ref()
                    .expect("it is looked for where there is one");
                unit.surface(spike, side, stepper)
            }
            Ending::Switch(n) => {
                let (value, slope) = unit.surface(&programs.switches[n], side, stepper);
                // A condition that holds ends where its value falls.
                if start.masks[n][0] == 0.0 {
                    (value, slope)
                } else {
                    (-value, -slope)
                }
            }
            Ending::Peak => {
                let flow = Flow {
                    map: &programs.flow,
                    q: unit.q,
                    masks: start.masks,
                };
                stepper.put_flow(flow, &x);
                // A maximum is where V' falls through 0.
                (-stepper.slope(programs, programs.readout), 0.0)
            }
        }
    }

    /// Where a surface is first crossed from below within a part of a step.
    fn crossing(&mut self, start: Start<'_>, within: f64) -> Option<f64> {
        let (first, rise) = self.ending(start, 0.0);
        if first >= 0.0 || first.is_nan() {
            return None;
        }
        let (last, fall) = self.ending(start, within);
        if last >= 0.0 {
            return Some(self.root(start, within, Of::Value));
        }
        if !(rise > 0.0 && fall < 0.0) {
            return None;
        }
        let top = self.root(start, within, Of::Slope);
        let (highest, _) = self.ending(start, top);
        (highest >= 0.0).then(|| self.root(start, top, Of::Value))
    }

    /// A root in (0, most], where the value is below zero at 0 and not at `most`; by false position that halves
    /// the weight of an end that stays (Illinois), with bisection where that is slow.
    fn root(&mut self, start: Start<'_>, most: f64, of: Of) -> f64 {
        let at = |mover: &mut Self, after_ms: f64| {
            let (value, slope) = mover.ending(start, after_ms);
            match of {
                Of::Value => value,
                Of::Slope => -slope,
            }
        };
        let (mut low, mut high) = (0.0, most);
        let (mut below, mut above) = (at(self, low), at(self, high));
        let mut kept = 0;
        for iteration in 0..ITERATIONS_MAX {
            let apart = high - low;
            if above == 0.0 || apart <= 2.0 * f64::EPSILON * most {
                break;
            }
            let false_position = high - above * apart / (above - below);
            let inside = false_position > low && false_position < high && iteration % 8 != 7;
            let middle = if inside {
                false_position
            } else {
                0.5 * (low + high)
            };
            if middle <= low || middle >= high {
                break;
            }
            let value = at(self, middle);
            if value >= 0.0 {
                (high, above) = (middle, value);
                below *= if kept == 1 { 0.5 } else { 1.0 };
                kept = 1;
            } else {
                (low, below) = (middle, value);
                above *= if kept == -1 { 0.5 } else { 1.0 };
                kept = -1;
            }
        }
        high
    }
}

/// A step that may end early.
#[derive(Clone, Copy)]
struct Start<'a> {
    x: &'a [[f64; 1]],
    masks: &'a [[f64; 1]],
    what: Ending,
}

/// What a root is of.
#[derive(Clone, Copy)]
enum Of {
    Value,
    Slope,
}
