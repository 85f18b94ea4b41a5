//! Steps of the searches for a crossing: iterations take the root of the parabola that touches the function,
//! and stay inside a bracket.

/// Bound on the iterations of a search. The parabola steps need two to five; 64 halvings alone
/// exhaust the digits of a bracket.
pub(super) const ITERATIONS_MAX: u32 = 64;

/// The step to the nearest root of the parabola with this value, slope and curvature; Newton's step
/// where the parabola has none.
#[inline(always)]
pub(super) fn parabola_step(value: f64, slope: f64, curvature: f64) -> f64 {
    let discriminant = slope * slope - 2.0 * value * curvature;
    let (rise, run) = if discriminant < 0.0 {
        (-value, slope)
    } else {
        (-2.0 * value, slope + discriminant.sqrt())
    };
    rise / run
}

/// `next`, or the middle of the bracket when `next` is not inside it (or not a number).
#[inline(always)]
pub(super) fn inside(next: f64, low: f64, high: f64) -> f64 {
    if next >= low && next <= high {
        next
    } else {
        0.5 * (low + high)
    }
}
