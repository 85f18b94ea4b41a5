//! A block of neurons of a model from equations, and its Runge–Kutta steps, forward and adjoint.
//!
//! `L` neurons side by side, each variable a row of `L` numbers; the event solver takes one neuron at a time.

use super::tableau::Tableau;
pub(super) use crate::neuron::equations::program::At;
use crate::neuron::equations::program::{Program, Registers};
use crate::neuron::equations::programs::{Map, Programs, Surface};
use crate::real::Real;

/// Σ aᵢ bᵢ of one neuron.
pub(super) fn dot<F: Real>(a: &[[F; 1]], b: &[[F; 1]]) -> F {
    let products = a.iter().zip(b).map(|(a, b)| a[0] * b[0]);
    products.fold(F::ZERO, |sum, product| sum + product)
}

/// The flow of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flow<'a, F, const L: usize> {
    pub map: &'a Map,
    pub q: &'a [[F; L]],
    pub masks: &'a [[F; L]],
}

/// Adjoints of a block: of its state, and sums for its trained parameters.
#[derive(Debug)]
pub(super) struct Adjoints<'a, F, const L: usize> {
    pub p: &'a mut [[F; L]],
    pub by_q: &'a mut [[F; L]],
}

/// Memory of the steps of a block.
#[derive(Debug, Clone)]
pub(super) struct Stepper<F, const L: usize> {
    pub registers: Registers<F, L>,
    /// Stages y, `[stage][variable]`.
    y: Vec<[F; L]>,
    /// f(y), likewise.
    k: Vec<[F; L]>,
    /// Adjoints of f(y), likewise.
    adjoint_k: Vec<[F; L]>,
}

impl<F, const L: usize> Default for Stepper<F, L> {
    fn default() -> Self {
        Self {
            registers: Registers::default(),
            y: Vec::new(),
            k: Vec::new(),
            adjoint_k: Vec::new(),
        }
    }
}

#[inline(always)]
fn add<F: Real, const L: usize>(to: &mut [F; L], factor: F, from: &[F; L]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += factor * *from;
    }
}

impl<F: Real, const L: usize> Stepper<F, L> {
    /// Outputs of a program, one after the other, put into a list.
    #[inline(always)]
    pub fn put(&mut self, program: &Program, at: At<'_, F, L>, out: &mut [[F; L]]) {
        at.run(program, &mut self.registers);
        for (n, out) in out.iter_mut().enumerate() {
            *out = *program.output(&self.registers, n);
        }
    }

    /// The stages of a step of length `h` from `x`; without their end, f of the last is not needed.
    #[inline(always)]
    pub fn stages(
        &mut self,
        flow: Flow<'_, F, L>,
        (tableau, h): (&Tableau, F),
        x: &[[F; L]],
        with_end: bool,
    ) {
        let n = x.len();
        let len = n * tableau.a.len();
        if self.y.len() < len {
            self.y.resize(len, [F::ZERO; L]);
            self.k.resize(len, [F::ZERO; L]);
        }
        for (stage, row) in tableau.a.iter().enumerate() {
            let first = stage * n;
            self.y[first..first + n].copy_from_slice(x);
            for (earlier, &a) in row.iter().enumerate().filter(|(_, a)| **a != 0.0) {
                let factor = h * F::from_f64(a);
                for i in 0..n {
                    add(&mut self.y[first + i], factor, &self.k[earlier * n + i]);
                }
            }
            if !with_end && stage + 1 == tableau.a.len() {
                return;
            }
            let at = At::state(&self.y[first..first + n], flow.q, flow.masks);
            at.run(&flow.map.forward, &mut self.registers);
            for i in 0..n {
                self.k[first + i] = *flow.map.forward.output(&self.registers, i);
            }
        }
    }

    /// f of one state; [`Self::slope`] reads it.
    #[inline(always)]
    pub fn put_flow(&mut self, flow: Flow<'_, F, L>, x: &[[F; L]]) {
        At::state(x, flow.q, flow.masks).run(&flow.map.forward, &mut self.registers);
    }

