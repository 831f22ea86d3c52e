//! The numbers that operations are written over: those of one frame, or of sixteen frames at once.

use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use num_traits::{One, Zero};

use super::Scalar;
use super::vectors::{NARROW, Vectors};
#[cfg(target_arch = "x86_64")]
use super::vectors::{WIDE, WIDEST};

/// Frames that go through an operation together, whatever the machine.
pub(crate) const LANES: usize = 16;

/// A number of the graph's precision, or the same number of [`LANES`] frames.
///
/// There is no order: what depends on a comparison is computed both ways and chosen by
/// [`Number::less`], so that every lane goes the same way through the code.
pub(crate) trait Number:
    Copy
    + Send
    + Sync
    + 'static
    + Zero
    + One
    + Sub<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
{
    type Scalar: Scalar;

    /// Frames that it holds numbers of.
    const FRAMES: usize;

    /// Whether the processor's registers hold four sums of them and what is added.
    const FOUR_FIT: bool = true;

    /// The number of one frame.
    fn lane(&self, k: usize) -> Self::Scalar;

    fn set_lane(&mut self, k: usize, x: Self::Scalar);

    fn splat(x: Self::Scalar) -> Self;

    /// Numbers of frames, those of a number side by side, as numbers.
    fn of_scalars(row: &mut [Self::Scalar]) -> &mut [Self];

    /// From the numbers of all its frames.
    #[inline(always)]
    fn load(x: &[Self::Scalar]) -> Self {
        let mut out = Self::zero();
        for (k, x) in x.iter().enumerate() {
            out.set_lane(k, *x);
        }
        out
    }

    fn map(self, f: impl Fn(Self::Scalar) -> Self::Scalar) -> Self;

    fn zip(self, other: Self, f: impl Fn(Self::Scalar, Self::Scalar) -> Self::Scalar) -> Self;

    /// `f` of each frame's own numbers, one frame after the other.
    fn gather<const N: usize, const M: usize>(
        x: [Self; N],
        f: impl Fn([Self::Scalar; N]) -> [Self::Scalar; M],
    ) -> [Self; M];

    /// self · a + b, with one rounding where the processor has the instruction.
    fn fused(self, a: Self, b: Self) -> Self;

    /// `yes` where self < bound, else `no`, also where either is NaN.
    fn less(self, bound: Self, yes: Self, no: Self) -> Self;

    fn root(self) -> Self;

    /// `f` as a function of its own, compiled for the same instructions: what is long and called in
    /// many places would otherwise be copied into all of them.
    fn apart<R>(f: impl FnOnce() -> R) -> R {
        f()
    }

    #[inline(always)]
    fn of(x: f64) -> Self {
        Self::splat(Self::Scalar::nearest(x))
    }

    /// The larger of both; the bound where self is NaN.
    #[inline(always)]
    fn at_least(self, bound: Self) -> Self {
        bound.less(self, self, bound)
    }

    #[inline(always)]
    fn magnitude(self) -> Self {
        self.less(Self::zero(), -self, self)
    }

    #[inline(always)]
    fn square(self) -> Self {
        self * self
    }

    /// Sine and cosine to a rounding or two, for angles of up to some thousand turns; NaN goes through.
    ///
    /// The angle is taken to [-π/4, π/4] in three parts and the polynomials are Cephes's (Moshier 1989).
    #[inline(always)]
    fn sin_cos(self) -> (Self, Self) {
        let quarters = round(self * Self::of(std::f64::consts::FRAC_2_PI));
        let [a, b, c] = Self::Scalar::QUARTER;
        let (a, b, c) = (Self::of(a), Self::of(b), Self::of(c));
        let x = (-quarters).fused(c, (-quarters).fused(b, (-quarters).fused(a, self)));
        let s = x * x;
        let sine = horner(s, Self::Scalar::SINE).fused(s * x, x);
        let half = Self::one() - Self::of(0.5) * s;
        let cosine = horner(s, Self::Scalar::COSINE).fused(s * s, half);
        // Which quarter of the circle: −2 to 2.
        let which = quarters - Self::of(4.0) * round(quarters * Self::of(0.25));
        (turned(which, sine, cosine), turned(which, cosine, -sine))
    }
}

