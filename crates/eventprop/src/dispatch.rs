//! Run-time choice of the instruction set.
//!
//! The hot loops (grid solver, optimisers) are plain loops over slices that the compiler vectorises. They are
//! compiled once for the baseline and once for AVX2, some also for AVX-512, and [`vectorized`] and
//! [`vectorized_wide`] pick at run time. All perform the same additions and multiplications in the same order (no
//! fused multiply-add, no reassociation), so results do not depend on the choice.

/// A piece of work whose body is inlined into code compiled for a chosen instruction set; `run` must
/// be `#[inline(always)]`, and so must everything hot that it calls.
pub(crate) trait Kernel {
    type Output;
    fn run(self) -> Self::Output;
}

/// The instruction sets beyond the baseline, from the narrower vectors to the wider ones.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
enum Wider {
    Avx2 = 1,
    Avx512 = 2,
}

#[cfg(target_arch = "x86_64")]
impl Wider {
    /// True if this processor has it (and a test allows it).
    #[inline]
    fn is_there(self) -> bool {
        #[cfg(test)]
        if self as u8 > tests::WIDEST.load(std::sync::atomic::Ordering::Relaxed) {
            return false;
        }
        match self {
            Self::Avx2 => std::arch::is_x86_feature_detected!("avx2"),
            Self::Avx512 => std::arch::is_x86_feature_detected!("avx512f"),
        }
    }
}

/// Runs a kernel with AVX2 where this processor has it.
#[inline]
pub(crate) fn vectorized<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if Wider::Avx2.is_there() {
        #[allow(unsafe_code)]
        // SAFETY: the processor has just been found to have AVX2, which is all that `run_avx2` needs.
        return unsafe { run_avx2(kernel) };
    }
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

/// Runs a kernel with AVX-512 where this processor has it, and as [`vectorized`] does elsewhere. Not all kernels gain:
/// `docs/performance.md` says what was measured.
#[inline]
pub(crate) fn vectorized_wide<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if Wider::Avx512.is_there() {
        #[allow(unsafe_code)]
        // SAFETY: the processor has just been found to have AVX-512F, which is all that `run_avx512` needs.
        return unsafe { run_avx512(kernel) };
    }
    vectorized(kernel)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(test)]
#[allow(
    clippy::print_stdout,
    reason = "what this machine cannot test is shown with --nocapture"
)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;
    use crate::loss::Loss;
    use crate::network::{Clock, Init, Li, Lif, Network};
    use crate::optim::{Adam, Optimizer};
    use crate::params::Params;
    use crate::solver::grid::Grid;
    use crate::spikes::{Batch, SpikeTrain};
    use crate::train::{Plan, Session};

    /// The widest instruction set that kernels may use, as a number of [`Wider`]; 0 is the baseline. Tests that run at the
    /// same time get the same bits, whatever it is.
    pub(super) static WIDEST: AtomicU8 = AtomicU8::new(u8::MAX);

    /// Weights after three batches, bit by bit: recurrent, with rows of 520 columns, for which the widest vectors are
    /// used, and of 3, which fill none.
    fn trained() -> Vec<u32> {
        let mut network = Network::new(Clock::new(1.0, 30.0).unwrap());
        let input = network.add_input("input", 5);
        let hidden = network.add_lif("hidden", 520, Lif::new(20.0, 5.0));
        let output = network.add_li("output", 3, Li::new(20.0, 5.0));
        let normal = |mean, std| Init::Normal { mean, std };
        network.connect(input, hidden, normal(3.0, 1.0));
        network.connect(hidden, hidden, normal(0.0, 0.05));
        network.connect(hidden, output, normal(0.0, 0.1));
        let train = |first: u32| {
            let spikes = (0..5).map(|n| (f64::from(n), (n + first) % 5));
            let (times, neurons) = spikes.unzip();
            SpikeTrain::new(times, neurons).unwrap()
        };
        let batch = Batch::new((0..3).map(train).collect(), vec![0, 1, 2]).unwrap();
        let params = Params::<f32>::init(&network, 1).unwrap();
        let plan = Plan::new(
            Loss::Max,
            Optimizer::Adam(Adam::new(&params, 0.9, 0.999, 1e-8)),
        );
        let mut session = Session::new(Grid::<f32>::new(&network).unwrap(), params, plan).unwrap();
        for _ in 0..3 {
            session.train_batch(&batch, None, 0.01).unwrap();
        }
        let values = session.params.values().iter();
        values.map(|value| value.to_bits()).collect()
    }

    /// Refutes fused or reordered sums in any hot loop of a training step.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn training_gives_the_same_bits_with_every_instruction_set() {
        WIDEST.store(0, Ordering::Relaxed);
        let baseline = trained();
        for set in [Wider::Avx2, Wider::Avx512] {
            WIDEST.store(set as u8, Ordering::Relaxed);
            if set.is_there() {
                assert!(trained() == baseline, "{set:?} gives other bits than SSE2");
            } else {
                println!("skipped: this processor has no {set:?}");
            }
        }
        WIDEST.store(u8::MAX, Ordering::Relaxed);
    }

    /// `y − a Σ x`, row by row: what could be fused or reordered.
    struct Subtract<'a> {
        y: &'a mut [f32],
        a: f32,
        rows: &'a [f32],
    }

    impl Kernel for Subtract<'_> {
        type Output = ();

        #[inline(always)]
        fn run(self) {
            for row in self.rows.chunks_exact(self.y.len()) {
                for (y, x) in self.y.iter_mut().zip(row) {
                    *y -= self.a * *x;
                }
            }
        }
    }

    #[test]
    fn results_do_not_depend_on_the_instruction_set() {
        let rows: Vec<f32> = (0..5 * 67).map(|n| (n as f32 * 0.37).sin()).collect();
        let of = |run: fn(Subtract<'_>)| {
            let mut y = vec![0.1; 67];
            let (a, rows) = (1.0 / 3.0, &rows[..]);
            run(Subtract { y: &mut y, a, rows });
            y
        };
        let plain = of(|kernel| kernel.run());
        assert_eq!(of(|kernel| vectorized(kernel)), plain);
        assert_eq!(of(|kernel| vectorized_wide(kernel)), plain);
    }
}
