//! Adds steps to a formula: equal ones are one, and what is constant is computed at once.

use std::collections::HashMap;

use crate::graph::formula::{Formula, Function, Register, Step};

/// A formula while it grows.
#[derive(Default)]
pub(crate) struct Builder {
    steps: Vec<Step>,
    known: HashMap<Key, Register>,
    /// Where in the text each step comes from.
    spans: Vec<(usize, usize)>,
    pub at: (usize, usize),
}

/// A step by its bits.
#[derive(PartialEq, Eq, Hash)]
struct Key(u8, [u64; 4]);

impl Builder {
    pub fn constant(&mut self, x: f64) -> Register {
        self.push(Step::Constant(x))
    }

    pub fn input(&mut self, input: usize, component: usize) -> Register {
        self.push(Step::Input(input as u32, component as u32))
    }

    pub fn add(&mut self, a: Register, b: Register) -> Register {
        match (self.known_number(a), self.known_number(b)) {
            (Some(0.0), _) => b,
            (_, Some(0.0)) => a,
            _ => self.push(Step::Add(a.min(b), a.max(b))),
        }
    }

    pub fn subtract(&mut self, a: Register, b: Register) -> Register {
        match self.known_number(b) {
            Some(0.0) => a,
            _ => self.push(Step::Subtract(a, b)),
        }
    }

    pub fn multiply(&mut self, a: Register, b: Register) -> Register {
        match (self.known_number(a), self.known_number(b)) {
            (Some(1.0), _) => b,
            (_, Some(1.0)) => a,
            _ => self.push(Step::Multiply(a.min(b), a.max(b))),
        }
    }

    pub fn divide(&mut self, a: Register, b: Register) -> Register {
        match self.known_number(b) {
            Some(1.0) => a,
            _ => self.push(Step::Divide(a, b)),
        }
    }

    pub fn negate(&mut self, a: Register) -> Register {
        self.push(Step::Negate(a))
    }

    pub fn power(&mut self, a: Register, n: i32) -> Register {
        match n {
            1 => a,
            2 => self.multiply(a, a),
            n => self.push(Step::Power(a, n)),
        }
    }

    pub fn power_of(&mut self, a: Register, b: Register) -> Register {
        self.push(Step::PowerOf(a, b))
    }

    pub fn of(&mut self, function: Function, a: Register) -> Register {
        self.push(Step::Of(function, a))
    }

    pub fn direction(&mut self, y: Register, x: Register) -> Register {
        self.push(Step::Direction(y, x))
    }

    pub fn choose(&mut self, all: [Register; 4]) -> Register {
        self.push(Step::Choose(all))
    }

    pub fn dot(&mut self, a: &[Register], b: &[Register]) -> Register {
        let products: Vec<Register> = a
            .iter()
            .zip(b)
            .map(|(a, b)| self.multiply(*a, *b))
            .collect();
        let sum = products.into_iter().reduce(|sum, x| self.add(sum, x));
        sum.unwrap_or_else(|| self.constant(0.0))
    }

    /// The number of a register that nothing moves.
    pub fn known_number(&self, register: Register) -> Option<f64> {
        match self.steps[register as usize] {
            Step::Constant(x) => Some(x),
            _ => None,
        }
    }

    fn push(&mut self, step: Step) -> Register {
        let step = self.folded(step);
        let key = key(&step);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        self.steps.push(step);
        self.spans.push(self.at);
        let register = (self.steps.len() - 1) as Register;
        self.known.insert(key, register);
        register
    }

    /// A step on constants as its result.
    fn folded(&self, step: Step) -> Step {
        let reads = step.reads();
        let numbers: Option<Vec<f64>> = reads.iter().map(|r| self.known_number(*r)).collect();
        let Some(numbers) = numbers.filter(|n| !n.is_empty()) else {
            return step;
        };
        let place = |r: &Register| reads.iter().position(|x| x == r).unwrap_or(0) as Register;
        let constants = numbers.into_iter().map(Step::Constant);
        let formula = Formula {
            steps: constants.chain([step.renamed(place)]).collect(),
            outputs: vec![reads.len() as Register],
            inputs: Vec::new(),
        };
        Step::Constant(formula.evaluate(&[])[0])
    }

    /// The formula of some registers, of all inputs.
    pub fn whole(&self, outputs: &[Register], dims: &[usize]) -> Formula {
        let whole = Formula {
            steps: self.steps.clone(),
            outputs: outputs.to_vec(),
            inputs: dims.to_vec(),
        };
        whole.needed().0
    }

