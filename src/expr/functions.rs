//! The closed list of functions, each with its types and its steps.

use std::ops::Range;
use std::sync::Arc;

use super::Mistake;
use super::build::Builder;
use super::lower::{Lowering, scalar};
use super::own;
use super::parse::Expression;
use super::value::{Shape, Value};
use crate::graph::formula::{Function, Register};
use crate::spec::Dimension;

/// Name, arguments, and what it is.
pub const FUNCTIONS: &[(&str, &str, &str)] = &[
    (
        "exp",
        "x",
        "eˣ of a number without a unit, component by component",
    ),
    ("log", "x", "the natural logarithm"),
    ("sqrt", "x", "the square root; its unit is the root of x's"),
    ("sin", "x", "sine of an angle in radians"),
    ("cos", "x", "cosine"),
    ("tan", "x", "tangent"),
    ("asin", "x", "the angle of a sine"),
    ("acos", "x", "the angle of a cosine"),
    ("atan", "x", "the angle of a tangent"),
    ("sinh", "x", "hyperbolic sine"),
    ("cosh", "x", "hyperbolic cosine"),
    ("tanh", "x", "hyperbolic tangent"),
    (
        "atan2",
        "y, x",
        "the angle of the direction (x, y), from −π to π",
    ),
    ("wrap", "angle", "the same angle, from −π to π"),
    ("abs", "x", "the magnitude of each component"),
    ("relu", "x", "x where it is above zero, else zero"),
    ("softplus", "x", "log(1 + exp(x)), for numbers of any size"),
    ("min", "a, b, …", "the smallest, component by component"),
    ("max", "a, b, …", "the largest"),
    (
        "clamp",
        "x, low, high",
        "x, no lower and no higher than the bounds",
    ),
    (
        "select",
        "condition, a, b",
        "a where the condition, such as `x < y`, holds, else b",
    ),
    (
        "vec",
        "a, b, …",
        "a vector of numbers and vectors, one after the other",
    ),
    ("rows", "a, b, …", "the matrix of these rows"),
    ("sum", "v", "the sum of the components"),
    ("mean", "v", "their mean"),
    ("dot", "a, b", "the inner product"),
    ("cross", "a, b", "the vector product of vectors of 3"),
    ("norm", "v", "the length, whose slope at zero is zero"),
    (
        "normalize",
        "v",
        "the vector of length 1 in the same direction; zero stays zero",
    ),
    ("transpose", "m", "the transposed matrix"),
    ("rot2", "angle", "the 2×2 matrix that turns by an angle"),
    (
        "exp_so3",
        "v",
        "the rotation about v by its length in radians",
    ),
    (
        "log_so3",
        "r",
        "the rotation vector of a 3×3 rotation matrix",
    ),
    (
        "log_se2",
        "angle, t",
        "the vector (ρ, angle) of a pose in the plane: its turn, by any number of whole turns, and its place",
    ),
    (
        "log_se3",
        "r, t",
        "the vector (ρ, ω) of a pose: rotation matrix and place",
    ),
    ("geodesic", "a, b", "the angle between two rotations"),
    (
        "next",
        "x, frames",
        "what x is in the next frame, or so many frames later",
    ),
];

/// Frames that `next` may go ahead: more would leave few of those that are solved side by side.
pub(crate) const MOST_AHEAD: usize = 4;

/// Functions of one number without a unit.
fn plain(name: &str) -> Option<(Function, Dimension)> {
    Some(match name {
        "exp" => (Function::Exp, Dimension::NONE),
        "log" => (Function::Log, Dimension::NONE),
        "sin" => (Function::Sin, Dimension::NONE),
        "cos" => (Function::Cos, Dimension::NONE),
        "tan" => (Function::Tan, Dimension::NONE),
        "asin" => (Function::Asin, Dimension::ANGLE),
        "acos" => (Function::Acos, Dimension::ANGLE),
        "atan" => (Function::Atan, Dimension::ANGLE),
        "sinh" => (Function::Sinh, Dimension::NONE),
        "cosh" => (Function::Cosh, Dimension::NONE),
        "tanh" => (Function::Tanh, Dimension::NONE),
        _ => return None,
    })
}

