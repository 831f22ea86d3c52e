//! Arithmetic on the numbers of sixteen frames in the processor's own vectors.
//!
//! The compiler would find most of these by itself, after unrolling every sum sixteen times; saying
//! them keeps builds short. `WIDTH` is one of the widths below, of which only
//! [`dispatch`](super::number::dispatch) may choose the wider ones.

use super::number::LANES;

/// What every processor has.
pub(crate) const NARROW: u8 = 0;
/// AVX2 with fused products.
pub(crate) const WIDE: u8 = 1;
/// AVX-512.
pub(crate) const WIDEST: u8 = 2;

/// Vector arithmetic of a scalar.
pub(crate) trait Vectors: Sized + Copy {
    fn add<const WIDTH: u8>(a: [Self; LANES], b: [Self; LANES]) -> [Self; LANES];
    fn sub<const WIDTH: u8>(a: [Self; LANES], b: [Self; LANES]) -> [Self; LANES];
    fn mul<const WIDTH: u8>(a: [Self; LANES], b: [Self; LANES]) -> [Self; LANES];
    fn div<const WIDTH: u8>(a: [Self; LANES], b: [Self; LANES]) -> [Self; LANES];
    fn root<const WIDTH: u8>(a: [Self; LANES]) -> [Self; LANES];
    /// a · b + c.
    fn fused<const WIDTH: u8>(
        a: [Self; LANES],
        b: [Self; LANES],
        c: [Self; LANES],
    ) -> [Self; LANES];
    /// `yes` where a < b, else `no`.
    fn less<const WIDTH: u8>(
        a: [Self; LANES],
        b: [Self; LANES],
        yes: [Self; LANES],
        no: [Self; LANES],
    ) -> [Self; LANES];
}

#[cfg(target_arch = "x86_64")]
#[allow(clippy::missing_transmute_annotations)] // The types of arrays are those of what goes in and out.
mod x86 {
    use std::arch::x86_64::*;
    use std::mem::{transmute, zeroed};

    use super::{LANES, Vectors, WIDE, WIDEST};

    /// `$of` of each vector of some arrays.
    macro_rules! each {
        ($V:ty, $n:literal, $of:path, $($x:ident),+) => {{
            $(let $x = transmute::<_, [$V; $n]>($x);)+
            let mut out: [$V; $n] = zeroed();
            for k in 0..$n {
                out[k] = $of($($x[k]),+);
            }
            transmute::<[$V; $n], _>(out)
        }};
    }

    /// A function on arrays, of the vectors that the width says.
    macro_rules! by_width {
        ($name:ident($($x:ident),+) $E:ty, $wide:ty, $n:literal, $narrow:ty, $m:literal, $widest:ty, $l:literal,
         $of_narrow:path, $of_wide:path, $of_widest:path) => {
            #[inline(always)]
            fn $name<const WIDTH: u8>($($x: [$E; LANES]),+) -> [$E; LANES] {
                // SAFETY: arrays of numbers and of vectors have the same bytes; SSE2 is always there,
                // and whoever says a greater width has made sure of it.
                unsafe {
                    match WIDTH {
                        WIDEST => each!($widest, $l, $of_widest, $($x),+),
                        WIDE => each!($wide, $n, $of_wide, $($x),+),
                        _ => each!($narrow, $m, $of_narrow, $($x),+),
                    }
                }
            }
        };
    }

    /// What no single instruction does, or not with its operands in our order.
    macro_rules! composed {
        ($narrow:ty, $wide:ty, $widest:ty, $fused4:ident, $less:ident $less4:ident $less16:ident,
         $mul4:ident $add4:ident, $compare4:ident $and4:ident $and_not4:ident $or4:ident,
         $compare:ident $blend:ident, $compare16:ident $blend16:ident) => {
            #[inline(always)]
            unsafe fn $fused4(a: $narrow, b: $narrow, c: $narrow) -> $narrow {
                // SAFETY: SSE2 is always there.
                unsafe { $add4($mul4(a, b), c) }
            }

            #[inline(always)]
            unsafe fn $less4(a: $narrow, b: $narrow, yes: $narrow, no: $narrow) -> $narrow {
                // SAFETY: SSE2 is always there.
                unsafe {
                    let mask = $compare4(a, b);
                    $or4($and4(mask, yes), $and_not4(mask, no))
                }
            }

            #[inline(always)]
            unsafe fn $less(a: $wide, b: $wide, yes: $wide, no: $wide) -> $wide {
                // SAFETY: the caller has made sure of AVX.
                unsafe { $blend(no, yes, $compare::<_CMP_LT_OQ>(a, b)) }
            }

            #[inline(always)]
            unsafe fn $less16(a: $widest, b: $widest, yes: $widest, no: $widest) -> $widest {
                // SAFETY: the caller has made sure of AVX-512.
                unsafe { $blend16($compare16::<_CMP_LT_OQ>(a, b), no, yes) }
            }
        };
    }

