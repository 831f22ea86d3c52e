//! Types every part of an expression and writes its steps; angles count as numbers, in radians.

use std::ops::Range;

use super::Mistake;
use super::build::{Builder, Needed};
use super::functions;
use super::parse::{Expression, Kind};
use super::symbol::{self, Tape};
use super::value::{Pick, Scope, Shape, Value};
use crate::graph::formula::Register;
use crate::spec::Dimension;

/// A typed expression, ready to become a formula.
pub(crate) struct Lowered {
    pub value: Value,
    builder: Builder,
    /// What it was divided by.
    divisor: Vec<Register>,
}

impl Lowered {
    /// A value whose steps are on a tape, and what it was divided by.
    pub fn of(tape: Tape, value: Value, divisor: Vec<Register>) -> Self {
        Self {
            value,
            builder: tape.into_builder(),
            divisor,
        }
    }

    /// The formula of what it was divided by, if it was.
    pub fn sigma(&self, dims: &[usize]) -> Option<Needed> {
        let divided = !self.divisor.is_empty();
        divided.then(|| self.builder.formula(&self.divisor, dims))
    }

    /// The formula of it, given the numbers of every input of the scope.
    pub fn formula(&self, dims: &[usize]) -> Needed {
        self.builder.formula(&self.value.registers, dims)
    }
}

/// A part's value, or what a comparison says.
enum Typed {
    Value(Value),
    /// Whether the first is below the second, or the opposite.
    Condition([Register; 2], bool),
}

/// Types an expression; `None` where there are mistakes, all of which are noted.
pub(crate) fn lower(
    expression: &Expression,
    scope: &mut dyn Scope,
    mistakes: &mut Vec<Mistake>,
) -> Option<Lowered> {
    let tape = Tape::new();
    let value = lower_on(&tape, expression, scope, mistakes)?;
    let value = value.recorded().ok()?;
    Some(Lowered::of(tape, value, Vec::new()))
}

/// A value divided by an expression, without a unit, and what it was divided by.
pub(crate) fn divided_on<'t>(
    tape: &'t Tape,
    value: &symbol::Value<'t>,
    by: &Expression,
    scope: &mut dyn Scope,
    mistakes: &mut Vec<Mistake>,
) -> Option<(symbol::Value<'t>, symbol::Value<'t>)> {
    let divisor = lower_on(tape, by, scope, mistakes)?;
    let mut fail = |message: String| {
        mistakes.push(Mistake::new(&by.span, message));
        None
    };
    if divisor.dimension.without_angle() != value.dimension.without_angle() {
        return fail(format!(
            "the sigma is in {}, but the residual in {}",
            divisor.dimension, value.dimension
        ));
    }
    if divisor.shape != Shape::Scalar && divisor.shape != value.shape {
        return fail(format!(
            "the sigma is {}, but the residual {}",
            divisor.shape, value.shape
        ));
    }
    let divisors = divisor.numbers.iter().cycle();
    let pairs = value.numbers.iter().zip(divisors);
    let quotient = symbol::Value {
        shape: value.shape,
        dimension: Dimension::NONE,
        numbers: pairs.map(|(x, by)| *x / *by).collect(),
    };
    Some((quotient, divisor))
}

/// As [`lower`], after other steps.
pub(crate) fn lower_on<'t>(
    tape: &'t Tape,
    expression: &Expression,
    scope: &mut dyn Scope,
    mistakes: &mut Vec<Mistake>,
) -> Option<symbol::Value<'t>> {
    let mut lowering = Lowering {
        scope,
        mistakes,
        builder: tape.with(std::mem::take),
        names: Vec::new(),
        ahead: 0,
    };
    let value = lowering.value(expression);
    let builder = lowering.builder;
    tape.with(|b| *b = builder);
    value.map(|v| tape.value(&v))
}

/// A formula that grows part by part.
pub(super) struct Lowering<'a> {
    pub(super) scope: &'a mut dyn Scope,
    mistakes: &'a mut Vec<Mistake>,
    pub(super) builder: Builder,
    /// What `let` has named, the last one last, and how many frames later that is.
    names: Vec<(String, Option<Value>, isize)>,
    /// Frames that `next` has gone ahead.
    pub(super) ahead: isize,
}