pub(super) fn call(
    l: &mut Lowering<'_>,
    name: &str,
    arguments: &[Expression],
    span: &Range<usize>,
) -> Option<Value> {
    let Some((_, signature, _)) = FUNCTIONS.iter().find(|(n, ..)| *n == name) else {
        return own_call(l, name, arguments, span);
    };
    counted(l, (name, signature), arguments, span)?;
    match name {
        "select" => return select(l, arguments, span),
        "next" => return next(l, arguments, span),
        _ => {}
    }
    let values: Vec<Option<Value>> = arguments.iter().map(|a| l.value(a)).collect();
    let values: Vec<Value> = values.into_iter().collect::<Option<_>>()?;
    l.builder.at = (span.start, span.end);
    if let Some((function, dimension)) = plain(name) {
        return plain_call(l, (name, function, dimension), values, span);
    }
    let (spans, mut values) = (arguments, values);
    match name {
        "sqrt" => root(l, values.remove(0), span),
        "abs" => {
            let zero = l.builder.constant(0.0);
            Some(l.each(values.remove(0), |b, x| {
                let minus = b.negate(x);
                b.choose([x, zero, minus, x])
            }))
        }
        "relu" => {
            let zero = l.builder.constant(0.0);
            Some(l.each(values.remove(0), |b, x| b.choose([zero, x, x, zero])))
        }
        "softplus" => {
            let value = without_unit(l, name, values.remove(0), span)?;
            Some(l.each(value, softplus))
        }
        "min" | "max" => extreme(l, name, values, span),
        "clamp" => {
            let high = values.remove(2);
            let above = extreme(l, "max", values, span)?;
            extreme(l, "min", vec![above, high], span)
        }
        "atan2" => {
            l.same_shape(&values[0], &values[1], name, span)?;
            l.same_unit(&values[0], &values[1], span)?;
            let (a, b) = (&values[0], &values[1]);
            Some(l.pairs(a.shape, Dimension::ANGLE, a, b, |b, y, x| b.direction(y, x)))
        }
        "wrap" => {
            let angle = without_unit(l, name, values.remove(0), span)?;
            let wrapped = l.each(angle, |b, x| {
                let (sin, cos) = (b.of(Function::Sin, x), b.of(Function::Cos, x));
                b.direction(sin, cos)
            });
            Some(Value {
                dimension: Dimension::ANGLE,
                ..wrapped
            })
        }
        "vec" => joined(l, values, span),
        "rows" => {
            let columns = values[0].registers.len();
            if values
                .iter()
                .any(|v| !matches!(v.shape, Shape::Vector(n) if n == columns))
            {
                l.fail(span, "the rows of a matrix are vectors of the same length");
                return None;
            }
            let rows = values.len();
            let all = joined(l, values, span)?;
            Some(Value {
                shape: Shape::Matrix(rows, columns),
                ..all
            })
        }
        "sum" | "mean" => {
            let of = values.remove(0);
            let sum = of
                .registers
                .iter()
                .copied()
                .reduce(|a, b| l.builder.add(a, b))?;
            let count = l.builder.constant(of.registers.len() as f64);
            let register = match name {
                "sum" => sum,
                _ => l.builder.divide(sum, count),
            };
            Some(scalar(register, of.dimension))
        }
        "dot" => {
            l.same_shape(&values[0], &values[1], name, span)?;
            let dimension = values[0].dimension.product(values[1].dimension, 1);
            let register = l.builder.dot(&values[0].registers, &values[1].registers);
            Some(scalar(register, dimension))
        }
        "cross" => cross(l, &values[0], &values[1], span),
        "norm" => Some(norm(l, &values[0])),
        "normalize" => normalize(l, values.remove(0)),
        "transpose" => transpose(l, values.remove(0), span),
        "rot2" => {
            let angle = without_unit(l, name, values.remove(0), span)?;
            shaped(l, name, &angle, Shape::Scalar, span)?;
            let angle = angle.registers[0];
            let (s, c) = (
                l.builder.of(Function::Sin, angle),
                l.builder.of(Function::Cos, angle),
            );
            let minus = l.builder.negate(s);
            Some(matrix(2, 2, vec![c, minus, s, c]))
        }
        "exp_so3" => {
            let vector = without_unit(l, name, values.remove(0), span)?;
            shaped(l, name, &vector, Shape::Vector(3), span)?;
            Some(exp_so3(l, &vector.registers))
        }
        "log_so3" => log_so3(l, &values[0], &spans[0].span),
        "log_se2" => log_se2(l, &values[0], &values[1], span),
        "log_se3" => log_se3(l, &values[0], &values[1], span),
        _ => {
            shaped(l, name, &values[0], Shape::Matrix(3, 3), span)?;
            shaped(l, name, &values[1], Shape::Matrix(3, 3), span)?;
            let inverse = transpose(l, values.remove(0), span)?;
            let between = product3(l, &inverse.registers, &values[0].registers);
            let vector = log_so3(l, &matrix(3, 3, between), span)?;
            Some(norm(l, &vector))
        }
    }
}