    composed!(__m128, __m256, __m512, fused_ps, less_256_ps less_128_ps less_512_ps,
        _mm_mul_ps _mm_add_ps, _mm_cmplt_ps _mm_and_ps _mm_andnot_ps _mm_or_ps,
        _mm256_cmp_ps _mm256_blendv_ps, _mm512_cmp_ps_mask _mm512_mask_blend_ps);
    composed!(__m128d, __m256d, __m512d, fused_pd, less_256_pd less_128_pd less_512_pd,
        _mm_mul_pd _mm_add_pd, _mm_cmplt_pd _mm_and_pd _mm_andnot_pd _mm_or_pd,
        _mm256_cmp_pd _mm256_blendv_pd, _mm512_cmp_pd_mask _mm512_mask_blend_pd);

    impl Vectors for f32 {
        by_width!(add(a, b) f32, __m256, 2, __m128, 4, __m512, 1, _mm_add_ps, _mm256_add_ps, _mm512_add_ps);
        by_width!(sub(a, b) f32, __m256, 2, __m128, 4, __m512, 1, _mm_sub_ps, _mm256_sub_ps, _mm512_sub_ps);
        by_width!(mul(a, b) f32, __m256, 2, __m128, 4, __m512, 1, _mm_mul_ps, _mm256_mul_ps, _mm512_mul_ps);
        by_width!(div(a, b) f32, __m256, 2, __m128, 4, __m512, 1, _mm_div_ps, _mm256_div_ps, _mm512_div_ps);
        by_width!(root(a) f32, __m256, 2, __m128, 4, __m512, 1, _mm_sqrt_ps, _mm256_sqrt_ps, _mm512_sqrt_ps);
        by_width!(fused(a, b, c) f32, __m256, 2, __m128, 4, __m512, 1, fused_ps, _mm256_fmadd_ps, _mm512_fmadd_ps);
        by_width!(less(a, b, yes, no) f32, __m256, 2, __m128, 4, __m512, 1, less_128_ps, less_256_ps, less_512_ps);
    }

    impl Vectors for f64 {
        by_width!(add(a, b) f64, __m256d, 4, __m128d, 8, __m512d, 2, _mm_add_pd, _mm256_add_pd, _mm512_add_pd);
        by_width!(sub(a, b) f64, __m256d, 4, __m128d, 8, __m512d, 2, _mm_sub_pd, _mm256_sub_pd, _mm512_sub_pd);
        by_width!(mul(a, b) f64, __m256d, 4, __m128d, 8, __m512d, 2, _mm_mul_pd, _mm256_mul_pd, _mm512_mul_pd);
        by_width!(div(a, b) f64, __m256d, 4, __m128d, 8, __m512d, 2, _mm_div_pd, _mm256_div_pd, _mm512_div_pd);
        by_width!(root(a) f64, __m256d, 4, __m128d, 8, __m512d, 2, _mm_sqrt_pd, _mm256_sqrt_pd, _mm512_sqrt_pd);
        by_width!(fused(a, b, c) f64, __m256d, 4, __m128d, 8, __m512d, 2, fused_pd, _mm256_fmadd_pd, _mm512_fmadd_pd);
        by_width!(less(a, b, yes, no) f64, __m256d, 4, __m128d, 8, __m512d, 2, less_128_pd, less_256_pd, less_512_pd);
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod plain {
    use std::array::from_fn;

    use super::{LANES, Vectors};

    macro_rules! vectors {
        ($E:ty) => {
            impl Vectors for $E {
                #[inline(always)]
                fn add<const WIDTH: u8>(a: [$E; LANES], b: [$E; LANES]) -> [$E; LANES] {
                    from_fn(|k| a[k] + b[k])
                }
                #[inline(always)]
                fn sub<const WIDTH: u8>(a: [$E; LANES], b: [$E; LANES]) -> [$E; LANES] {
                    from_fn(|k| a[k] - b[k])
                }
                #[inline(always)]
                fn mul<const WIDTH: u8>(a: [$E; LANES], b: [$E; LANES]) -> [$E; LANES] {
                    from_fn(|k| a[k] * b[k])
                }
                #[inline(always)]
                fn div<const WIDTH: u8>(a: [$E; LANES], b: [$E; LANES]) -> [$E; LANES] {
                    from_fn(|k| a[k] / b[k])
                }
                #[inline(always)]
                fn root<const WIDTH: u8>(a: [$E; LANES]) -> [$E; LANES] {
                    a.map(<$E>::sqrt)
                }
                #[inline(always)]
                fn fused<const WIDTH: u8>(
                    a: [$E; LANES],
                    b: [$E; LANES],
                    c: [$E; LANES],
                ) -> [$E; LANES] {
                    from_fn(|k| a[k] * b[k] + c[k])
                }
                #[inline(always)]
                fn less<const WIDTH: u8>(
                    a: [$E; LANES],
                    b: [$E; LANES],
                    yes: [$E; LANES],
                    no: [$E; LANES],
                ) -> [$E; LANES] {
                    from_fn(|k| if a[k] < b[k] { yes[k] } else { no[k] })
                }
            }
        };
    }

    vectors!(f32);
    vectors!(f64);
}
