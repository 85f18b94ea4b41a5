//! The membrane's response as cubic polynomials of the frequency, for the fast mode.
//!
//! The closed form costs some 300 ns a value, and a second of sound needs eight million of them. The response of
//! every place has about the same shape over the logarithm of the frequency, so a few hundred cubics per channel
//! give it for every length and rate of sound.

use num_complex::{Complex32, Complex64};
use rayon::prelude::*;

use super::membrane::Membrane;

/// Intervals up to a place's resonance.
const INTERVALS: f64 = 256.0;
/// Below this part of the peak the response is left out.
const NEGLIGIBLE: f64 = 1e-7;
/// No sound that is taken has more.
const FREQUENCY_MAX_HZ: f64 = 500_000.0;

/// The responses of all channels.
#[derive(Debug)]
pub(crate) struct ResponseTable {
    channels: Vec<Response>,
}

/// The response of one place.
#[derive(Debug)]
pub(crate) struct Response {
    spacing_hz: f64,
    /// Coefficients for t⁰ to t³ of interval j, where f = spacing (j + t).
    cubics: Vec<[Complex32; 4]>,
}

impl ResponseTable {
    /// Tabulates the membrane at the places of all channels.
    pub(crate) fn new(membrane: &Membrane, channels: usize) -> Self {
        let response = |channel| Response::new(membrane, membrane.place(channel, channels));
        Self {
            channels: (0..channels).into_par_iter().map(response).collect(),
        }
    }

    /// The response of a channel, if there is such a channel.
    pub(crate) fn channel(&self, channel: usize) -> Option<&Response> {
        self.channels.get(channel)
    }
}

impl Response {
    fn new(membrane: &Membrane, place: f64) -> Self {
        let resonance = membrane.resonance_hz(place).max(1.0);
        let spacing_hz = resonance / INTERVALS;
        let zero = Complex64::new(0.0, 0.0);
        // The response vanishes at 0 Hz, where the closed form cannot be computed; before it stands 0 too.
        let mut values = vec![zero, zero];
        let mut peak = 0.0_f64;
        loop {
            let frequency = spacing_hz * (values.len() - 1) as f64;
            let velocity = membrane.velocity(place, frequency);
            let size = velocity.norm();
            peak = peak.max(size);
            values.push(velocity);
            let over = frequency > 1.5 * resonance && size < NEGLIGIBLE * peak;
            if over || frequency > FREQUENCY_MAX_HZ {
                break;
            }
        }
        values.extend([zero, zero]);
        let cubics = values
            .windows(4)
            .map(|four| cubic([four[0], four[1], four[2], four[3]]));
        Self {
            spacing_hz,
            cubics: cubics.collect(),
        }
    }

    /// End of the response in Hz.
    pub(crate) fn end_hz(&self) -> f64 {
        self.spacing_hz * (self.cubics.len() - 1) as f64
    }

    /// Intervals per Hz.
    pub(crate) fn per_hz(&self) -> f64 {
        1.0 / self.spacing_hz
    }

    /// The response at `position` intervals above 0 Hz, before [`Self::end_hz`].
    #[inline(always)]
    pub(crate) fn at(&self, position: f64) -> Complex32 {
        let interval = position as usize;
        let t = (position - interval as f64) as f32;
        let [a, b, c, d] = self.cubics[interval];
        a + (b + (c + d * t) * t) * t
    }
}

/// The cubic through the values at −1, 0, 1 and 2.
fn cubic([before, a, b, after]: [Complex64; 4]) -> [Complex32; 4] {
    let coefficients = [
        a,
        b - a * 0.5 - before / 3.0 - after / 6.0,
        (before + b) * 0.5 - a,
        (after - before) / 6.0 + (a - b) * 0.5,
    ];
    coefficients.map(|z| Complex32::new(z.re as f32, z.im as f32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;

    /// A cubic is met exactly, up to the rounding of f32.
    #[test]
    fn a_cubic_is_its_own_interpolation() {
        let f = |t: f64| Complex64::new(1.0 + t * (2.0 - t * (0.5 + t)), t * t * t - t);
        let coefficients = cubic([f(-1.0), f(0.0), f(1.0), f(2.0)]);
        let expected = [(1.0, 0.0), (2.0, -1.0), (-0.5, 0.0), (-1.0, 1.0)];
        for (found, (re, im)) in coefficients.into_iter().zip(expected) {
            assert!((found - Complex32::new(re, im)).norm() < 1e-6, "{found}");
        }
    }

    /// The error of a cubic between its two middle values is 3/128 of the fourth difference, here half as much again for
    /// its change within the interval; f32 and the end of the table add 1e-6 of the peak. In the first interval the
    /// value before 0 Hz is taken for 0 instead of one as large as the first, v₁; its weight in the cubic,
    /// t (t − 1)(t − 2)/6, is at most 0.065.
    #[test]
    fn the_table_is_the_membrane() {
        let membrane = Preset::Shd.settings().membrane;
        for channel in [0, 1, 50, 240, 400, 600, 699] {
            let place = membrane.place(channel, 700);
            let response = Response::new(&membrane, place);
            let spacing = response.spacing_hz;
            let mut values = vec![Complex64::new(0.0, 0.0)];
            values.extend((1..500).map(|j| membrane.velocity(place, spacing * f64::from(j))));
            let peak = values.iter().fold(0.0, |peak: f64, v| peak.max(v.norm()));
            let fourth = values
                .windows(5)
                .map(|v| (v[0] + v[4] - (v[1] + v[3]) * 4.0 + v[2] * 6.0).norm())
                .fold(0.0, f64::max);
            let cubic = 1.5 * 3.0 / 128.0 * fourth;
            assert!(cubic < 2e-5 * peak, "{channel}: {}", cubic / peak);
            for i in 1..4000 {
                let frequency = 0.37 * f64::from(i) * spacing * INTERVALS / 1000.0;
                let found = if frequency < response.end_hz() {
                    response.at(frequency * response.per_hz())
                } else {
                    Complex32::new(0.0, 0.0)
                };
                let found = Complex64::new(f64::from(found.re), f64::from(found.im));
                let error = (found - membrane.velocity(place, frequency)).norm();
                let in_first = if frequency < spacing { 0.065 } else { 0.0 };
                let allowed = cubic + 1e-6 * peak + in_first * values[1].norm();
                assert!(
                    error < allowed,
                    "channel {channel}, {frequency} Hz: {error} of {allowed}"
                );
            }
        }
    }
}