/// A call of what is no function of the language itself.
fn own_call(
    l: &mut Lowering<'_>,
    name: &str,
    arguments: &[Expression],
    span: &Range<usize>,
) -> Option<Value> {
    let known = l.scope.functions();
    let of_name = |f: &&Arc<dyn own::Function>| own::parts(f.signature()).0 == name;
    if let Some(function) = known.iter().find(of_name) {
        counted(l, own::parts(function.signature()), arguments, span)?;
        return own::call(l, &**function, arguments, span);
    }
    let elsewhere = [
        ("ln", "`log` is the natural logarithm"),
        ("pow", "`^` is the power"),
    ];
    if let Some((_, hint)) = elsewhere.iter().find(|(n, _)| *n == name) {
        let written = span.start..span.start + name.len();
        l.fail_with(Mistake::new(&written, format!("there is no function `{name}`")).hint(*hint));
        return None;
    }
    let names = FUNCTIONS.iter().map(|(n, ..)| *n);
    let names = names.chain(known.iter().map(|f| own::parts(f.signature()).0));
    let names = names.map(String::from).collect();
    let written = span.start..span.start + name.len();
    let mistake = Mistake::new(&written, format!("there is no function `{name}`"));
    l.fail_with(mistake.names(name, names));
    None
}

/// As many arguments as a function takes.
fn counted(
    l: &mut Lowering<'_>,
    (name, signature): (&str, &str),
    arguments: &[Expression],
    span: &Range<usize>,
) -> Option<()> {
    let wanted = match signature {
        "" => 0,
        _ => signature.split(',').count(),
    };
    let any = signature.ends_with('…') || name == "next" && arguments.len() == 1;
    if any && arguments.is_empty() || !any && arguments.len() != wanted {
        let message = format!("`{name}({signature})` is given {}", arguments.len());
        l.fail(span, message);
        return None;
    }
    Some(())
}

fn plain_call(
    l: &mut Lowering<'_>,
    (name, function, dimension): (&str, Function, Dimension),
    mut values: Vec<Value>,
    span: &Range<usize>,
) -> Option<Value> {
    let value = without_unit(l, name, values.remove(0), span)?;
    let value = l.each(value, |b, x| b.of(function, x));
    Some(Value { dimension, ..value })
}

/// x + log(1 + exp(−x)) where x is above zero, since exp(x) has an end.
fn softplus(b: &mut Builder, x: Register) -> Register {
    let (zero, one, minus) = (b.constant(0.0), b.constant(1.0), b.negate(x));
    let shorter = b.choose([x, zero, x, minus]);
    let power = b.of(Function::Exp, shorter);
    let sum = b.add(one, power);
    let log = b.of(Function::Log, sum);
    let above = b.add(x, log);
    b.choose([x, zero, log, above])
}