    /// Σ weightᵢ f(yᵢ) of a variable, over the stages.
    #[inline(always)]
    pub fn weighted(&self, weights: &[f64], n: usize, variable: usize) -> [F; L] {
        let mut sum = [F::ZERO; L];
        for (stage, &weight) in weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
            add(&mut sum, F::from_f64(weight), &self.k[stage * n + variable]);
        }
        sum
    }

    /// The end of the step whose stages are known.
    #[inline(always)]
    pub fn finish(&self, tableau: &Tableau, h: F, x: &mut [[F; L]]) {
        let n = x.len();
        // [F13] x⁺ = x + h Σ b_i f(y_i)
        for (variable, x) in x.iter_mut().enumerate() {
            for (stage, &b) in tableau.b.iter().enumerate().filter(|(_, b)| **b != 0.0) {
                add(x, h * F::from_f64(b), &self.k[stage * n + variable]);
            }
        }
    }

    /// The adjoint of the step whose stages are known: p at its start from p at its end.
    #[inline(always)]
    pub fn adjoint_finish(
        &mut self,
        flow: Flow<'_, F, L>,
        tableau: &Tableau,
        h: F,
        adjoints: Adjoints<'_, F, L>,
    ) {
        let Adjoints { p, by_q } = adjoints;
        let n = p.len();
        self.adjoint_k.clear();
        for &b in tableau.b {
            let factor = h * F::from_f64(b);
            self.adjoint_k
                .extend(p.iter().map(|p| p.map(|p| factor * p)));
        }
        // [A13] k̄_i = h b_i p⁺ + h Σ a_ji ȳ_j, ȳ_i = (∂f/∂x)ᵀ k̄_i, p = p⁺ + Σ ȳ_i
        for (stage, row) in tableau.a.iter().enumerate().rev() {
            let first = stage * n;
            let at = At::state(&self.y[first..first + n], flow.q, flow.masks);
            let at = at.with_adjoint(&self.adjoint_k[first..first + n]);
            at.run(&flow.map.back, &mut self.registers);
            for i in 0..n {
                let by_y = flow.map.back.output(&self.registers, i);
                add(&mut p[i], F::ONE, by_y);
                for (earlier, &a) in row.iter().enumerate().filter(|(_, a)| **a != 0.0) {
                    let to = &mut self.adjoint_k[earlier * n + i];
                    add(to, h * F::from_f64(a), by_y);
                }
            }
            for (i, by_q) in by_q.iter_mut().enumerate() {
                add(by_q, F::ONE, flow.map.back.output(&self.registers, n + i));
            }
        }
    }
}

/// One neuron at an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neuron<'a, F> {
    pub programs: &'a Programs,
    pub q: &'a [[F; 1]],
}

/// A side of an event: state and masks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side<'a, F> {
    pub x: &'a [[F; 1]],
    pub masks: &'a [[F; 1]],
}

/// Both sides of an event, and what ∂L/∂t of it is beside that of the neuron itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event<'a, F> {
    pub minus: Side<'a, F>,
    pub plus: Side<'a, F>,
    /// R + ∂L/∂t.
    pub backflow: F,
    /// The least rate with which the surface is crossed.
    pub rate_least: F,
}

/// Memory of events.
#[derive(Debug, Clone, Default)]
pub(super) struct EventMemory<F> {
    pub stepper: Stepper<F, 1>,
    flow_minus: Vec<[F; 1]>,
    flow_plus: Vec<[F; 1]>,
    back: Vec<[F; 1]>,
    gradient: Vec<[F; 1]>,
    /// States of a neuron before and after an event.
    pub before: Vec<[F; 1]>,
    pub after: Vec<[F; 1]>,
    /// Masks of a neuron, and others.
    pub masks: Vec<[F; 1]>,
    pub other_masks: Vec<[F; 1]>,
}

