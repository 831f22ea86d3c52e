//! A user's expression as an operation: scalar steps, each on registers that earlier ones wrote.

use super::directions::Directions;
use super::scratch::Scratch;
use super::{At, Few, Kernel, Number, Scalar};

/// The place of a step's result.
pub type Register = u32;

/// One scalar step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    Constant(f64),
    /// A component of an input.
    Input(u32, u32),
    Add(Register, Register),
    Subtract(Register, Register),
    Multiply(Register, Register),
    Divide(Register, Register),
    Negate(Register),
    /// A whole power.
    Power(Register, i32),
    /// Any power of a number that is not below zero.
    PowerOf(Register, Register),
    Of(Function, Register),
    /// atan2(y, x).
    Direction(Register, Register),
    /// The third where the first is below the second, else the fourth.
    Choose([Register; 4]),
}

/// Functions of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    Exp,
    Log,
    Sqrt,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    /// sin √x/√x.
    SineOverAngle,
    /// (1 − cos √x)/x.
    VersineOverSquare,
    /// 1/x − cot(√x/2)/(2√x).
    Bend,
}

/// Scalar steps in an order in which each reads only earlier ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Formula {
    pub steps: Vec<Step>,
    pub outputs: Vec<Register>,
    /// Numbers of each input.
    pub inputs: Vec<usize>,
}

impl Step {
    /// The registers that it has a derivative in.
    fn moved_by(&self) -> [Option<Register>; 2] {
        match *self {
            Self::Constant(_) | Self::Input(..) => [None, None],
            Self::Add(a, b)
            | Self::Subtract(a, b)
            | Self::Multiply(a, b)
            | Self::Divide(a, b)
            | Self::PowerOf(a, b)
            | Self::Direction(a, b)
            | Self::Choose([_, _, a, b]) => [Some(a), Some(b)],
            Self::Negate(a) | Self::Power(a, _) | Self::Of(_, a) => [Some(a), None],
        }
    }

    /// Every register that it reads.
    pub fn reads(&self) -> Vec<Register> {
        match *self {
            Self::Choose(all) => all.to_vec(),
            _ => self.moved_by().into_iter().flatten().collect(),
        }
    }

    #[inline(always)]
    fn value<T: Number>(&self, x: &[&[T]], r: &[T]) -> T {
        let at = |i: Register| r[i as usize];
        match *self {
            Self::Constant(c) => T::of(c),
            Self::Input(input, component) => x[input as usize][component as usize],
            Self::Add(a, b) => at(a) + at(b),
            Self::Subtract(a, b) => at(a) - at(b),
            Self::Multiply(a, b) => at(a) * at(b),
            Self::Divide(a, b) => at(a) / at(b),
            Self::Negate(a) => -at(a),
            Self::Power(a, n) => power(at(a), n),
            Self::PowerOf(a, b) => at(a).zip(at(b), |a, b| of(wide(a).powf(wide(b)))),
            Self::Of(function, a) => function.value(at(a)),
            Self::Direction(y, x) => at(y).zip(at(x), |y, x| of(wide(y).atan2(wide(x)))),
            Self::Choose([a, b, yes, no]) => at(a).less(at(b), at(yes), at(no)),
        }
    }

    /// Its derivatives in the two registers of [`Step::moved_by`]; zero where there is none.
    #[inline(always)]
    fn partials<T: Number>(&self, r: &[T], y: T) -> [T; 2] {
        let at = |i: Register| r[i as usize];
        let (zero, one) = (T::zero(), T::one());
        match *self {
            Self::Constant(_) | Self::Input(..) => [zero, zero],
            Self::Add(..) => [one, one],
            Self::Subtract(..) => [one, -one],
            Self::Multiply(a, b) => [at(b), at(a)],
            Self::Divide(_, b) => [finite(one / at(b)), finite(-y / at(b))],
            Self::Negate(_) => [-one, zero],
            Self::Power(a, n) => [T::of(f64::from(n)) * finite(power(at(a), n - 1)), zero],
            Self::PowerOf(a, b) => [
                finite(at(b) * at(a).zip(at(b), |a, b| of(wide(a).powf(wide(b) - 1.0)))),
                finite(y * at(a).map(|a| of(wide(a).ln()))),
            ],
            Self::Of(function, a) => [finite(function.slope(at(a), y)), zero],
            Self::Direction(y, x) => {
                let square = at(x).fused(at(x), at(y) * at(y));
                [finite(at(x) / square), finite(-at(y) / square)]
            }
            Self::Choose([a, b, ..]) => {
                [at(a).less(at(b), one, zero), at(a).less(at(b), zero, one)]
            }
        }
    }
}

