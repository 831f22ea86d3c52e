//! Numbers that record what is done to them, from which code outside of fitrun writes formulas.

use std::cell::RefCell;
use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use super::build::Builder;
use super::value::{self, Shape};
use crate::graph::formula::{Formula, Function, Register};
use crate::spec::Dimension;

/// Where the steps of [`Symbol`]s go.
pub struct Tape {
    builder: RefCell<Builder>,
}

/// A number of a formula that is being written: arithmetic on it writes steps down, which are then
/// evaluated for every frame or row, with exact derivatives.
///
/// There is no order between symbols, as their numbers are not known yet: [`Symbol::select`] chooses by a
/// comparison.
#[derive(Clone, Copy)]
pub struct Symbol<'t> {
    tape: &'t Tape,
    register: Register,
}

/// Symbols with how they are arranged and their unit.
#[derive(Clone, Debug)]
pub struct Value<'t> {
    pub shape: Shape,
    /// What the numbers are in; they are in SI units, angles in radians.
    pub dimension: Dimension,
    /// Of a matrix row by row.
    pub numbers: Vec<Symbol<'t>>,
}

impl Tape {
    pub(crate) fn new() -> Self {
        Self::of(Builder::default())
    }

    /// Lends the steps so far, to which others are added.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut Builder) -> R) -> R {
        f(&mut self.builder.borrow_mut())
    }

    pub(super) fn of(builder: Builder) -> Self {
        Self {
            builder: builder.into(),
        }
    }

    pub(super) fn into_builder(self) -> Builder {
        self.builder.into_inner()
    }

    fn symbol(&self, register: Register) -> Symbol<'_> {
        Symbol {
            tape: self,
            register,
        }
    }

    /// A number that is the same everywhere.
    pub fn constant(&self, x: f64) -> Symbol<'_> {
        self.symbol(self.with(|b| b.constant(x)))
    }

    pub(super) fn value(&self, of: &value::Value) -> Value<'_> {
        Value {
            shape: of.shape,
            dimension: of.dimension,
            numbers: of.registers.iter().map(|r| self.symbol(*r)).collect(),
        }
    }
}

/// The formula of what a function makes of so many numbers.
pub(crate) fn record<F>(dims: usize, f: F) -> Formula
where
    F: for<'t> FnOnce(&[Symbol<'t>]) -> Vec<Symbol<'t>>,
{
    let tape = Tape::new();
    let inputs: Vec<Register> = (0..dims).map(|c| tape.with(|b| b.input(0, c))).collect();
    let given: Vec<Symbol<'_>> = inputs.iter().map(|r| tape.symbol(*r)).collect();
    let outputs: Vec<Register> = f(&given).iter().map(|s| s.register).collect();
    tape.with(|b| b.whole(&outputs, &[dims]))
}

impl<'t> Value<'t> {
    /// One number.
    pub fn scalar(number: Symbol<'t>, dimension: Dimension) -> Self {
        Self {
            shape: Shape::Scalar,
            dimension,
            numbers: vec![number],
        }
    }

    /// Numbers side by side.
    pub fn vector(numbers: Vec<Symbol<'t>>, dimension: Dimension) -> Self {
        Self {
            shape: Shape::vector(numbers.len()),
            dimension,
            numbers,
        }
    }

    pub(crate) fn registers(&self) -> impl Iterator<Item = Register> {
        self.numbers.iter().map(|s| s.register)
    }

    /// The registers, where there are as many as the shape says.
    pub(crate) fn recorded(&self) -> Result<value::Value, String> {
        let (numbers, shape) = (self.numbers.len(), self.shape);
        if numbers == 0 {
            return Err("it has no numbers".into());
        }
        if numbers != shape.len() {
            return Err(format!(
                "its value has {numbers} numbers, but should be {shape}"
            ));
        }
        Ok(value::Value {
            shape,
            dimension: self.dimension,
            registers: self.numbers.iter().map(|s| s.register).collect(),
        })
    }
}

