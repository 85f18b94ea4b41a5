//! The neurons of a population with their parameters, as a solver of equations uses them.

use super::fault::Fault;
use super::unit::{At, EventMemory, Flow, Neuron, Side, Stepper};
use crate::network::Model;
use crate::network::{Population, Trained};
use crate::neuron::equations::programs::Programs;
use crate::neuron::equations::{Equations, Leaf, NeuronModel, is_time_constant};
use crate::neuron::lif::REFRACTORY;
use crate::real::Real;
use crate::solver::Variable;

/// The neurons of a population, in blocks of `L`; those after the last are copies of it.
#[derive(Debug, Clone)]
pub(super) struct Cells<F, const L: usize> {
    pub programs: Programs,
    pub model: NeuronModel,
    pub size: usize,
    pub blocks: usize,
    /// True of the twins of built-in models.
    built_in: bool,
    /// Place of the parameter τ_mem.
    tau_mem: Option<usize>,
    /// What a drive of 1 is as a rate of θ, where that does not depend on the state.
    rates_of_drive: Vec<F>,
    /// Values of the parameters, then the numbers of the programs, `[block][place]`.
    q: Vec<[F; L]>,
    /// The same for single neurons, `[neuron][place]`.
    q_single: Vec<[F; 1]>,
}

/// An arrival at a neuron: over a port, with a weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Delivery<F> {
    pub neuron: usize,
    pub port: usize,
    pub w: F,
}

/// The equations of a population: its own, or those of the built-in model.
pub(super) fn equations_of(population: &Population) -> Option<Equations> {
    let shipped = |name: &str, rows: Vec<(&'static str, crate::network::Constant)>| {
        let model = NeuronModel::shipped(name).expect("the models that come along are valid");
        let mut found = Equations::new(model);
        for (name, values) in rows {
            found = found
                .with(name, values)
                .expect("it has the constants of its twin");
        }
        found
    };
    let refractory = population.refractory().is_some();
    let rows = || {
        let constants = population.model.constants().into_iter();
        let known = constants.filter(|(name, _)| *name != REFRACTORY || refractory);
        let renamed = |name| if name == REFRACTORY { "t_ref" } else { name };
        known
            .map(|(name, values)| (renamed(name), values.clone()))
            .collect()
    };
    match &population.model {
        Model::Input => None,
        Model::Equations(equations) => Some((**equations).clone()),
        Model::Lif(_) if refractory => Some(shipped("lif_refractory", rows())),
        Model::Lif(_) => Some(shipped("lif", rows())),
        Model::Alif(_) if refractory => Some(shipped("alif_refractory", rows())),
        Model::Alif(_) => Some(shipped("alif", rows())),
        Model::Li(_) => Some(shipped("li", rows())),
    }
}

impl<F: Real, const L: usize> Cells<F, L> {
    /// The neurons of a population; none of the input.
    pub fn new(population: &Population) -> Option<Self> {
        let equations = equations_of(population)?;
        let model = equations.model().clone();
        let number = |trained: &Trained| {
            let mut names = model.parameters().iter();
            let place = names.position(|name| name.text() == trained.constant.name());
            place.expect("a validated population trains what it has")
        };
        let trained: Vec<usize> = population.trained.iter().map(number).collect();
        let programs = Programs::new(model.expressions(), &trained);
        let blocks = population.size.div_ceil(L);
        let values = equations.values();
        let last = population.size - 1;
        let of = |neuron: usize| {
            let parameters = values.iter().map(move |value| value.of(neuron.min(last)));
            let all = parameters.chain(programs.numbers.iter().copied());
            all.map(F::from_f64)
        };
        let block = |block: usize| {
            let mut rows = vec![[F::ZERO; L]; values.len() + programs.numbers.len()];
            for lane in 0..L {
                let each = rows.iter_mut().zip(of(block * L + lane));
                each.for_each(|(row, value)| row[lane] = value);
            }
            rows
        };
        let mut cells = Self {
            q: (0..blocks).flat_map(block).collect(),
            q_single: (0..population.size).flat_map(of).map(|q| [q]).collect(),
            built_in: !matches!(population.model, Model::Equations(_)),
            tau_mem: {
                let mut names = model.parameters().iter();
                names.position(|name| name.text() == "tau_mem")
            },
            rates_of_drive: Vec::new(),
            programs,
            model,
            size: population.size,
            blocks,
        };
        cells.rates_of_drive = cells.constant_rates();
        Some(cells)
    }

    /// What a drive of 1 is as a rate of θ, if θ is a plane.
    fn constant_rates(&self) -> Vec<F> {
        if !self.programs.spike.as_ref().is_some_and(|s| s.is_plane) {
            return Vec::new();
        }
        let mut memory = EventMemory::default();
        let zero = vec![[F::ZERO]; self.states()];
        let masks = vec![[F::ZERO]; self.programs.switches.len()];
        let anywhere = Side {
            x: &zero,
            masks: &masks,
        };
        let rate = |neuron| self.rate_of_drive(neuron, anywhere, &mut memory);
        (0..self.size).map(rate).collect()
    }