impl Function {
    #[inline(always)]
    fn value<T: Number>(self, x: T) -> T {
        match self {
            Self::Exp => x.map(|x| of(wide(x).exp())),
            Self::Log => x.map(|x| of(wide(x).ln())),
            Self::Sqrt => x.root(),
            Self::Sin => x.map(|x| of(wide(x).sin())),
            Self::Cos => x.map(|x| of(wide(x).cos())),
            Self::Tan => x.map(|x| of(wide(x).tan())),
            Self::Asin => x.map(|x| of(wide(x).asin())),
            Self::Acos => x.map(|x| of(wide(x).acos())),
            Self::Atan => x.map(|x| of(wide(x).atan())),
            Self::Sinh => x.map(|x| of(wide(x).sinh())),
            Self::Cosh => x.map(|x| of(wide(x).cosh())),
            Self::Tanh => x.map(|x| of(wide(x).tanh())),
            Self::SineOverAngle => x.map(|x| of(of_square(wide(x))[0])),
            Self::VersineOverSquare => x.map(|x| of(of_square(wide(x))[1])),
            Self::Bend => x.map(|x| of(bend(wide(x))[0])),
        }
    }

    #[inline(always)]
    fn slope<T: Number>(self, x: T, y: T) -> T {
        let one = T::one();
        match self {
            Self::Exp => y,
            Self::Log => one / x,
            Self::Sqrt => T::of(0.5) / y,
            Self::Sin => x.map(|x| of(wide(x).cos())),
            Self::Cos => x.map(|x| of(-wide(x).sin())),
            Self::Tan => one + y * y,
            Self::Asin => one / (one - x * x).root(),
            Self::Acos => -one / (one - x * x).root(),
            Self::Atan => one / (one + x * x),
            Self::Sinh => x.map(|x| of(wide(x).cosh())),
            Self::Cosh => x.map(|x| of(wide(x).sinh())),
            Self::Tanh => one - y * y,
            Self::SineOverAngle => x.map(|x| of(of_square(wide(x))[2])),
            Self::VersineOverSquare => x.map(|x| of(of_square(wide(x))[3])),
            Self::Bend => x.map(|x| of(bend(wide(x))[1])),
        }
    }
}

/// sin θ/θ and (1 − cos θ)/θ² of s = θ², and their derivatives in s; by series where s is small.
fn of_square(s: f64) -> [f64; 4] {
    let series = |a: [f64; 4]| a[0] + s * (a[1] + s * (a[2] + s * a[3]));
    if s < 1e-4 {
        return [
            series([1.0, -1.0 / 6.0, 1.0 / 120.0, -1.0 / 5040.0]),
            series([0.5, -1.0 / 24.0, 1.0 / 720.0, -1.0 / 40_320.0]),
            series([-1.0 / 6.0, 1.0 / 60.0, -1.0 / 1680.0, 1.0 / 90_720.0]),
            series([-1.0 / 24.0, 1.0 / 360.0, -1.0 / 13_440.0, 1.0 / 907_200.0]),
        ];
    }
    let angle = s.sqrt();
    let (a, b) = (angle.sin() / angle, (1.0 - angle.cos()) / s);
    [
        a,
        b,
        (angle.cos() - a) / (2.0 * s),
        (a - 2.0 * b) / (2.0 * s),
    ]
}

/// 1/s − cot(√s/2)/(2√s) and its derivative; by series where s is small.
fn bend(s: f64) -> [f64; 2] {
    const SERIES: [f64; 5] = [
        1.0 / 12.0,
        1.0 / 720.0,
        1.0 / 30_240.0,
        1.0 / 1_209_600.0,
        1.0 / 47_900_160.0,
    ];
    if s < 0.03 {
        let value = SERIES.iter().rev().fold(0.0, |sum, c| sum * s + c);
        let powers = SERIES.iter().enumerate().skip(1).rev();
        return [
            value,
            powers.fold(0.0, |sum, (n, c)| sum * s + n as f64 * c),
        ];
    }
    let angle = s.sqrt();
    let half = angle / 2.0;
    let (sin, cos) = half.sin_cos();
    let rest = 1.0 - half * cos / sin;
    let slope = (half / (sin * sin) - cos / sin) / (4.0 * angle);
    [rest / s, (slope - rest / s) / s]
}

#[inline(always)]
fn wide<E: Scalar>(x: E) -> f64 {
    x.wide()
}

#[inline(always)]
fn of<E: Scalar>(x: f64) -> E {
    E::nearest(x)
}

