//! faer's matrix product, which leaves the processor as fast as it found it.

use faer::linalg::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::Real;

/// As faer's, but with the upper halves of the wide registers cleared afterwards. Its kernels leave
/// them in use, and code for narrow registers that the thread runs next would be several times as
/// slow.
pub(crate) fn matmul<E: Real>(
    out: MatMut<'_, E>,
    accum: Accum,
    a: MatRef<'_, E>,
    b: MatRef<'_, E>,
    factor: E,
    par: Par,
) {
    matmul::matmul(out, accum, a, b, factor, par);
    clear_wide_registers();
}

/// Clears the upper halves of the wide registers after code of faer's.
pub(crate) fn clear_wide_registers() {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx") {
        // SAFETY: the processor has the instruction, and no value in those halves lives across it.
        unsafe { std::arch::x86_64::_mm256_zeroupper() }
    }
}