impl<'t> Symbol<'t> {
    fn then(self, f: impl FnOnce(&mut Builder, Register) -> Register) -> Self {
        self.tape.symbol(self.tape.with(|b| f(b, self.register)))
    }

    fn of(self, function: Function) -> Self {
        self.then(|b, x| b.of(function, x))
    }

    /// A number that is the same everywhere.
    pub fn constant(self, x: f64) -> Self {
        self.tape.constant(x)
    }

    /// The square root, whose slope at zero is zero.
    pub fn sqrt(self) -> Self {
        self.of(Function::Sqrt)
    }

    /// eˣ.
    pub fn exp(self) -> Self {
        self.of(Function::Exp)
    }

    /// The natural logarithm.
    pub fn ln(self) -> Self {
        self.of(Function::Log)
    }

    pub fn sin(self) -> Self {
        self.of(Function::Sin)
    }

    pub fn cos(self) -> Self {
        self.of(Function::Cos)
    }

    pub fn tan(self) -> Self {
        self.of(Function::Tan)
    }

    pub fn asin(self) -> Self {
        self.of(Function::Asin)
    }

    pub fn acos(self) -> Self {
        self.of(Function::Acos)
    }

    pub fn atan(self) -> Self {
        self.of(Function::Atan)
    }

    pub fn sinh(self) -> Self {
        self.of(Function::Sinh)
    }

    pub fn cosh(self) -> Self {
        self.of(Function::Cosh)
    }

    pub fn tanh(self) -> Self {
        self.of(Function::Tanh)
    }

    /// The angle of the direction (x, self), from −π to π.
    pub fn atan2(self, x: Self) -> Self {
        self.then(|b, y| b.direction(y, x.register))
    }

    /// A whole power.
    pub fn powi(self, n: i32) -> Self {
        self.then(|b, x| b.power(x, n))
    }

    /// Any power of a number that is not below zero.
    pub fn powf(self, by: Self) -> Self {
        self.then(|b, x| b.power_of(x, by.register))
    }

    /// `yes` where self < bound, else `no`, also where either is no number.
    pub fn select(self, bound: Self, yes: Self, no: Self) -> Self {
        self.then(|b, x| b.choose([x, bound.register, yes.register, no.register]))
    }

    /// The magnitude.
    pub fn abs(self) -> Self {
        self.select(self.constant(0.0), -self, self)
    }

    /// The smaller of both.
    pub fn min(self, other: Self) -> Self {
        self.select(other, self, other)
    }

    /// The sum of some symbols; `None` where there are none.
    pub fn sum(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        all.into_iter().reduce(|a, b| a + b)
    }

    /// The larger of both.
    pub fn max(self, other: Self) -> Self {
        self.select(other, other, self)
    }
}

impl fmt::Debug for Symbol<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Symbol({})", self.register)
    }
}

macro_rules! arithmetic {
    ($trait:ident $name:ident $step:ident) => {
        impl<'t> $trait for Symbol<'t> {
            type Output = Self;
            fn $name(self, other: Self) -> Self {
                self.then(|b, x| b.$step(x, other.register))
            }
        }

        impl<'t> $trait<f64> for Symbol<'t> {
            type Output = Self;
            fn $name(self, other: f64) -> Self {
                $trait::$name(self, self.constant(other))
            }
        }

        impl<'t> $trait<Symbol<'t>> for f64 {
            type Output = Symbol<'t>;
            fn $name(self, other: Symbol<'t>) -> Symbol<'t> {
                $trait::$name(other.constant(self), other)
            }
        }
    };
}

arithmetic!(Add add add);
arithmetic!(Sub sub subtract);
arithmetic!(Mul mul multiply);
arithmetic!(Div div divide);

impl Neg for Symbol<'_> {
    type Output = Self;
    fn neg(self) -> Self {
        self.then(|b, x| b.negate(x))
    }
}

impl AddAssign for Symbol<'_> {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Symbol<'_> {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl MulAssign for Symbol<'_> {
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}