/// What is no number has no slope: the length of a vector of zeros, the branch that is not taken.
#[inline(always)]
fn finite<T: Number>(x: T) -> T {
    x.map(|x| if wide(x).is_finite() { x } else { of(0.0) })
}

#[inline(always)]
fn power<T: Number>(x: T, n: i32) -> T {
    match n {
        0 => T::one(),
        1 => x,
        2 => x * x,
        3 => x * x * x,
        -1 => T::one() / x,
        _ => x.map(|x| of(wide(x).powi(n))),
    }
}

impl Formula {
    /// The value of every step.
    #[inline(always)]
    fn fill_registers<T: Number>(&self, x: &[&[T]], registers: &mut [T]) {
        for (i, step) in self.steps.iter().enumerate() {
            registers[i] = step.value(x, registers);
        }
    }

    /// Room for so many numbers for each step, which hold anything.
    #[inline(always)]
    fn room<T: Number>(&self, each: usize) -> Scratch<T::Scalar> {
        Scratch::any(each * self.steps.len() * T::FRAMES)
    }

    #[inline(always)]
    fn fill_partials<T: Number>(&self, registers: &[T], partials: &mut [T]) {
        let pairs = partials.as_chunks_mut::<2>().0.iter_mut();
        for ((step, y), pair) in self.steps.iter().zip(registers).zip(pairs) {
            *pair = step.partials(registers, *y);
        }
    }

    /// The value of every step, by f64.
    fn registers(&self, x: &[&[f64]]) -> Vec<f64> {
        let mut registers = vec![0.0; self.steps.len()];
        self.fill_registers(x, &mut registers);
        registers
    }

    /// Takes slopes, (steps), from what follows to what comes before, and those of inputs out.
    #[inline(always)]
    fn back<T: Number>(&self, partials: &[T], slopes: &mut [T], gx: &mut [Option<&mut [T]>]) {
        for (i, step) in self.steps.iter().enumerate().rev() {
            let slope = slopes[i];
            if let Step::Input(input, component) = *step {
                if let Some(gx) = &mut gx[input as usize] {
                    gx[component as usize] += slope;
                }
                continue;
            }
            let parts = step.moved_by();
            for k in 0..2 {
                if let Some(part) = parts[k] {
                    let to = &mut slopes[part as usize];
                    *to = partials[2 * i + k].fused(slope, *to);
                }
            }
        }
    }

    /// The first step that is no number although all that it reads are, by f64; none where the value is a
    /// number all the same, since nothing picks that step.
    pub fn first_fault(&self, x: &[&[f64]]) -> Option<usize> {
        let registers = self.registers(x);
        let mut outputs = self.outputs.iter();
        if outputs.all(|o| registers[*o as usize].is_finite()) {
            return None;
        }
        let fault = |i: &usize| {
            let known = self.steps[*i].reads();
            !registers[*i].is_finite() && known.iter().all(|r| registers[*r as usize].is_finite())
        };
        (0..self.steps.len()).find(fault)
    }

    /// The value by f64.
    pub fn evaluate(&self, x: &[&[f64]]) -> Vec<f64> {
        let registers = self.registers(x);
        self.outputs
            .iter()
            .map(|o| registers[*o as usize])
            .collect()
    }
}

impl<E: Scalar> Kernel<E> for Formula {
    fn out_dims(&self) -> usize {
        self.outputs.len()
    }

    #[inline(always)]
    fn forward<T: Number<Scalar = E>>(&self, x: &[&[T]], y: &mut [T]) {
        let mut room = self.room::<T>(1);
        let registers = T::of_scalars(&mut room);
        self.fill_registers(x, registers);
        for (y, output) in y.iter_mut().zip(&self.outputs) {
            *y = registers[*output as usize];
        }
    }

    #[inline(always)]
    fn adjoint<T: Number<Scalar = E>>(&self, at: At<'_, T>, gy: &[T], gx: &mut [Option<&mut [T]>]) {
        let mut room = self.room::<T>(4);
        let (registers, rest) = T::of_scalars(&mut room).split_at_mut(self.steps.len());
        let (partials, slopes) = rest.split_at_mut(2 * self.steps.len());
        self.fill_registers(at.x, registers);
        self.fill_partials(registers, partials);
        slopes.fill(T::zero());
        for (output, g) in self.outputs.iter().zip(gy) {
            slopes[*output as usize] += *g;
        }
        self.back(partials, slopes, gx);
    }

