//! Arithmetic on the numbers of sixteen frames in the processor's own vectors.
//!
//! The compiler would find most of these by itself, after unrolling every sum sixteen times; saying
//! them keeps builds short. `WIDE` means AVX2 with fused products, which only
//! [`dispatch`](super::number::dispatch) may choose.

use super::number::LANES;

/// Vector arithmetic of a scalar.
pub(crate) trait Vectors: Sized + Copy {
    fn add<const WIDE: bool>(a: [Self; LANES], b: [Self; LANES]) -> [Self; LANES];
    fn sub<const WIDE: bool>(a: [Self; LANES], b: [Self; LANES]) -> [Self; LANES];
    fn mul<const WIDE: bool>(a: [Self; LANES], b: [Self; LANES]) -> [Self; LANES];
    fn div<const WIDE: bool>(a: [Self; LANES], b: [Self; LANES]) -> [Self; LANES];
    fn root<const WIDE: bool>(a: [Self; LANES]) -> [Self; LANES];
    /// a · b + c.
    fn fused<const WIDE: bool>(
        a: [Self; LANES],
        b: [Self; LANES],
        c: [Self; LANES],
    ) -> [Self; LANES];
    /// `yes` where a < b, else `no`.
    fn less<const WIDE: bool>(
        a: [Self; LANES],
        b: [Self; LANES],
        yes: [Self; LANES],
        no: [Self; LANES],
    ) -> [Self; LANES];
}

#[cfg(target_arch = "x86_64")]
#[allow(clippy::missing_transmute_annotations)] // The macro says the types beside them.
mod x86 {
    use std::arch::x86_64::*;
    use std::mem::transmute;

    use super::{LANES, Vectors};

    macro_rules! binary {
        ($name:ident $E:ty, $wide:ty, $n:literal, $narrow:ty, $m:literal, $of_wide:ident, $of_narrow:ident) => {
            #[inline(always)]
            fn $name<const WIDE: bool>(a: [$E; LANES], b: [$E; LANES]) -> [$E; LANES] {
                // SAFETY: arrays of numbers and of vectors have the same bytes; SSE2 is always there,
                // and whoever says WIDE has made sure of AVX2.
                unsafe {
                    if WIDE {
                        let (a, b): ([$wide; $n], [$wide; $n]) = (transmute(a), transmute(b));
                        let mut out = a;
                        for k in 0..$n {
                            out[k] = $of_wide(a[k], b[k]);
                        }
                        transmute(out)
                    } else {
                        let (a, b): ([$narrow; $m], [$narrow; $m]) = (transmute(a), transmute(b));
                        let mut out = a;
                        for k in 0..$m {
                            out[k] = $of_narrow(a[k], b[k]);
                        }
                        transmute(out)
                    }
                }
            }
        };
    }