    /// Number of state variables.
    pub fn states(&self) -> usize {
        self.programs.states
    }

    pub fn q(&self, block: usize) -> &[[F; L]] {
        let len = self.q.len() / self.blocks;
        &self.q[block * len..(block + 1) * len]
    }

    pub fn neuron(&self, neuron: usize) -> Neuron<'_, F> {
        let len = self.q_single.len() / self.size;
        Neuron {
            programs: &self.programs,
            q: &self.q_single[neuron * len..(neuron + 1) * len],
        }
    }

    /// The state of a block at the start of a trial.
    pub fn start(&self, block: usize, stepper: &mut Stepper<F, L>, x: &mut [[F; L]]) {
        let at = At::state(&[], self.q(block), &[]);
        stepper.put(&self.programs.initial.forward, at, x);
    }

    /// The time in which V moves by a unit of the adjoint of a built-in neuron: τ_mem where there is one, else 1 ms.
    pub fn tau_mem(&self, neuron: usize) -> F {
        let place = self.tau_mem;
        place.map_or(F::ONE, |place| self.neuron(neuron).q[place][0])
    }

    /// τ_mem θ' of 1: what a drive of 1 is as a rate of θ, with typical sizes of θ (of built-in models threshold units).
    fn rate_of_drive(&self, neuron: usize, minus: Side<'_, F>, memory: &mut EventMemory<F>) -> F {
        if let Some(&rate) = self.rates_of_drive.get(neuron) {
            return rate;
        }
        let size = match &self.programs.spike {
            Some(spike) if !self.built_in => self.neuron(neuron).size(spike, minus, memory),
            _ => F::ONE,
        };
        size / self.tau_mem(neuron)
    }

    /// The drive J of a spike: τ_mem θ', in typical sizes of θ.
    pub fn drive(&self, neuron: usize, minus: Side<'_, F>, memory: &mut EventMemory<F>) -> F {
        let spike = self.programs.spike.as_ref().expect("it spikes");
        let (_, rate) = self
            .neuron(neuron)
            .surface(spike, minus, &mut memory.stepper);
        rate / self.rate_of_drive(neuron, minus, memory)
    }

    /// The rate of θ that belongs to the least drive.
    pub fn rate_least(
        &self,
        neuron: usize,
        (least, minus): (F, Side<'_, F>),
        memory: &mut EventMemory<F>,
    ) -> F {
        if least == F::ZERO {
            return F::ZERO;
        }
        least * self.rate_of_drive(neuron, minus, memory)
    }

    /// The first of its neurons that starts at its threshold or above.
    pub fn check_start(&self, memory: &mut EventMemory<F>) -> Result<(), Fault> {
        let Some(spike) = &self.programs.spike else {
            return Ok(());
        };
        let mut x = vec![[F::ZERO]; self.states()];
        for neuron in 0..self.size {
            let unit = self.neuron(neuron);
            let at = At::state(&[], unit.q, &[]);
            memory
                .stepper
                .put(&self.programs.initial.forward, at, &mut x);
            let mut masks = vec![[F::ZERO]; self.programs.switches.len()];
            unit.masks(&x, &mut masks, &mut memory.stepper);
            let side = Side {
                x: &x,
                masks: &masks,
            };
            let value = unit.threshold(spike, side, &mut memory.stepper);
            // Not a number is above it, too.
            let below = value < F::ZERO;
            if !below {
                let problem = format!(
                    "it starts at its threshold or above ({value} ≥ 0 with {}); lower its initial state",
                    self.shown(&x)
                );
                return Err(Fault::new(neuron, 0.0, problem));
            }
        }
        Ok(())
    }

    /// A state as text.
    pub fn shown(&self, x: &[[F; 1]]) -> String {
        let names = self.model.state().iter();
        let each = names
            .zip(x)
            .map(|(name, x)| format!("{} = {}", name.text(), x[0]));
        each.collect::<Vec<_>>().join(", ")
    }

    /// The expression that makes a state of the neuron not finite, as text.
    pub fn culprit(&self, neuron: usize, x: &[[F; 1]], masks: &[[F; 1]]) -> String {
        let own = self.model.expressions();
        let q = self.neuron(neuron).q;
        let value = |leaf: Leaf| match leaf {
            Leaf::State(n) => x[n][0].to_f64(),
            Leaf::Parameter(n) => q[n][0].to_f64(),
            Leaf::Mask(n) => masks.get(n).map_or(0.0, |mask| mask[0].to_f64()),
            Leaf::Weight | Leaf::Adjoint(_) => 0.0,
        };
        let found = own.graph.first_not_finite(&own.flow, &value);
        match found {
            Some(id) => {
                let text = own.graph.text(id, &|leaf| own.leaf_name(leaf));
                format!("\"{text}\" is not finite where {}", self.shown(x))
            }
            None => format!("the state grows beyond all numbers from {}", self.shown(x)),
        }
    }

    /// True if an arrival at some port has to be taken after the others.
    pub fn one_by_one(&self) -> bool {
        self.programs
            .arrivals
            .iter()
            .any(|arrival| arrival.additive.is_none())
    }

    /// The state after a reset, into a list.
    pub fn reset_into(
        &self,
        neuron: usize,
        minus: Side<'_, F>,
        (stepper, after): (&mut Stepper<F, 1>, &mut [[F; 1]]),
    ) {
        let at = At::state(minus.x, self.neuron(neuron).q, minus.masks);
        stepper.put(&self.programs.reset.forward, at, after);
    }

    /// An arrival of weight `w` at a neuron of the blocks `x`.
    pub fn arrive(&self, delivery: Delivery<F>, x: &mut [[F; L]], memory: &mut EventMemory<F>) {
        let n = self.states();
        let (first, lane) = (delivery.neuron / L * n, delivery.neuron % L);
        let EventMemory {
            stepper,
            before,
            after,
            ..
        } = memory;
        before.clear();
        before.extend(x[first..first + n].iter().map(|row| [row[lane]]));
        after.resize(n, [F::ZERO]);
        self.arrival_into(delivery, before, (stepper, after));
        for (row, after) in x[first..first + n].iter_mut().zip(after) {
            row[lane] = after[0];
        }
    }

    /// The state after an arrival, into a list.
    fn arrival_into(
        &self,
        Delivery { neuron, port, w }: Delivery<F>,
        before: &[[F; 1]],
        (stepper, after): (&mut Stepper<F, 1>, &mut [[F; 1]]),
    ) {
        let at = At::state(before, self.neuron(neuron).q, &[]).with_weight(w);
        stepper.put(&self.programs.arrivals[port].map.forward, at, after);
    }

    /// The state after an arrival.
    pub fn after_arrival(
        &self,
        delivery: Delivery<F>,
        before: &[[F; 1]],
        memory: &mut EventMemory<F>,
    ) -> Vec<[F; 1]> {
        let mut after = vec![[F::ZERO]; self.states()];
        self.arrival_into(delivery, before, (&mut memory.stepper, &mut after));
        after
    }

    /// The largest of the rates 1/τ of parameters that are time constants, in 1/ms.
    pub fn rate_of_time_constants(&self) -> f64 {
        let names = self.model.parameters().iter().enumerate();
        let taus = names.filter(|(_, name)| is_time_constant(name.text()));
        let of = |(place, _): (usize, _)| {
            let each = (0..self.size).map(move |neuron| self.neuron(neuron).q[place][0].to_f64());
            each.fold(0.0, |most: f64, tau| most.max(1.0 / tau))
        };
        taus.map(of).fold(0.0, f64::max)
    }

    /// The largest sum of a row of |∂f/∂x| in typical sizes of the variables, 1/ms.
    pub fn stiffness(&self, neuron: usize, side: Side<'_, F>, memory: &mut EventMemory<F>) -> f64 {
        let n = self.states();
        let back = &self.programs.flow.back;
        let mut products = vec![[F::ZERO]; back.outputs_len()];
        let rows = (0..n).map(|row| {
            let mut a = vec![[F::ZERO]; n];
            a[row] = [F::ONE];
            let at = At::state(side.x, self.neuron(neuron).q, side.masks).with_adjoint(&a);
            memory.stepper.put(back, at, &mut products);
            let scales = &self.programs.scales;
            let each = products[..n].iter().zip(scales);
            let sum: f64 = each
                .map(|(slope, scale)| slope[0].to_f64().abs() * scale)
                .sum();
            sum / scales[row]
        });
        rows.fold(0.0, f64::max)
    }

    /// λ of a built-in model from p: −p over the time constant.
    pub fn as_lambda(&self, variable: Variable, neuron: usize, p: F) -> F {
        let wanted = match variable {
            Variable::LambdaV => "tau_mem",
            Variable::LambdaI => "tau_syn",
            _ => return -p,
        };
        let mut names = self.model.parameters().iter();
        let place = names.position(|name| name.text() == wanted);
        place.map_or(-p, |place| -p / self.neuron(neuron).q[place][0])
    }

    /// The derivative by time of the voltage that a neuron reads.
    pub fn slope_of_readout(&self, neuron: usize, x: &[[F; 1]], memory: &mut EventMemory<F>) -> F {
        let unit = self.neuron(neuron);
        let mut masks = vec![[F::ZERO]; self.programs.switches.len()];
        unit.masks(x, &mut masks, &mut memory.stepper);
        let flow = Flow {
            map: &self.programs.flow,
            q: unit.q,
            masks: &masks,
        };
        memory.stepper.put_flow(flow, x);
        memory.stepper.slope(&self.programs, self.programs.readout)
    }
}
