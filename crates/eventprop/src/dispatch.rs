//! Run-time choice of the instruction set.
//!
//! The hot loops (grid solver, optimisers) are plain loops over slices that the compiler vectorises. They are
//! compiled once for the baseline and once for AVX2, and [`vectorized`] picks at run time. Both
//! perform the same additions and multiplications in the same order (no fused multiply-add, no
//! reassociation), so results do not depend on the choice.

/// A piece of work whose body is inlined into code compiled for a chosen instruction set; `run` must
/// be `#[inline(always)]`, and so must everything hot that it calls.
pub(crate) trait Kernel {
    type Output;
    fn run(self) -> Self::Output;
}

/// Runs a kernel with the widest instruction set that this processor has.
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
