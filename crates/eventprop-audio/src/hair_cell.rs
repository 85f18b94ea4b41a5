//! Inner hair cells: from the motion of the membrane to the probability that a nerve fibre is excited.
//!
//! The pool model of Meddis (1986, 1988) with the constants of Meddis, Hewitt & Shackleton (1990), by
//! forward Euler with one step per sample. Cells do not interact, so eight go together.

use super::LANES;

/// The constants of a hair cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HairCell {
    /// A, permeability, in units of the membrane's velocity.
    pub permeability_a: f64,
    /// B, permeability, in units of the membrane's velocity.
    pub permeability_b: f64,
    /// g, release, in s⁻¹.
    pub release: f64,
    /// y, replenishment, in s⁻¹.
    pub replenishment: f64,
    /// l, loss from the cleft, in s⁻¹.
    pub loss: f64,
    /// r, re-uptake, in s⁻¹.
    pub reuptake: f64,
    /// x, reprocessing, in s⁻¹.
    pub reprocessing: f64,
    /// H, firing rate per transmitter in the cleft, in s⁻¹.
    pub firing: f64,
    /// M, the most transmitter in the free pool.
    pub pool_max: f64,
}

/// Fractions of the transmitter: free, in the cleft and in reprocessing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pools {
    /// q
    pub free: f64,
    /// c
    pub cleft: f64,
    /// w
    pub reprocessed: f64,
}

impl HairCell {
    /// `[E12]` The pools in silence.
    pub fn rest(&self) -> Pools {
        let Self {
            permeability_a,
            permeability_b,
            release,
            replenishment,
            loss,
            reuptake,
            reprocessing,
            pool_max,
            ..
        } = *self;
        let k = release * permeability_a / (permeability_a + permeability_b);
        let cleft = pool_max * replenishment * k / (loss * k + replenishment * (loss + reuptake));
        Pools {
            free: cleft * (loss + reuptake) / k,
            cleft,
            reprocessed: cleft * reuptake / reprocessing,
        }
    }

    /// Turns velocities into probabilities, in place: `motion[t][lane]` becomes the probability that a fibre of
    /// that cell is excited in sample t. Samples are `dt` seconds apart; the cells start at rest.
    pub fn respond(&self, motion: &mut [[f64; LANES]], dt: f64) {
        let rest = self.rest();
        let mut q = [rest.free; LANES];
        let mut c = [rest.cleft; LANES];
        let mut w = [rest.reprocessed; LANES];
        for row in motion {
            for lane in 0..LANES {
                let pools = Pools {
                    free: q[lane],
                    cleft: c[lane],
                    reprocessed: w[lane],
                };
                let next = self.step(pools, row[lane], dt);
                (q[lane], c[lane], w[lane]) = (next.free, next.cleft, next.reprocessed);
                // [E14] p = H dt c
                row[lane] = self.firing * dt * next.cleft;
            }
        }
    }

    /// One step of `[E13]`, every right-hand side from the old pools.
    #[inline(always)]
    fn step(&self, pools: Pools, velocity: f64, dt: f64) -> Pools {
        let Pools {
            free: q,
            cleft: c,
            reprocessed: w,
        } = pools;
        // [E13] k = g dt (b + A)/(b + A + B) if b + A > 0, else 0
        let opened = velocity + self.permeability_a;
        let k = self.release * dt * opened / (opened + self.permeability_b);
        let k = if opened > 0.0 { k } else { 0.0 };
        // [E13] q⁺ = max(0, q + [q < M] y dt (M − q) − k q + x dt w)
        let refill = self.replenishment * dt * (self.pool_max - q);
        let refill = if q < self.pool_max { refill } else { 0.0 };
        let regained = self.reprocessing * dt * w;
        let free = q + refill - k * q + regained;
        // [E13] c⁺ = max(0, c + k q − (l + r) dt c)
        let cleft = c + k * q - (self.loss + self.reuptake) * dt * c;
        // [E13] w⁺ = max(0, w + r dt c − x dt w)
        let reprocessed = w + self.reuptake * dt * c - regained;
        Pools {
            free: free.max(0.0),
            cleft: cleft.max(0.0),
            reprocessed: reprocessed.max(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;

    /// `[E12]`, [E14] The rest is where the step stays, up to rounding, and its rate is as published: p to five digits,
    /// 64.8 events/s.
    #[test]
    fn silence_changes_nothing() {
        let cell = Preset::Shd.settings().hair_cell;
        let rest = cell.rest();
        assert!((cell.firing * rest.cleft - 64.8).abs() < 0.05, "{rest:?}");
        let dt = 1.0 / 24_000.0;
        let mut motion = vec![[0.0; LANES]; 1000];
        cell.respond(&mut motion, dt);
        for row in motion {
            assert_eq!(row, [row[0]; LANES]);
            assert!((row[0] - cell.firing * dt * rest.cleft).abs() < 1e-15);
            assert!((row[0] - 0.002_698_7).abs() < 5e-8);
        }
    }

    /// `[E13]` by hand: a velocity of −A or less closes the membrane, so the cleft only loses.
    #[test]
    fn a_closed_membrane_releases_nothing() {
        let cell = Preset::Shd.settings().hair_cell;
        let dt = 1.0 / 24_000.0;
        let rest = cell.rest();
        let mut motion = vec![[-5.0; LANES]; 1];
        cell.respond(&mut motion, dt);
        let expected = cell.firing * dt * (rest.cleft * (1.0 - (2500.0 + 6580.0) * dt));
        assert!((motion[0][3] - expected).abs() < 1e-17, "{}", motion[0][3]);
    }

    /// The clamps of [E13] hold the pools at 0 where the step is too long for the constants.
    #[test]
    fn long_steps_leave_no_negative_pool() {
        let cell = Preset::Shd.settings().hair_cell;
        let mut motion: Vec<[f64; LANES]> = (0..500)
            .map(|t| [if t % 2 == 0 { 80.0 } else { -80.0 }; LANES])
            .collect();
        cell.respond(&mut motion, 1.0 / 4000.0);
        let p = motion.as_flattened();
        assert!(p.iter().all(|p| *p >= 0.0) && p.contains(&0.0));
    }
}