fn without_unit(
    l: &mut Lowering<'_>,
    name: &str,
    value: Value,
    span: &Range<usize>,
) -> Option<Value> {
    if value.dimension.without_angle() == Dimension::NONE {
        return Some(value);
    }
    let message = format!(
        "`{name}` takes what has no unit, but this is in {}",
        value.dimension
    );
    let mistake = Mistake::new(span, message);
    l.fail_with(mistake.hint("divide it by something in the same unit"));
    None
}

fn shaped(
    l: &mut Lowering<'_>,
    name: &str,
    value: &Value,
    shape: Shape,
    span: &Range<usize>,
) -> Option<()> {
    if value.shape == shape {
        return Some(());
    }
    l.fail(
        span,
        format!("`{name}` takes {shape}, but this is {}", value.shape),
    );
    None
}

/// A part as it is in a later frame.
fn next(l: &mut Lowering<'_>, arguments: &[Expression], span: &Range<usize>) -> Option<Value> {
    let frames = match arguments.get(1) {
        None => 1,
        Some(count) => match count.whole() {
            Some(n @ 1..=MOST_AHEAD) => n as isize,
            _ => {
                let message = format!("this should be a whole number from 1 to {MOST_AHEAD}");
                l.fail(&count.span, message);
                return None;
            }
        },
    };
    if let Err((message, hint)) = l.scope.ahead(frames) {
        let mut mistake = Mistake::new(span, message);
        mistake.hint = hint;
        l.fail_with(mistake);
        return None;
    }
    l.ahead += frames;
    let value = l.value(&arguments[0]);
    l.ahead -= frames;
    // It went ahead, so it can go back.
    let _ = l.scope.ahead(-frames);
    value
}

fn select(l: &mut Lowering<'_>, arguments: &[Expression], span: &Range<usize>) -> Option<Value> {
    let condition = l.condition(&arguments[0]);
    let (yes, no) = (l.value(&arguments[1]), l.value(&arguments[2]));
    let (([a, b], below), yes, no) = (condition?, yes?, no?);
    l.same_shape(&yes, &no, "select", span)?;
    let dimension = l.same_unit(&yes, &no, span)?;
    Some(l.pairs(
        yes.shape,
        dimension,
        &yes,
        &no,
        |builder, yes, no| match below {
            true => builder.choose([a, b, yes, no]),
            false => builder.choose([a, b, no, yes]),
        },
    ))
}

pub(super) fn root(l: &mut Lowering<'_>, value: Value, span: &Range<usize>) -> Option<Value> {
    let Some(dimension) = value.dimension.root() else {
        let message = format!("what is in {} has no square root", value.dimension);
        l.fail(span, message);
        return None;
    };
    let value = l.each(value, |b, x| b.of(Function::Sqrt, x));
    Some(Value { dimension, ..value })
}

fn extreme(
    l: &mut Lowering<'_>,
    name: &str,
    values: Vec<Value>,
    span: &Range<usize>,
) -> Option<Value> {
    let mut values = values.into_iter();
    let mut best = values.next()?;
    for other in values {
        l.same_shape(&best, &other, name, span)?;
        let dimension = l.same_unit(&best, &other, span)?;
        best = l.pairs(best.shape, dimension, &best, &other, |b, x, y| match name {
            "min" => b.choose([x, y, x, y]),
            _ => b.choose([x, y, y, x]),
        });
    }
    Some(best)
}