    macro_rules! vectors {
        ($E:ty, $wide:ty, $n:literal, $narrow:ty, $m:literal,
         $add:ident $add4:ident, $sub:ident $sub4:ident, $mul:ident $mul4:ident, $div:ident $div4:ident,
         $root:ident $root4:ident, $fused:ident, $compare:ident $blend:ident,
         $less4:ident $and4:ident $and_not4:ident $or4:ident) => {
            impl Vectors for $E {
                binary!(add $E, $wide, $n, $narrow, $m, $add, $add4);
                binary!(sub $E, $wide, $n, $narrow, $m, $sub, $sub4);
                binary!(mul $E, $wide, $n, $narrow, $m, $mul, $mul4);
                binary!(div $E, $wide, $n, $narrow, $m, $div, $div4);

                #[inline(always)]
                fn root<const WIDE: bool>(a: [$E; LANES]) -> [$E; LANES] {
                    // SAFETY: as in the functions of two operands.
                    unsafe {
                        if WIDE {
                            let mut out: [$wide; $n] = transmute(a);
                            for k in 0..$n {
                                out[k] = $root(out[k]);
                            }
                            transmute(out)
                        } else {
                            let mut out: [$narrow; $m] = transmute(a);
                            for k in 0..$m {
                                out[k] = $root4(out[k]);
                            }
                            transmute(out)
                        }
                    }
                }

                #[inline(always)]
                fn fused<const WIDE: bool>(
                    a: [$E; LANES],
                    b: [$E; LANES],
                    c: [$E; LANES],
                ) -> [$E; LANES] {
                    if !WIDE {
                        return Self::add::<false>(Self::mul::<false>(a, b), c);
                    }
                    // SAFETY: as in the functions of two operands.
                    unsafe {
                        let (a, b): ([$wide; $n], [$wide; $n]) = (transmute(a), transmute(b));
                        let mut out: [$wide; $n] = transmute(c);
                        for k in 0..$n {
                            out[k] = $fused(a[k], b[k], out[k]);
                        }
                        transmute(out)
                    }
                }

                #[inline(always)]
                fn less<const WIDE: bool>(
                    a: [$E; LANES],
                    b: [$E; LANES],
                    yes: [$E; LANES],
                    no: [$E; LANES],
                ) -> [$E; LANES] {
                    // SAFETY: as in the functions of two operands.
                    unsafe {
                        if WIDE {
                            let (a, b): ([$wide; $n], [$wide; $n]) = (transmute(a), transmute(b));
                            let (yes, mut out): ([$wide; $n], [$wide; $n]) =
                                (transmute(yes), transmute(no));
                            for k in 0..$n {
                                out[k] = $blend(out[k], yes[k], $compare::<_CMP_LT_OQ>(a[k], b[k]));
                            }
                            transmute(out)
                        } else {
                            let (a, b): ([$narrow; $m], [$narrow; $m]) =
                                (transmute(a), transmute(b));
                            let (yes, mut out): ([$narrow; $m], [$narrow; $m]) =
                                (transmute(yes), transmute(no));
                            for k in 0..$m {
                                let mask = $less4(a[k], b[k]);
                                out[k] = $or4($and4(mask, yes[k]), $and_not4(mask, out[k]));
                            }
                            transmute(out)
                        }
                    }
                }
            }
        };
    }

    vectors!(f32, __m256, 2, __m128, 4,
        _mm256_add_ps _mm_add_ps, _mm256_sub_ps _mm_sub_ps, _mm256_mul_ps _mm_mul_ps,
        _mm256_div_ps _mm_div_ps, _mm256_sqrt_ps _mm_sqrt_ps, _mm256_fmadd_ps,
        _mm256_cmp_ps _mm256_blendv_ps, _mm_cmplt_ps _mm_and_ps _mm_andnot_ps _mm_or_ps);
    vectors!(f64, __m256d, 4, __m128d, 8,
        _mm256_add_pd _mm_add_pd, _mm256_sub_pd _mm_sub_pd, _mm256_mul_pd _mm_mul_pd,
        _mm256_div_pd _mm_div_pd, _mm256_sqrt_pd _mm_sqrt_pd, _mm256_fmadd_pd,
        _mm256_cmp_pd _mm256_blendv_pd, _mm_cmplt_pd _mm_and_pd _mm_andnot_pd _mm_or_pd);
}

#[cfg(not(target_arch = "x86_64"))]
mod plain {
    use std::array::from_fn;

    use super::{LANES, Vectors};

    macro_rules! vectors {
        ($E:ty) => {
            impl Vectors for $E {
                #[inline(always)]
                fn add<const WIDE: bool>(a: [$E; LANES], b: [$E; LANES]) -> [$E; LANES] {
                    from_fn(|k| a[k] + b[k])
                }
                #[inline(always)]
                fn sub<const WIDE: bool>(a: [$E; LANES], b: [$E; LANES]) -> [$E; LANES] {
                    from_fn(|k| a[k] - b[k])
                }
                #[inline(always)]
                fn mul<const WIDE: bool>(a: [$E; LANES], b: [$E; LANES]) -> [$E; LANES] {
                    from_fn(|k| a[k] * b[k])
                }
                #[inline(always)]
                fn div<const WIDE: bool>(a: [$E; LANES], b: [$E; LANES]) -> [$E; LANES] {
                    from_fn(|k| a[k] / b[k])
                }
                #[inline(always)]
                fn root<const WIDE: bool>(a: [$E; LANES]) -> [$E; LANES] {
                    a.map(<$E>::sqrt)
                }
                #[inline(always)]
                fn fused<const WIDE: bool>(
                    a: [$E; LANES],
                    b: [$E; LANES],
                    c: [$E; LANES],
                ) -> [$E; LANES] {
                    from_fn(|k| a[k] * b[k] + c[k])
                }
                #[inline(always)]
                fn less<const WIDE: bool>(
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