/// Derivatives that an arrival leaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByArrival<F> {
    /// ∂L/∂w.
    pub weight: F,
    /// R, and ∂L/∂d of its delay.
    pub backflow: F,
}

impl<F: Real> Stepper<F, 1> {
    /// A derivative by time, after [`Self::put_flow`].
    pub fn slope(&self, programs: &Programs, variable: usize) -> F {
        programs.flow.forward.output(&self.registers, variable)[0]
    }
}

impl<F: Real> Neuron<'_, F> {
    fn at<'b>(&'b self, side: Side<'b, F>) -> At<'b, F, 1> {
        At::state(side.x, self.q, side.masks)
    }

    /// Value of a surface, and its derivative by time.
    pub fn surface(
        self,
        surface: &Surface,
        side: Side<'_, F>,
        stepper: &mut Stepper<F, 1>,
    ) -> (F, F) {
        let mut found = [[F::ZERO]; 2];
        stepper.put(&surface.value, self.at(side), &mut found);
        (found[0][0], found[1][0])
    }

    /// Value of a surface.
    pub fn threshold(self, surface: &Surface, side: Side<'_, F>, stepper: &mut Stepper<F, 1>) -> F {
        let mut found = [[F::ZERO]];
        stepper.put(&surface.threshold, self.at(side), &mut found);
        found[0][0]
    }

    /// Masks of the conditions in a state; on a border a mask stays.
    pub fn masks(self, x: &[[F; 1]], masks: &mut [[F; 1]], stepper: &mut Stepper<F, 1>) {
        for (place, switch) in self.programs.switches.iter().enumerate() {
            let value = self.threshold(switch, Side { x, masks }, stepper);
            if value != F::ZERO {
                masks[place] = [if value > F::ZERO { F::ONE } else { F::ZERO }];
            }
        }
    }

    /// How far variable `along` lies above the surface: θ/(∂θ/∂x).
    pub fn overshoot(
        self,
        spike: &Surface,
        (along, minus): (usize, Side<'_, F>),
        memory: &mut EventMemory<F>,
    ) -> F {
        let value = self.threshold(spike, minus, &mut memory.stepper);
        let gradient = &mut memory.gradient;
        gradient.resize(spike.gradient.outputs_len(), [F::ZERO]);
        let at = At::state(minus.x, self.q, minus.masks);
        memory.stepper.put(&spike.gradient, at, gradient);
        let slope = gradient[along][0];
        if slope == F::ZERO {
            F::ZERO
        } else {
            value / slope
        }
    }

    /// Typical size of θ: Σ |∂θ/∂xᵢ| times the scale of xᵢ.
    pub fn size(self, spike: &Surface, minus: Side<'_, F>, memory: &mut EventMemory<F>) -> F {
        let n = self.programs.states;
        memory
            .gradient
            .resize(spike.gradient.outputs_len(), [F::ZERO]);
        memory
            .stepper
            .put(&spike.gradient, self.at(minus), &mut memory.gradient);
        let each = memory.gradient[..n].iter().zip(&self.programs.scales);
        let sum = each.fold(0.0, |sum, (slope, scale)| {
            sum + slope[0].to_f64().abs() * scale
        });
        F::from_f64(if sum > 0.0 { sum } else { 1.0 })
    }

    /// f on both sides.
    fn flows(self, event: &Event<'_, F>, memory: &mut EventMemory<F>) {
        let n = self.programs.states;
        let flow = &self.programs.flow.forward;
        for (list, side) in [
            (&mut memory.flow_minus, event.minus),
            (&mut memory.flow_plus, event.plus),
        ] {
            list.resize(n, [F::ZERO]);
            memory.stepper.put(flow, self.at(side), list);
        }
    }

    /// p just before a spike with its reset, from p just after it.
    pub fn adjoint_spike(
        self,
        event: Event<'_, F>,
        adjoints: Adjoints<'_, F, 1>,
        memory: &mut EventMemory<F>,
    ) {
        let Adjoints { p, by_q } = adjoints;
        let (n, reset) = (p.len(), &self.programs.reset);
        self.flows(&event, memory);
        memory.back.resize(reset.back.outputs_len(), [F::ZERO]);
        let at = self.at(event.minus).with_adjoint(p);
        memory.stepper.put(&reset.back, at, &mut memory.back);
        // [A10] B = p⁺·(G f⁻ − f⁺) + R + ∂L/∂t
        let b =
            dot(&memory.back[..n], &memory.flow_minus) - dot(p, &memory.flow_plus) + event.backflow;
        p.copy_from_slice(&memory.back[..n]);
        for (by_q, back) in by_q.iter_mut().zip(&memory.back[n..]) {
            by_q[0] += back[0];
        }
        let spike = self
            .programs
            .spike
            .as_ref()
            .expect("a neuron that fired has a threshold");
        self.adjoint_surface(spike, event, b, (Adjoints { p, by_q }, memory));
    }

    /// p just before a condition of the flow changes, from p just after it.
    pub fn adjoint_switch(
        self,
        switch: &Surface,
        event: Event<'_, F>,
        adjoints: Adjoints<'_, F, 1>,
        memory: &mut EventMemory<F>,
    ) {
        self.flows(&event, memory);
        // [A11] B = p·(f⁻ − f⁺)
        let b = dot(adjoints.p, &memory.flow_minus) - dot(adjoints.p, &memory.flow_plus);
        if b != F::ZERO {
            self.adjoint_surface(switch, event, b, (adjoints, memory));
        }
    }

    /// What moving the time of an event does: p −= ∇θ B/θ', and the parameters of θ likewise.
    fn adjoint_surface(
        self,
        surface: &Surface,
        event: Event<'_, F>,
        b: F,
        (adjoints, memory): (Adjoints<'_, F, 1>, &mut EventMemory<F>),
    ) {
        let Adjoints { p, by_q } = adjoints;
        let (_, rate) = self.surface(surface, event.minus, &mut memory.stepper);
        let rate = if rate < event.rate_least && event.rate_least > F::ZERO {
            event.rate_least
        } else {
            rate
        };
        if rate == F::ZERO {
            return;
        }
        memory
            .gradient
            .resize(surface.gradient.outputs_len(), [F::ZERO]);
        memory.stepper.put(
            &surface.gradient,
            self.at(event.minus),
            &mut memory.gradient,
        );
        let share = b / rate;
        for (to, slope) in p.iter_mut().chain(by_q.iter_mut()).zip(&memory.gradient) {
            to[0] -= slope[0] * share;
        }
    }

    /// p just before an arrival of weight `w`, from p just after it.
    pub fn adjoint_arrival(
        self,
        (port, w): (usize, F),
        event: Event<'_, F>,
        adjoints: Adjoints<'_, F, 1>,
        memory: &mut EventMemory<F>,
    ) -> ByArrival<F> {
        let Adjoints { p, by_q } = adjoints;
        let (n, map) = (p.len(), &self.programs.arrivals[port].map);
        self.flows(&event, memory);
        memory.back.resize(map.back.outputs_len(), [F::ZERO]);
        let at = self.at(event.minus).with_adjoint(p).with_weight(w);
        memory.stepper.put(&map.back, at, &mut memory.back);
        // [A12] R += p⁺·((∂h/∂x) f⁻ − f⁺)
        let backflow = dot(&memory.back[..n], &memory.flow_minus) - dot(p, &memory.flow_plus);
        p.copy_from_slice(&memory.back[..n]);
        for (by_q, back) in by_q.iter_mut().zip(&memory.back[n..]) {
            by_q[0] += back[0];
        }
        let weight = memory.back[n + by_q.len()][0];
        ByArrival { weight, backflow }
    }
}
