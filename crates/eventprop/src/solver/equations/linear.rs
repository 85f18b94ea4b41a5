//! The exact step of models that are linear with constant coefficients: x⁺ = M x + c.
//!
//! With x' = A x + b, M and c are parts of the exponential of h [[A, b], [0, 0]], and their derivatives by a parameter parts
//! of that of h [[Ã, dÃ], [0, Ã]] (Van Loan 1978, IEEE Trans. Autom. Control 23:395).

use super::cells::Cells;
use super::unit::{At, EventMemory};
use crate::real::Real;

/// Terms of the series of the exponential, of matrices with a norm below 1/16: the next one is below 1e-30.
const TERMS: usize = 14;

/// M and c of all neurons.
#[derive(Debug, Clone)]
pub(super) struct Propagators<F, const L: usize> {
    /// Rows and columns of M that are not zero everywhere.
    places: Vec<(usize, usize)>,
    /// M there, `[block][place]`.
    values: Vec<[F; L]>,
    /// c, `[block][variable]`.
    constants: Vec<[F; L]>,
    /// ∫ M(s)ᵀ ds over the step of the unit vector of the variable that losses read, `[block][variable]`.
    driven: Vec<[F; L]>,
    /// Derivatives of (M, c) by each trained parameter, `[neuron][parameter][row][column]`, c as the last column.
    by_q: Vec<f64>,
}

/// A square matrix.
#[derive(Debug, Clone)]
struct Matrix {
    size: usize,
    values: Vec<f64>,
}

impl Matrix {
    fn zeros(size: usize) -> Self {
        Self {
            size,
            values: vec![0.0; size * size],
        }
    }

    fn at(&mut self, row: usize, column: usize) -> &mut f64 {
        &mut self.values[row * self.size + column]
    }

    fn of(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.size + column]
    }

    fn times(&self, other: &Self) -> Self {
        let mut product = Self::zeros(self.size);
        for row in 0..self.size {
            for inner in 0..self.size {
                let factor = self.of(row, inner);
                for column in 0..self.size {
                    *product.at(row, column) += factor * other.of(inner, column);
                }
            }
        }
        product
    }

    fn scaled(&self, factor: f64) -> Self {
        Self {
            size: self.size,
            values: self.values.iter().map(|value| factor * value).collect(),
        }
    }

    /// e to this power, by a series of a fraction that is squared.
    fn exponential(&self) -> Self {
        let rows = self.values.chunks(self.size);
        let norm = rows
            .map(|row| row.iter().map(|x| x.abs()).sum())
            .fold(0.0, f64::max);
        let halvings = (norm.max(1e-300).log2().ceil() as i32 + 4).clamp(0, 1000);
        let fraction = self.scaled(0.5_f64.powi(halvings));
        let mut sum = Self::zeros(self.size);
        let mut term = Self::zeros(self.size);
        for n in 0..self.size {
            *sum.at(n, n) = 1.0;
            *term.at(n, n) = 1.0;
        }
        for n in 1..=TERMS {
            term = term.times(&fraction).scaled(1.0 / n as f64);
            for (sum, term) in sum.values.iter_mut().zip(&term.values) {
                *sum += term;
            }
        }
        for _ in 0..halvings {
            sum = sum.times(&sum);
        }
        sum
    }
}