impl Lowering<'_> {
    pub(super) fn fail(&mut self, span: &Range<usize>, message: impl Into<String>) {
        self.mistakes.push(Mistake::new(span, message));
    }

    pub(super) fn fail_with(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    /// A part that should be a value.
    pub(super) fn value(&mut self, part: &Expression) -> Option<Value> {
        match self.typed(part)? {
            Typed::Value(value) => Some(value),
            Typed::Condition(..) => {
                let hint = "`select(a < b, x, y)` is x where a is below b, and y elsewhere";
                let mistake = Mistake::new(&part.span, "a comparison is no number");
                self.fail_with(mistake.hint(hint));
                None
            }
        }
    }

    /// The condition of a `select`.
    pub(super) fn condition(&mut self, part: &Expression) -> Option<([Register; 2], bool)> {
        match self.typed(part)? {
            Typed::Condition(registers, below) => Some((registers, below)),
            Typed::Value(_) => {
                self.fail(
                    &part.span,
                    "a comparison should stand here, such as `a < b`",
                );
                None
            }
        }
    }

    fn typed(&mut self, part: &Expression) -> Option<Typed> {
        self.builder.at = (part.span.start, part.span.end);
        let value = match &part.kind {
            Kind::Wrong => return None,
            Kind::Number(x, dimension) => {
                let register = self.builder.constant(*x);
                Some(scalar(register, *dimension))
            }
            Kind::Label(text) => {
                let message = format!("the label `{text}` means nothing here");
                let mistake = Mistake::new(&part.span, message);
                self.fail_with(mistake.hint("labels pick points of a source: `points['LHeel']`"));
                None
            }
            Kind::Name(name) => self.named(name, None, &part.span, &[]).map(|(v, _)| v),
            Kind::Negate(inner) => {
                let value = self.value(inner)?;
                Some(self.each(value, |b, r| b.negate(r)))
            }
            Kind::Between(sign @ ("<" | ">" | "<=" | ">=" | "=="), parts) => {
                return self.comparison(sign, parts, &part.span);
            }
            Kind::Between(sign, parts) => {
                let (a, b) = (self.value(&parts[0]), self.value(&parts[1]));
                let (a, b) = (a?, b?);
                self.builder.at = (part.span.start, part.span.end);
                self.arithmetic(sign, a, b, parts, &part.span)
            }
            Kind::Call(name, arguments) => functions::call(self, name, arguments, &part.span),
            Kind::Index(of, indices) => self.index(of, indices, &part.span),
            Kind::Field(of, name) => self.field(of, name, &part.span),
            Kind::Let(definitions, body) => {
                let outside = self.names.len();
                for (name, place, value) in definitions {
                    let value = self.value(value);
                    let taken = self.names.iter().any(|(n, ..)| n == name)
                        || self.scope.names().iter().any(|n| n == name);
                    if taken {
                        let message = format!("`{name}` stands for something already");
                        let mistake = Mistake::new(place, message);
                        self.fail_with(mistake.hint("take another name after `let`"));
                        self.names.push((name.clone(), None, self.ahead));
                        continue;
                    }
                    self.names.push((name.clone(), value, self.ahead));
                }
                let value = self.value(body);
                self.names.truncate(outside);
                value
            }
        };
        value.map(Typed::Value)
    }

    fn comparison(
        &mut self,
        sign: &str,
        parts: &[Expression; 2],
        span: &Range<usize>,
    ) -> Option<Typed> {
        let (a, b) = (self.value(&parts[0]), self.value(&parts[1]));
        let (a, b) = (a?, b?);
        if a.shape != Shape::Scalar || b.shape != Shape::Scalar {
            self.fail(
                span,
                format!("{} and {} cannot be compared", a.shape, b.shape),
            );
            return None;
        }
        self.same_unit(&a, &b, span)?;
        let (a, b) = (a.registers[0], b.registers[0]);
        match sign {
            "<" => Some(Typed::Condition([a, b], true)),
            ">" => Some(Typed::Condition([b, a], true)),
            "<=" => Some(Typed::Condition([b, a], false)),
            ">=" => Some(Typed::Condition([a, b], false)),
            _ => {
                let mistake = Mistake::new(span, "numbers are not compared for equality");
                self.fail_with(mistake.hint("use `<`, `<=`, `>` or `>=`"));
                None
            }
        }
    }

    /// A name with what is picked of it, and how many of the picks were used.
    fn named(
        &mut self,
        name: &str,
        field: Option<&str>,
        span: &Range<usize>,
        picks: &[Pick<'_>],
    ) -> Option<(Value, usize)> {
        if field.is_none() {
            if let Some((_, value, ahead)) = self.names.iter().rev().find(|(n, ..)| n == name) {
                let (value, here) = (value.clone(), *ahead == self.ahead);
                if !here {
                    let message = format!("`{name}` is of this frame wherever it stands");
                    let hint = "write `next(…)` where `let` defines it";
                    self.fail_with(Mistake::new(span, message).hint(hint));
                    return None;
                }
                return value.map(|v| (v, 0));
            }
            if let Some((x, dimension)) = self.scope.constant(name) {
                let register = self.builder.constant(x);
                return Some((scalar(register, dimension), 0));
            }
            if name == "pi" && !self.scope.names().iter().any(|n| n == "pi") {
                let register = self.builder.constant(std::f64::consts::PI);
                return Some((scalar(register, Dimension::NONE), 0));
            }
        }
        match self.scope.read(name, field, picks) {
            Some(Ok((read, used))) => {
                let inputs = read.first..read.first + read.shape.len();
                let registers = inputs.map(|c| self.builder.input(read.input, c)).collect();
                let value = Value {
                    shape: read.shape,
                    dimension: read.dimension,
                    registers,
                };
                Some((value, used))
            }
            Some(Err((message, hint))) => {
                let mut mistake = Mistake::new(span, message);
                mistake.hint = hint;
                self.fail_with(mistake);
                None
            }
            None => {
                let own = self.names.iter().map(|(n, ..)| n.clone());
                let names = self.scope.names().into_iter().chain(own).collect();
                let found = field.map_or(name.to_string(), |f| format!("{name}.{f}"));
                let mistake = Mistake::new(span, format!("there is no `{found}`"));
                self.fail_with(mistake.names(&found, names));
                None
            }
        }
    }

    fn index(
        &mut self,
        of: &Expression,
        indices: &[Expression],
        span: &Range<usize>,
    ) -> Option<Value> {
        let picks: Option<Vec<Pick<'_>>> = indices.iter().map(pick).collect();
        let Some(picks) = picks.filter(|p| !p.is_empty()) else {
            let mistake = Mistake::new(span, "this cannot stand in brackets after a name");
            let hint =
                "a column that refers to rows, a whole number from 0 on, or a label in quotes";
            self.fail_with(mistake.hint(hint));
            return None;
        };
        let (mut value, used) = match &of.kind {
            Kind::Name(name) => self.named(name, None, &of.span, &picks)?,
            Kind::Field(table, field) => match &table.kind {
                Kind::Name(name) => self.named(name, Some(field), &of.span, &picks)?,
                _ => (self.value(of)?, 0),
            },
            _ => (self.value(of)?, 0),
        };
        for pick in &picks[used..] {
            value = self.component(&value, pick, span)?;
        }
        Some(value)
    }

    /// One component of a vector, one row of a matrix.
    fn component(&mut self, of: &Value, pick: &Pick<'_>, span: &Range<usize>) -> Option<Value> {
        let (count, width) = match of.shape {
            Shape::Scalar => (0, 1),
            Shape::Vector(n) => (n, 1),
            Shape::Matrix(rows, columns) => (rows, columns),
        };
        let message = match pick {
            Pick::Place(i) if *i < count => {
                let registers = of.registers[i * width..(i + 1) * width].to_vec();
                return Some(Value {
                    shape: Shape::vector(width),
                    dimension: of.dimension,
                    registers,
                });
            }
            Pick::Place(i) => format!("there is no component {i} of {}", of.shape),
            Pick::Column(name) => format!("`{name}` picks nothing of {}", of.shape),
            Pick::Label(label) => format!("there is no `{label}` of {}", of.shape),
        };
        self.fail(span, message);
        None
    }

    fn field(&mut self, of: &Expression, name: &str, span: &Range<usize>) -> Option<Value> {
        if let Kind::Name(table) = &of.kind
            && !self.names.iter().any(|(n, ..)| n == table)
            && self.scope.is_table(table)
        {
            return self.named(table, Some(name), span, &[]).map(|(v, _)| v);
        }
        let value = self.value(of)?;
        let count = value.registers.len();
        let places: Option<Vec<usize>> = name.chars().map(|c| "xyzw".find(c)).collect();
        let fits = |p: &Vec<usize>| p.iter().all(|p| *p < count) && p.len() <= 4;
        match (value.shape, places.filter(fits)) {
            (Shape::Vector(_), Some(places)) => Some(Value {
                shape: Shape::vector(places.len()),
                dimension: value.dimension,
                registers: places.iter().map(|p| value.registers[*p]).collect(),
            }),
            _ => {
                let message = format!("there is no `.{name}` of {}", value.shape);
                self.fail(span, message);
                None
            }
        }
    }

    fn arithmetic(
        &mut self,
        sign: &str,
        a: Value,
        b: Value,
        parts: &[Expression; 2],
        span: &Range<usize>,
    ) -> Option<Value> {
        match sign {
            "+" | "-" => {
                self.same_shape(&a, &b, sign, span)?;
                let dimension = self.same_unit(&a, &b, span)?;
                Some(
                    self.pairs(a.shape, dimension, &a, &b, |builder, x, y| match sign {
                        "+" => builder.add(x, y),
                        _ => builder.subtract(x, y),
                    }),
                )
            }
            "*" => self.product(&a, &b, span),
            "/" => {
                let dimension = a.dimension.product(b.dimension, -1);
                if b.shape == Shape::Scalar {
                    let by = b.registers[0];
                    let quotient = self.each(a, |builder, x| builder.divide(x, by));
                    return Some(Value {
                        dimension,
                        ..quotient
                    });
                }
                self.same_shape(&a, &b, sign, span)?;
                Some(self.pairs(a.shape, dimension, &a, &b, Builder::divide))
            }
            _ => self.raised(a, &b, &parts[1].span),
        }
    }

    fn product(&mut self, a: &Value, b: &Value, span: &Range<usize>) -> Option<Value> {
        let dimension = a.dimension.product(b.dimension, 1);
        let scaled = |this: &mut Self, of: &Value, by: Register| {
            let scaled = this.each(of.clone(), |builder, x| builder.multiply(x, by));
            Some(Value {
                dimension,
                ..scaled
            })
        };
        match (a.shape, b.shape) {
            (Shape::Scalar, _) => scaled(self, b, a.registers[0]),
            (_, Shape::Scalar) => scaled(self, a, b.registers[0]),
            (Shape::Vector(n), Shape::Vector(m)) if n == m => {
                Some(self.pairs(a.shape, dimension, a, b, Builder::multiply))
            }
            (Shape::Matrix(rows, inner), Shape::Vector(n)) if inner == n => {
                let of_row = |row: &[Register]| self.builder.dot(row, &b.registers);
                let registers = a.registers.chunks(inner).map(of_row).collect();
                Some(Value {
                    shape: Shape::vector(rows),
                    dimension,
                    registers,
                })
            }
            (Shape::Matrix(rows, inner), Shape::Matrix(n, columns)) if inner == n => {
                let mut registers = Vec::with_capacity(rows * columns);
                for row in a.registers.chunks(inner) {
                    for c in 0..columns {
                        let column: Vec<Register> = b
                            .registers
                            .iter()
                            .skip(c)
                            .step_by(columns)
                            .copied()
                            .collect();
                        registers.push(self.builder.dot(row, &column));
                    }
                }
                Some(Value {
                    shape: Shape::Matrix(rows, columns),
                    dimension,
                    registers,
                })
            }
            _ => {
                self.fail(span, format!("{} and {} have no product", a.shape, b.shape));
                None
            }
        }
    }

    fn raised(&mut self, a: Value, b: &Value, span: &Range<usize>) -> Option<Value> {
        if b.shape != Shape::Scalar || b.dimension.without_angle() != Dimension::NONE {
            self.fail(span, "an exponent should be a number without a unit");
            return None;
        }
        let exponent = b.registers[0];
        let constant = self.builder.known_number(exponent);
        if let Some(n) = constant.filter(|n| n.fract() == 0.0 && n.abs() <= 100.0) {
            let dimension = Dimension::NONE.product(a.dimension, n as i8);
            let value = self.each(a, |builder, x| builder.power(x, n as i32));
            return Some(Value { dimension, ..value });
        }
        if constant == Some(0.5) {
            return functions::root(self, a, span);
        }
        if a.dimension.without_angle() != Dimension::NONE {
            let message = format!("what is in {} has no such power", a.dimension);
            self.fail(span, message);
            return None;
        }
        Some(self.each(a, |builder, x| builder.power_of(x, exponent)))
    }

    /// The same of each component.
    pub(super) fn each(
        &mut self,
        mut of: Value,
        mut f: impl FnMut(&mut Builder, Register) -> Register,
    ) -> Value {
        for register in &mut of.registers {
            *register = f(&mut self.builder, *register);
        }
        of
    }

    pub(super) fn pairs(
        &mut self,
        shape: Shape,
        dimension: Dimension,
        a: &Value,
        b: &Value,
        mut f: impl FnMut(&mut Builder, Register, Register) -> Register,
    ) -> Value {
        let pairs = a.registers.iter().zip(&b.registers);
        let registers = pairs.map(|(x, y)| f(&mut self.builder, *x, *y)).collect();
        Value {
            shape,
            dimension,
            registers,
        }
    }

    pub(super) fn same_shape(
        &mut self,
        a: &Value,
        b: &Value,
        sign: &str,
        span: &Range<usize>,
    ) -> Option<()> {
        if a.shape == b.shape {
            return Some(());
        }
        let message = format!("`{sign}` stands between {} and {}", a.shape, b.shape);
        self.fail(span, message);
        None
    }

    /// The unit that two values share; zero is in every unit.
    pub(super) fn same_unit(
        &mut self,
        a: &Value,
        b: &Value,
        span: &Range<usize>,
    ) -> Option<Dimension> {
        if a.dimension.without_angle() == b.dimension.without_angle() {
            return Some(match a.dimension == b.dimension {
                true => a.dimension,
                false => a.dimension.without_angle(),
            });
        }
        let zero = |v: &Value, this: &Self| {
            let known = |r: &Register| this.builder.known_number(*r);
            v.registers.iter().all(|r| known(r) == Some(0.0))
        };
        if zero(a, self) {
            return Some(b.dimension);
        }
        if zero(b, self) {
            return Some(a.dimension);
        }
        let side = |d: Dimension| match d {
            Dimension::NONE => "without a unit".to_string(),
            d => format!("in {d}"),
        };
        let (a, b) = (side(a.dimension), side(b.dimension));
        self.fail(span, format!("the left side is {a}, the right side {b}"));
        None
    }
}

/// What stands in brackets, where it can.
fn pick(index: &Expression) -> Option<Pick<'_>> {
    match &index.kind {
        Kind::Name(name) => Some(Pick::Column(name)),
        Kind::Label(label) => Some(Pick::Label(label)),
        Kind::Number(x, Dimension::NONE) if *x >= 0.0 && x.fract() == 0.0 => {
            Some(Pick::Place(*x as usize))
        }
        _ => None,
    }
}

pub(super) fn scalar(register: Register, dimension: Dimension) -> Value {
    Value {
        shape: Shape::Scalar,
        dimension,
        registers: vec![register],
    }
}