/// The components of all, in one vector.
fn joined(l: &mut Lowering<'_>, values: Vec<Value>, span: &Range<usize>) -> Option<Value> {
    let mut all: Option<Value> = None;
    for value in values {
        if matches!(value.shape, Shape::Matrix(..)) {
            l.fail(span, "a matrix is no component of a vector");
            return None;
        }
        all = Some(match all {
            None => value,
            Some(mut all) => {
                let same = all.dimension.without_angle() == value.dimension.without_angle();
                if !same && l.same_unit(&all, &value, span).is_none() {
                    return None;
                }
                if !same || all.dimension != value.dimension {
                    // Zero is in every unit, and an angle a number among numbers.
                    let (a, b) = (all.dimension, value.dimension);
                    all.dimension = match a.without_angle() == Dimension::NONE && !same {
                        true => b,
                        false => a.without_angle(),
                    };
                }
                all.registers.extend(value.registers);
                all
            }
        });
    }
    let all = all?;
    Some(Value {
        shape: Shape::vector(all.registers.len()),
        ..all
    })
}

fn cross(l: &mut Lowering<'_>, a: &Value, b: &Value, span: &Range<usize>) -> Option<Value> {
    shaped(l, "cross", a, Shape::Vector(3), span)?;
    shaped(l, "cross", b, Shape::Vector(3), span)?;
    let (x, y) = (&a.registers, &b.registers);
    let mut registers = Vec::with_capacity(3);
    for i in 0..3 {
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        let left = l.builder.multiply(x[j], y[k]);
        let right = l.builder.multiply(x[k], y[j]);
        registers.push(l.builder.subtract(left, right));
    }
    Some(Value {
        shape: Shape::Vector(3),
        dimension: a.dimension.product(b.dimension, 1),
        registers,
    })
}

fn norm(l: &mut Lowering<'_>, of: &Value) -> Value {
    let square = l.builder.dot(&of.registers, &of.registers);
    scalar(l.builder.of(Function::Sqrt, square), of.dimension)
}

fn normalize(l: &mut Lowering<'_>, of: Value) -> Option<Value> {
    let length = norm(l, &of).registers[0];
    let (least, one) = (l.builder.constant(1e-150), l.builder.constant(1.0));
    let by = l.builder.choose([length, least, one, length]);
    let value = l.each(of, |b, x| b.divide(x, by));
    Some(Value {
        dimension: Dimension::NONE,
        ..value
    })
}

fn transpose(l: &mut Lowering<'_>, of: Value, span: &Range<usize>) -> Option<Value> {
    let Shape::Matrix(rows, columns) = of.shape else {
        l.fail(
            span,
            format!("`transpose` takes a matrix, but this is {}", of.shape),
        );
        return None;
    };
    let places = (0..columns).flat_map(|c| (0..rows).map(move |r| r * columns + c));
    Some(Value {
        shape: Shape::Matrix(columns, rows),
        dimension: of.dimension,
        registers: places.map(|p| of.registers[p]).collect(),
    })
}

fn matrix(rows: usize, columns: usize, registers: Vec<Register>) -> Value {
    Value {
        shape: Shape::Matrix(rows, columns),
        dimension: Dimension::NONE,
        registers,
    }
}

fn product3(l: &mut Lowering<'_>, a: &[Register], b: &[Register]) -> Vec<Register> {
    let mut out = Vec::with_capacity(9);
    for i in 0..3 {
        for k in 0..3 {
            out.push(
                l.builder
                    .dot(&a[3 * i..3 * i + 3], &[b[k], b[3 + k], b[6 + k]]),
            );
        }
    }
    out
}

/// Rodrigues' formula: R = (1 − b θ²) I + a [w]× + b w wᵀ.
fn exp_so3(l: &mut Lowering<'_>, w: &[Register]) -> Value {
    let square = l.builder.dot(w, w);
    let a = l.builder.of(Function::SineOverAngle, square);
    let b = l.builder.of(Function::VersineOverSquare, square);
    let one = l.builder.constant(1.0);
    let shrunk = l.builder.multiply(b, square);
    let diagonal = l.builder.subtract(one, shrunk);
    let mut out = Vec::with_capacity(9);
    for i in 0..3 {
        for k in 0..3 {
            let scaled = l.builder.multiply(b, w[i]);
            let outer = l.builder.multiply(scaled, w[k]);
            out.push(match (k + 3 - i) % 3 {
                0 => l.builder.add(diagonal, outer),
                1 => {
                    let across = l.builder.multiply(a, w[3 - i - k]);
                    l.builder.subtract(outer, across)
                }
                _ => {
                    let across = l.builder.multiply(a, w[3 - i - k]);
                    l.builder.add(outer, across)
                }
            });
        }
    }
    matrix(3, 3, out)
}