    /// The formula of some registers, with the inputs that it needs, ascending, and the place in the text
    /// of each step.
    pub fn formula(&self, outputs: &[Register], dims: &[usize]) -> Needed {
        let whole = Formula {
            steps: self.steps.clone(),
            outputs: outputs.to_vec(),
            inputs: dims.to_vec(),
        };
        let (formula, kept) = whole.needed();
        let mut inputs: Vec<usize> = formula.read_inputs();
        inputs.sort_unstable();
        inputs.dedup();
        Needed {
            formula: formula.with_inputs(&inputs, dims),
            inputs,
            spans: kept.iter().map(|i| self.spans[*i]).collect(),
        }
    }
}

/// A formula with what it needs alone.
pub(crate) struct Needed {
    pub formula: Formula,
    /// Which of all inputs its own are.
    pub inputs: Vec<usize>,
    /// For each step where in the text it comes from.
    pub spans: Vec<(usize, usize)>,
}

impl Needed {
    /// Which of all inputs a step depends on.
    pub fn inputs_of(&self, step: usize) -> Vec<usize> {
        let part = Formula {
            outputs: vec![step as Register],
            ..self.formula.clone()
        };
        let read = part.needed().0.read_inputs();
        read.into_iter().map(|i| self.inputs[i]).collect()
    }
}

impl Formula {
    /// Without the steps that no output needs, and which were kept.
    fn needed(&self) -> (Self, Vec<usize>) {
        let mut wanted = vec![false; self.steps.len()];
        self.outputs.iter().for_each(|o| wanted[*o as usize] = true);
        for i in (0..self.steps.len()).rev() {
            if wanted[i] {
                self.steps[i]
                    .reads()
                    .iter()
                    .for_each(|r| wanted[*r as usize] = true);
            }
        }
        let kept: Vec<usize> = (0..wanted.len()).filter(|i| wanted[*i]).collect();
        let mut place = vec![0; self.steps.len()];
        kept.iter()
            .enumerate()
            .for_each(|(to, from)| place[*from] = to as Register);
        let renamed = |r: &Register| place[*r as usize];
        let needed = Self {
            steps: kept
                .iter()
                .map(|i| self.steps[*i].renamed(renamed))
                .collect(),
            outputs: self.outputs.iter().map(renamed).collect(),
            inputs: self.inputs.clone(),
        };
        (needed, kept)
    }

    fn read_inputs(&self) -> Vec<usize> {
        let input = |step: &Step| match step {
            Step::Input(input, _) => Some(*input as usize),
            _ => None,
        };
        self.steps.iter().filter_map(input).collect()
    }

    /// With some of the inputs only, which are renumbered.
    fn with_inputs(mut self, inputs: &[usize], dims: &[usize]) -> Self {
        for step in &mut self.steps {
            if let Step::Input(input, _) = step {
                let place = inputs.iter().position(|i| *i == *input as usize);
                *input = place.unwrap_or_default() as u32;
            }
        }
        self.inputs = inputs.iter().map(|i| dims[*i]).collect();
        self
    }
}

impl Step {
    fn renamed(self, to: impl Fn(&Register) -> Register) -> Self {
        match self {
            Self::Constant(_) | Self::Input(..) => self,
            Self::Add(a, b) => Self::Add(to(&a), to(&b)),
            Self::Subtract(a, b) => Self::Subtract(to(&a), to(&b)),
            Self::Multiply(a, b) => Self::Multiply(to(&a), to(&b)),
            Self::Divide(a, b) => Self::Divide(to(&a), to(&b)),
            Self::Negate(a) => Self::Negate(to(&a)),
            Self::Power(a, n) => Self::Power(to(&a), n),
            Self::PowerOf(a, b) => Self::PowerOf(to(&a), to(&b)),
            Self::Of(function, a) => Self::Of(function, to(&a)),
            Self::Direction(a, b) => Self::Direction(to(&a), to(&b)),
            Self::Choose(all) => Self::Choose(all.map(|r| to(&r))),
        }
    }
}

fn key(step: &Step) -> Key {
    let two = |code: u8, a: Register, b: Register| Key(code, [a.into(), b.into(), 0, 0]);
    match *step {
        Step::Constant(x) => Key(0, [x.to_bits(), 0, 0, 0]),
        Step::Input(input, component) => two(1, input, component),
        Step::Add(a, b) => two(2, a, b),
        Step::Subtract(a, b) => two(3, a, b),
        Step::Multiply(a, b) => two(4, a, b),
        Step::Divide(a, b) => two(5, a, b),
        Step::Negate(a) => two(6, a, 0),
        Step::Power(a, n) => Key(7, [a.into(), n as u64, 0, 0]),
        Step::PowerOf(a, b) => two(8, a, b),
        Step::Of(function, a) => two(9, a, function as Register),
        Step::Direction(a, b) => two(10, a, b),
        Step::Choose(all) => Key(11, all.map(u64::from)),
    }
}