    fn reach(&self, moved: &[Option<&[bool]>]) -> Vec<bool> {
        let mut moves: Vec<bool> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            moves.push(match *step {
                Step::Input(input, component) => {
                    moved[input as usize].is_some_and(|m| m[component as usize])
                }
                _ => step.moved_by().iter().flatten().any(|r| moves[*r as usize]),
            });
        }
        self.outputs.iter().map(|o| moves[*o as usize]).collect()
    }

    /// Forward through the steps for each direction, or backward for each output where those are fewer.
    #[inline(always)]
    fn tangents<T: Number<Scalar = E>>(&self, at: At<'_, T>, directions: Directions<'_, T>) {
        let mut room = self.room::<T>(4);
        let (registers, rest) = T::of_scalars(&mut room).split_at_mut(self.steps.len());
        let (partials, moves) = rest.split_at_mut(2 * self.steps.len());
        self.fill_registers(at.x, registers);
        self.fill_partials(registers, partials);
        let outs = self.outputs.len();
        if directions.plan.out.columns.len() <= outs {
            directions.for_each(
                outs,
                #[inline(always)]
                |dx, active, dy| {
                    self.forward_moves(partials, dx, moves);
                    for &i in active {
                        dy[i] = moves[self.outputs[i] as usize];
                    }
                },
            );
            return;
        }
        let slopes = moves;
        let each: usize = self.inputs.iter().sum();
        let mut room = Scratch::zeros(outs * each * T::FRAMES);
        let rows = T::of_scalars(&mut room);
        for (output, row) in self.outputs.iter().zip(rows.chunks_exact_mut(each.max(1))) {
            slopes.fill(T::zero());
            slopes[*output as usize] = T::one();
            let mut wanted = Few::with_capacity(self.inputs.len());
            let mut rest = row;
            for dims in &self.inputs {
                let (own, after) = rest.split_at_mut(*dims);
                wanted.push(Some(own));
                rest = after;
            }
            self.back(partials, slopes, &mut wanted);
        }
        let plan = directions.plan;
        for (column, from) in plan.out.columns.iter().zip(&plan.from) {
            let dy = &mut directions.dy[column.at..column.at + column.dims.len()];
            for (&i, dy) in column.dims.iter().zip(dy) {
                let (mut sum, mut first) = (T::zero(), i * each);
                for k in 0..self.inputs.len() {
                    if let (Some(from), Some(dx)) = (from[k], directions.dx[k]) {
                        let moving = &plan.inputs[k].columns[from];
                        for (d, x) in moving.dims.iter().zip(&dx[moving.at..]) {
                            sum = rows[first + d].fused(*x, sum);
                        }
                    }
                    first += self.inputs[k];
                }
                *dy = sum;
            }
        }
    }
}

impl Formula {
    /// How every step moves with the inputs.
    #[inline(always)]
    fn forward_moves<T: Number>(&self, partials: &[T], dx: &[Option<&[T]>], moves: &mut [T]) {
        for (i, step) in self.steps.iter().enumerate() {
            let parts = step.moved_by();
            let mut sum = match *step {
                Step::Input(input, component) => {
                    dx[input as usize].map_or(T::zero(), |dx| dx[component as usize])
                }
                _ => T::zero(),
            };
            for k in 0..2 {
                if let Some(part) = parts[k] {
                    sum = partials[2 * i + k].fused(moves[part as usize], sum);
                }
            }
            moves[i] = sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_differences_and_none_is_infinite() {
        let functions = [
            Function::Exp,
            Function::Log,
            Function::Sqrt,
            Function::Sin,
            Function::Cos,
            Function::Tan,
            Function::Asin,
            Function::Acos,
            Function::Atan,
            Function::Sinh,
            Function::Cosh,
            Function::Tanh,
            Function::SineOverAngle,
            Function::VersineOverSquare,
            Function::Bend,
        ];
        for function in functions {
            let formula = Formula {
                steps: vec![Step::Input(0, 0), Step::Of(function, 0)],
                outputs: vec![1],
                inputs: vec![1],
            };
            let slope = |x: f64| {
                let mut g = [0.0];
                let at = At {
                    x: &[&[x]],
                    y: &[0.0],
                };
                Kernel::<f64>::adjoint(&formula, at, &[1.0], &mut [Some(&mut g)]);
                g[0]
            };
            for x in [0.1, 0.37, 0.8] {
                let (h, value) = (1e-6, |x: f64| formula.evaluate(&[&[x]])[0]);
                let expected = (value(x + h) - value(x - h)) / (2.0 * h);
                assert!((slope(x) - expected).abs() < 1e-8, "{function:?} at {x}");
            }
            assert!(slope(0.0).is_finite(), "{function:?}");
        }
    }
}