/// Ã = [[A, b], [0, 0]] of a neuron, and its derivative by each trained parameter.
fn coefficients<F: Real, const L: usize>(
    cells: &Cells<F, L>,
    neuron: usize,
    memory: &mut EventMemory<F>,
) -> Vec<Matrix> {
    let (n, trained) = (cells.states(), cells.programs.trained.len());
    let back = &cells.programs.flow.back;
    let q = cells.neuron(neuron).q;
    let mut all = vec![Matrix::zeros(n + 1); 1 + trained];
    let mut flow = vec![[F::ZERO]; n];
    let zero = vec![[F::ZERO]; n];
    let at = At::state(&zero, q, &[]);
    memory
        .stepper
        .put(&cells.programs.flow.forward, at, &mut flow);
    let mut products = vec![[F::ZERO]; n + trained];
    for row in 0..n {
        let mut a = vec![[F::ZERO]; n];
        a[row] = [F::ONE];
        *all[0].at(row, n) = flow[row][0].to_f64();
        for column in (0..=n).rev() {
            let mut x = vec![[F::ZERO]; n];
            if let Some(x) = x.get_mut(column) {
                *x = [F::ONE];
            }
            let at = At::state(&x, q, &[]).with_adjoint(&a);
            memory.stepper.put(back, at, &mut products);
            for place in 0..n {
                *all[0].at(row, place) = products[place][0].to_f64();
            }
            for parameter in 0..trained {
                let matrix = &mut all[1 + parameter];
                let value = products[n + parameter][0].to_f64();
                // At x = 0 it is the derivative of b; at a unit vector that of a column of A more.
                let constant = if column == n { 0.0 } else { matrix.of(row, n) };
                *matrix.at(row, column) = value - constant;
            }
        }
    }
    all
}

impl<F: Real, const L: usize> Propagators<F, L> {
    /// Those of steps of length `h`; none where the model is not linear.
    pub fn new(cells: &Cells<F, L>, h: f64, memory: &mut EventMemory<F>) -> Option<Self> {
        if !cells.model.is_linear() || cells.states() > VARIABLES_MAX {
            return None;
        }
        let (n, trained) = (cells.states(), cells.programs.trained.len());
        let mut steps = Vec::new();
        let mut by_q = Vec::new();
        let mut integrals = Vec::new();
        for neuron in 0..cells.size {
            let all = coefficients(cells, neuron, memory);
            integrals.push(integral(&all[0], cells.programs.readout, h));
            steps.push(all[0].scaled(h).exponential());
            for slope in &all[1..=trained] {
                let both = derivative(&all[0], slope, h);
                by_q.extend((0..n).flat_map(|row| both[row].clone()));
            }
        }
        let each = (0..n).flat_map(|row| (0..n).map(move |column| (row, column)));
        let is_used =
            |place: &(usize, usize)| steps.iter().any(|step| step.of(place.0, place.1) != 0.0);
        let places: Vec<(usize, usize)> = each.filter(is_used).collect();
        let lanes = |block: usize, (row, column): (usize, usize)| -> [F; L] {
            std::array::from_fn(|lane| {
                let neuron = (block * L + lane).min(cells.size - 1);
                F::from_f64(steps[neuron].of(row, column))
            })
        };
        let blocks = 0..cells.blocks;
        Some(Self {
            values: blocks
                .clone()
                .flat_map(|b| places.iter().map(move |p| (b, *p)))
                .map(|(b, p)| lanes(b, p))
                .collect(),
            constants: blocks
                .clone()
                .flat_map(|b| (0..n).map(move |row| (b, (row, n))))
                .map(|(b, p)| lanes(b, p))
                .collect(),
            driven: blocks
                .flat_map(|b| (0..n).map(move |row| (b, row)))
                .map(|(b, row)| {
                    std::array::from_fn(|lane| {
                        let neuron = (b * L + lane).min(cells.size - 1);
                        F::from_f64(integrals[neuron][row])
                    })
                })
                .collect(),
            places,
            by_q,
        })
    }

    fn values(&self, block: usize) -> &[[F; L]] {
        &self.values[block * self.places.len()..(block + 1) * self.places.len()]
    }

    /// A step of a block.
    #[inline(always)]
    pub fn step(&self, block: usize, start: &[[F; L]], end: &mut [[F; L]]) {
        let n = start.len();
        // [F14] x⁺ = M x + c
        end.copy_from_slice(&self.constants[block * n..(block + 1) * n]);
        for (&(row, column), value) in self.places.iter().zip(self.values(block)) {
            for lane in 0..L {
                end[row][lane] += value[lane] * start[column][lane];
            }
        }
    }

    /// What a driving term A of the loss, held constant over a step, adds to p of a block.
    #[inline(always)]
    pub fn drive(&self, block: usize, a: &[F; L], p: &mut [[F; L]]) {
        let n = p.len();
        for (p, driven) in p.iter_mut().zip(&self.driven[block * n..(block + 1) * n]) {
            for lane in 0..L {
                // p −= A ψ of [A14]
                p[lane] -= a[lane] * driven[lane];
            }
        }
    }