fn log_so3(l: &mut Lowering<'_>, of: &Value, span: &Range<usize>) -> Option<Value> {
    shaped(l, "log_so3", of, Shape::Matrix(3, 3), span)?;
    let rotation = l.builder.formula(&of.registers, &l.scope.dims());
    let Some(read) = l.scope.log_so3(rotation) else {
        l.fail(
            span,
            "`log_so3` has no place in a starting value or a sigma",
        );
        return None;
    };
    let registers = (0..3).map(|c| l.builder.input(read.input, c)).collect();
    Some(Value {
        shape: Shape::Vector(3),
        dimension: Dimension::ANGLE,
        registers,
    })
}

/// The logarithm of a pose in the plane: ρ = V⁻¹ t with V⁻¹ = (θ/2)(cot(θ/2) I + J), J the quarter turn
/// back (Barfoot 2017, section 7.1), and the angle, from −π to π.
fn log_se2(l: &mut Lowering<'_>, angle: &Value, t: &Value, span: &Range<usize>) -> Option<Value> {
    let angle = without_unit(l, "log_se2", angle.clone(), span)?;
    shaped(l, "log_se2", &angle, Shape::Scalar, span)?;
    shaped(l, "log_se2", t, Shape::Vector(2), span)?;
    let b = &mut l.builder;
    let (sin, cos) = (
        b.of(Function::Sin, angle.registers[0]),
        b.of(Function::Cos, angle.registers[0]),
    );
    let angle = b.direction(sin, cos);
    let square = b.multiply(angle, angle);
    let bend = b.of(Function::Bend, square);
    let (one, half) = (b.constant(1.0), b.constant(0.5));
    let lost = b.multiply(square, bend);
    let (along, across) = (b.subtract(one, lost), b.multiply(half, angle));
    let (x, y) = (t.registers[0], t.registers[1]);
    let (ax, by) = (b.multiply(along, x), b.multiply(across, y));
    let (ay, bx) = (b.multiply(along, y), b.multiply(across, x));
    let registers = vec![b.add(ax, by), b.subtract(ay, bx)];
    let place = Value {
        shape: Shape::Vector(2),
        dimension: t.dimension,
        registers,
    };
    joined(l, vec![place, scalar(angle, Dimension::ANGLE)], span)
}

/// The logarithm of a pose: ρ = t − ½ ω × t + c ω × (ω × t), c = 1/θ² − cot(θ/2)/(2θ) (Barfoot 2017,
/// section 7.1), and ω.
fn log_se3(l: &mut Lowering<'_>, r: &Value, t: &Value, span: &Range<usize>) -> Option<Value> {
    let turn = log_so3(l, r, span)?;
    shaped(l, "log_se3", t, Shape::Vector(3), span)?;
    let once = cross(l, &turn, t, span)?;
    let twice = cross(l, &turn, &once, span)?;
    let square = l.builder.dot(&turn.registers, &turn.registers);
    let bend = l.builder.of(Function::Bend, square);
    let half = l.builder.constant(0.5);
    let mut registers = Vec::with_capacity(3);
    for i in 0..3 {
        let halved = l.builder.multiply(half, once.registers[i]);
        let bent = l.builder.multiply(bend, twice.registers[i]);
        let less = l.builder.subtract(t.registers[i], halved);
        registers.push(l.builder.add(less, bent));
    }
    let place = Value {
        shape: Shape::Vector(3),
        dimension: t.dimension,
        registers,
    };
    joined(l, vec![place, turn], span)
}
