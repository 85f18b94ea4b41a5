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

/// Runs a kernel with AVX2 where this processor has it.
#[inline]
pub(crate) fn vectorized<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
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
    if std::arch::is_x86_feature_detected!("avx512f") {
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
mod tests {
    use super::*;

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