    /// p at the start of a step of a block from p at its end, and Σ p⁺ xᵀ where parameters are trained: rows of `by_q`
    /// with one more column for c. before: memory, `[variable]`.
    #[inline(always)]
    pub fn adjoint_step(
        &self,
        block: usize,
        start: &[[F; L]],
        p: &mut [[F; L]],
        sums: &mut [[F; L]],
        before: &mut [[F; L]],
    ) {
        let n = p.len();
        if !sums.is_empty() {
            for row in 0..n {
                for column in 0..n {
                    for lane in 0..L {
                        sums[row * (n + 1) + column][lane] += p[row][lane] * start[column][lane];
                    }
                }
                for lane in 0..L {
                    sums[row * (n + 1) + n][lane] += p[row][lane];
                }
            }
        }
        // [A14] p = Mᵀ p⁺
        before.fill([F::ZERO; L]);
        for (&(row, column), value) in self.places.iter().zip(self.values(block)) {
            for lane in 0..L {
                before[column][lane] += value[lane] * p[row][lane];
            }
        }
        p.copy_from_slice(before);
    }

    /// Adds to the sums of trained parameters what the steps of a neuron say, from `sums` of its lane.
    pub fn add_by_q(&self, neuron: usize, sums: &[F], by_q: &mut [[F; 1]]) {
        let (len, trained) = (sums.len(), by_q.len());
        for (parameter, by_q) in by_q.iter_mut().enumerate() {
            let first = (neuron * trained + parameter) * len;
            let slopes = &self.by_q[first..first + len];
            let total: f64 = slopes
                .iter()
                .zip(sums)
                .map(|(slope, sum)| slope * sum.to_f64())
                .sum();
            by_q[0] += F::from_f64(total);
        }
    }
}

/// Most state variables of a model that is stepped exactly.
const VARIABLES_MAX: usize = 8;

/// ψ = ∫ M(s)ᵀ ds e over a step of length `h`, e the unit vector of variable `read`: a part of the exponential of
/// h [[Aᵀ, e], [0, 0]].
fn integral(matrix: &Matrix, read: usize, h: f64) -> Vec<f64> {
    let n = matrix.size - 1;
    let mut with_unit = Matrix::zeros(n + 1);
    for row in 0..n {
        for column in 0..n {
            *with_unit.at(row, column) = h * matrix.of(column, row);
        }
    }
    *with_unit.at(read, n) = h;
    let found = with_unit.exponential();
    (0..n).map(|row| found.of(row, n)).collect()
}

/// Rows of the derivatives of M and c.
fn derivative(matrix: &Matrix, slope: &Matrix, h: f64) -> Vec<Vec<f64>> {
    let size = matrix.size;
    let mut both = Matrix::zeros(2 * size);
    for row in 0..size {
        for column in 0..size {
            *both.at(row, column) = h * matrix.of(row, column);
            *both.at(size + row, size + column) = h * matrix.of(row, column);
            *both.at(row, size + column) = h * slope.of(row, column);
        }
    }
    let found = both.exponential();
    let rows = 0..size - 1;
    rows.map(|row| {
        (0..size)
            .map(|column| found.of(row, size + column))
            .collect()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::Matrix;

    /// `[F14]` The exponential of [[−a, a], [0, −b]] in closed form; rounding grows with the squarings.
    #[test]
    fn an_exponential_is_that_of_the_closed_form() {
        for (a, b) in [(0.05_f64, 0.2_f64), (1.0, 30.0), (4.0, 0.001)] {
            let mut matrix = Matrix::zeros(2);
            (*matrix.at(0, 0), *matrix.at(0, 1), *matrix.at(1, 1)) = (-a, a, -b);
            let found = matrix.exponential();
            let mixed = a * ((-a).exp() - (-b).exp()) / (b - a);
            for (place, exact) in [((0, 0), (-a).exp()), ((0, 1), mixed), ((1, 1), (-b).exp())] {
                assert!(
                    (found.of(place.0, place.1) - exact).abs() < 1e-13,
                    "{a} {b} {place:?}"
                );
            }
        }
    }
}
