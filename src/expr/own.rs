//! Functions of expressions that code outside of fitrun adds.

use std::ops::Range;

use super::lower::Lowering;
use super::parse::Expression;
use super::symbol::{Tape, Value};
use super::value;

/// A function that expressions may call, beside those of [`FUNCTIONS`](crate::FUNCTIONS).
///
/// It is asked once for each place where it is called, and writes its steps on [`Symbol`](super::Symbol)s;
/// values, gradients and Jacobians are made of these.
pub trait Function: Send + Sync {
    /// How it is called: its name and its arguments, such as `morse(r, depth, width)`; with `…` for the
    /// last one there may be any number of them.
    fn signature(&self) -> &str;

    /// Its value at the arguments, of which there are as many as the signature names.
    ///
    /// # Errors
    /// What is wrong with the shapes or the units of the arguments, in words for whoever wrote the
    /// expression.
    fn call<'t>(&self, arguments: &[Value<'t>]) -> Result<Value<'t>, String>;
}

/// Name and arguments of a signature.
pub(crate) fn parts(signature: &str) -> (&str, &str) {
    let (name, rest) = signature.split_once('(').unwrap_or((signature, ""));
    (name.trim(), rest.trim().trim_end_matches(')'))
}

/// The value of a call whose arguments have been counted.
pub(super) fn call(
    l: &mut Lowering<'_>,
    function: &dyn Function,
    arguments: &[Expression],
    span: &Range<usize>,
) -> Option<value::Value> {
    let values: Vec<Option<value::Value>> = arguments.iter().map(|a| l.value(a)).collect();
    let values: Vec<value::Value> = values.into_iter().collect::<Option<_>>()?;
    l.builder.at = (span.start, span.end);
    let tape = Tape::of(std::mem::take(&mut l.builder));
    let given: Vec<Value<'_>> = values.iter().map(|v| tape.value(v)).collect();
    let found = function.call(&given).and_then(|v| v.recorded());
    l.builder = tape.into_builder();
    found
        .map_err(|reason| {
            let (name, _) = parts(function.signature());
            l.fail(span, format!("`{name}`: {reason}"));
        })
        .ok()
}