/// The nearest whole number.
#[inline(always)]
fn round<T: Number>(x: T) -> T {
    let whole = T::splat(T::Scalar::WHOLE);
    (x + whole) - whole
}

/// A sine or cosine in a quarter of the circle from those of the first one.
#[inline(always)]
fn turned<T: Number>(which: T, even: T, odd: T) -> T {
    let size = which.magnitude();
    let even = size.less(T::of(1.5), even, -even);
    let odd = which.less(T::zero(), -odd, odd);
    size.less(T::of(0.5), even, size.less(T::of(1.5), odd, even))
}

#[inline(always)]
fn horner<T: Number>(s: T, coefficients: &[f64]) -> T {
    let rest = coefficients.iter().skip(1);
    rest.fold(T::of(coefficients[0]), |sum, c| sum.fused(s, T::of(*c)))
}

macro_rules! single {
    ($E:ty) => {
        impl Number for $E {
            type Scalar = $E;
            const FRAMES: usize = 1;
            #[inline(always)]
            fn lane(&self, _: usize) -> $E {
                *self
            }
            #[inline(always)]
            fn set_lane(&mut self, _: usize, x: $E) {
                *self = x;
            }
            #[inline(always)]
            fn splat(x: $E) -> Self {
                x
            }
            #[inline(always)]
            fn of_scalars(row: &mut [$E]) -> &mut [$E] {
                row
            }
            #[inline(always)]
            fn map(self, f: impl Fn($E) -> $E) -> Self {
                f(self)
            }
            #[inline(always)]
            fn zip(self, other: Self, f: impl Fn($E, $E) -> $E) -> Self {
                f(self, other)
            }
            #[inline(always)]
            fn gather<const N: usize, const M: usize>(
                x: [Self; N],
                f: impl Fn([$E; N]) -> [$E; M],
            ) -> [Self; M] {
                f(x)
            }
            #[inline(always)]
            fn fused(self, a: Self, b: Self) -> Self {
                self * a + b
            }
            #[inline(always)]
            fn less(self, bound: Self, yes: Self, no: Self) -> Self {
                if self < bound { yes } else { no }
            }
            #[inline(always)]
            fn root(self) -> Self {
                self.sqrt()
            }
        }
    };
}

single!(f32);
single!(f64);

/// The numbers of [`LANES`] frames, in vectors of a width.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct Lanes<E, const WIDTH: u8>(pub [E; LANES]);

impl<E: Scalar, const WIDTH: u8> Lanes<E, WIDTH> {
    /// A row of numbers, [`LANES`] for each of its components, as lanes.
    #[inline(always)]
    pub fn of_row(row: &[E]) -> &[Self] {
        let count = row.len() / LANES;
        // SAFETY: `Lanes` is transparent over an array of its scalars, and `count` of them fit.
        unsafe { std::slice::from_raw_parts(row.as_ptr().cast(), count) }
    }

    #[inline(always)]
    pub fn of_row_mut(row: &mut [E]) -> &mut [Self] {
        let count = row.len() / LANES;
        // SAFETY: as in `of_row`.
        unsafe { std::slice::from_raw_parts_mut(row.as_mut_ptr().cast(), count) }
    }
}

macro_rules! lanewise {
    ($trait:ident $name:ident) => {
        impl<E: Scalar, const WIDTH: u8> $trait for Lanes<E, WIDTH> {
            type Output = Self;
            #[inline(always)]
            fn $name(self, other: Self) -> Self {
                Self(<E as Vectors>::$name::<WIDTH>(self.0, other.0))
            }
        }
    };
}

lanewise!(Add add);
lanewise!(Sub sub);
lanewise!(Mul mul);
lanewise!(Div div);

impl<E: Scalar, const WIDTH: u8> Neg for Lanes<E, WIDTH> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self::splat(-E::zero()) - self
    }
}

impl<E: Scalar, const WIDTH: u8> Zero for Lanes<E, WIDTH> {
    #[inline(always)]
    fn zero() -> Self {
        Self([E::zero(); LANES])
    }

    fn is_zero(&self) -> bool {
        self.0.iter().all(E::is_zero)
    }
}

impl<E: Scalar, const WIDTH: u8> One for Lanes<E, WIDTH> {
    #[inline(always)]
    fn one() -> Self {
        Self([E::one(); LANES])
    }
}

