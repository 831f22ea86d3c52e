//! The expression language of specs: text to typed, scalar steps of a formula.

mod build;
mod functions;
mod lex;
mod lower;
mod own;
mod parse;
mod symbol;
mod value;

pub(crate) use build::Needed;
pub use functions::FUNCTIONS;
pub(crate) use functions::MOST_AHEAD;
pub(crate) use lower::{Lowered, divided_on, lower, lower_on};
pub use own::Function;
pub(crate) use own::parts;
pub(crate) use parse::{Expression, parse};
pub(crate) use symbol::record;
pub use symbol::{Symbol, Tape, Value};
pub use value::Shape;
pub(crate) use value::Value as Recorded;
pub(crate) use value::{Found, Pick, Read, Scope, Wrong};

use std::ops::Range;

/// What is wrong with an expression, and where in its text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mistake {
    pub span: Range<usize>,
    pub message: String,
    pub hint: Option<String>,
    /// What was written and what may stand there, where it is a name.
    pub names: Option<(String, Vec<String>)>,
}

impl Mistake {
    pub fn new(span: &Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span: span.clone(),
            message: message.into(),
            hint: None,
            names: None,
        }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn names(mut self, found: &str, names: Vec<String>) -> Self {
        self.names = Some((found.into(), names));
        self
    }
}
