//! What a term or source of a program's own sees of its table and of the problem.

use crate::expr::{Symbol, Tape, Value};

/// What is wrong, and with which key.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) key: Option<String>,
    /// Whether it stands for mistakes that were said where they were found.
    pub(crate) said: bool,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            key: None,
            said: false,
        }
    }

    /// The key whose value is wrong.
    pub fn at(mut self, key: &str) -> Self {
        self.key = Some(key.into());
        self
    }

    /// What would mend it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Stands for mistakes that were said where they were found.
    pub(crate) fn said() -> Self {
        Self {
            said: true,
            ..Self::new("")
        }
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

/// What the checker answers.
pub(crate) trait Reads {
    fn expression<'t>(&mut self, tape: &'t Tape, key: &str) -> Result<Value<'t>, Failure>;

    fn read<'t>(&mut self, tape: &'t Tape, text: &str) -> Result<Value<'t>, Failure>;

    fn text(&self, key: &str) -> Option<&str>;

    fn texts(&self, key: &str) -> Option<Vec<&str>>;

    fn numbers(&self, key: &str) -> Option<Vec<f64>>;
}

/// The table that names the kind, and what expressions may read there.
pub struct Scope<'s, 't> {
    reads: &'s mut dyn Reads,
    tape: &'t Tape,
}

impl<'s, 't> Scope<'s, 't> {
    pub(crate) fn new(reads: &'s mut dyn Reads, tape: &'t Tape) -> Self {
        Self { reads, tape }
    }

    /// The value of the expression that a key holds.
    ///
    /// # Errors
    /// There is no such key, or a mistake in it.
    pub fn expression(&mut self, key: &str) -> Result<Value<'t>, Failure> {
        self.reads.expression(self.tape, key)
    }

    /// The value of an expression of the kind's own, such as `joints['left_wrist']` or `betas`.
    ///
    /// # Errors
    /// A mistake in it, such as a name that the problem does not have.
    pub fn read(&mut self, text: &str) -> Result<Value<'t>, Failure> {
        self.reads.read(self.tape, text)
    }

    /// The text of a key.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.reads.text(key)
    }

    /// The texts of a key that holds a list of them, or one.
    pub fn texts(&self, key: &str) -> Option<Vec<&str>> {
        self.reads.texts(key)
    }

    /// The number of a key; a quantity in SI units, angles in radians.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.reads.numbers(key)?.first().copied()
    }

    /// The numbers of a key that holds a list.
    pub fn numbers(&self, key: &str) -> Option<Vec<f64>> {
        self.reads.numbers(key)
    }

    /// A number that is the same everywhere.
    pub fn constant(&self, x: f64) -> Symbol<'t> {
        self.tape.constant(x)
    }
}