impl<E: Scalar, const WIDTH: u8> AddAssign for Lanes<E, WIDTH> {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl<E: Scalar, const WIDTH: u8> SubAssign for Lanes<E, WIDTH> {
    #[inline(always)]
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl<E: Scalar, const WIDTH: u8> MulAssign for Lanes<E, WIDTH> {
    #[inline(always)]
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

impl<E: Scalar, const WIDTH: u8> Number for Lanes<E, WIDTH> {
    type Scalar = E;
    const FRAMES: usize = LANES;

    const FOUR_FIT: bool = size_of::<E>() * LANES
        <= match WIDTH {
            WIDEST => 128,
            WIDE => 64,
            _ => 32,
        };

    #[inline(always)]
    fn lane(&self, k: usize) -> E {
        self.0[k]
    }

    #[inline(always)]
    fn set_lane(&mut self, k: usize, x: E) {
        self.0[k] = x;
    }

    #[inline(always)]
    fn splat(x: E) -> Self {
        Self([x; LANES])
    }

    #[inline(always)]
    fn of_scalars(row: &mut [E]) -> &mut [Self] {
        Self::of_row_mut(row)
    }

    #[inline(always)]
    fn map(mut self, f: impl Fn(E) -> E) -> Self {
        for k in 0..LANES {
            self.0[k] = f(self.0[k]);
        }
        self
    }

    #[inline(always)]
    fn zip(mut self, other: Self, f: impl Fn(E, E) -> E) -> Self {
        for k in 0..LANES {
            self.0[k] = f(self.0[k], other.0[k]);
        }
        self
    }

    #[inline(always)]
    fn gather<const N: usize, const M: usize>(
        x: [Self; N],
        f: impl Fn([E; N]) -> [E; M],
    ) -> [Self; M] {
        let mut out = [Self::zero(); M];
        for k in 0..LANES {
            for (to, from) in out.iter_mut().zip(f(x.map(|x| x.0[k]))) {
                to.0[k] = from;
            }
        }
        out
    }

    #[inline(always)]
    fn fused(self, a: Self, b: Self) -> Self {
        Self(<E as Vectors>::fused::<WIDTH>(self.0, a.0, b.0))
    }

    #[inline(always)]
    fn less(self, bound: Self, yes: Self, no: Self) -> Self {
        Self(<E as Vectors>::less::<WIDTH>(self.0, bound.0, yes.0, no.0))
    }

    #[inline(always)]
    fn apart<R>(f: impl FnOnce() -> R) -> R {
        match WIDTH {
            // SAFETY: only `dispatch` makes wide lanes, and only where the processor has them.
            #[cfg(target_arch = "x86_64")]
            WIDEST => unsafe { apart_widest(f) },
            #[cfg(target_arch = "x86_64")]
            WIDE => unsafe { apart_wide(f) },
            _ => apart(f),
        }
    }

    #[inline(always)]
    fn root(self) -> Self {
        Self(<E as Vectors>::root::<WIDTH>(self.0))
    }
}

/// Work that is written once and compiled for several instruction sets.
pub(crate) trait Work {
    type Out;

    /// Everything that it calls is to be inlined, or it is compiled for the oldest processors.
    fn run<const WIDTH: u8>(self) -> Self::Out;
}

/// Runs it with the widest instructions that this processor has; with AVX2 and AVX-512 the bits are the
/// same.
#[inline]
pub(crate) fn dispatch<W: Work>(work: W) -> W::Out {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        let widest = std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && std::arch::is_x86_feature_detected!("avx512dq");
        // SAFETY: the processor has the instructions.
        return match widest {
            true => unsafe { widest_of(work) },
            false => unsafe { wide(work) },
        };
    }
    work.run::<NARROW>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn wide<W: Work>(work: W) -> W::Out {
    work.run::<WIDE>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512dq")]
fn widest_of<W: Work>(work: W) -> W::Out {
    work.run::<WIDEST>()
}

#[inline(never)]
fn apart<R>(f: impl FnOnce() -> R) -> R {
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
fn apart_wide<R>(f: impl FnOnce() -> R) -> R {
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512dq")]
#[inline(never)]
fn apart_widest<R>(f: impl FnOnce() -> R) -> R {
    f()
}
