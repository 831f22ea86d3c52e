//! The arrays of a pickle: numpy's, chumpy's wrappers of them, and sparse matrices made dense.

use ndarray::{ArrayD, IxDyn, ShapeBuilder};

use super::super::npy_element::Element;
use super::{Id, Pickle, sparse};

/// An array of numbers in C order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
    pub kind: NumberKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberKind {
    /// Half and single precision.
    Single,
    Double,
    /// Integers and booleans.
    Whole,
}

/// Wrappers around wrappers: more are no body model's.
const MAX_WRAPPERS: usize = 16;

/// The array that a value is; the error is a fragment that goes after the value's name.
pub(crate) fn array(pickle: &Pickle<'_>, id: Id) -> Result<Array, String> {
    unwrapped(pickle, id, MAX_WRAPPERS)
}

/// Whether a value looks like an array or a number of numpy's.
pub(crate) fn is_numpy(pickle: &Pickle<'_>, id: Id) -> bool {
    let name = pickle.call(id).map(|(_, name)| name);
    matches!(
        name,
        Some("_reconstruct" | "ndarray" | "matrix" | "_frombuffer" | "scalar")
    )
}

fn unwrapped(pickle: &Pickle<'_>, id: Id, wrappers: usize) -> Result<Array, String> {
    let call = pickle.call(id);
    match call {
        Some((_, "_reconstruct" | "ndarray" | "matrix")) => plain(pickle, id),
        Some((_, "_frombuffer")) => buffer(pickle, id),
        Some((_, "scalar")) => scalar(pickle, id),
        Some((_, "Ch" | "Select")) if wrappers == 0 => Err("is wrapped too often".into()),
        Some(("chumpy.ch", "Ch")) => unwrapped(pickle, field(pickle, id, "x")?, wrappers - 1),
        Some(("chumpy.reordering", "Select")) => select(pickle, id, wrappers - 1),
        Some((_, "csc_matrix" | "csc_array")) => sparse::dense(pickle, id, true),
        Some((_, "csr_matrix" | "csr_array")) => sparse::dense(pickle, id, false),
        _ => Err(format!(
            "should be an array, but is {}",
            pickle.describe(id)
        )),
    }
}

pub(super) fn field(pickle: &Pickle<'_>, id: Id, name: &str) -> Result<Id, String> {
    let missing = || format!("is {} without its `{name}`", pickle.describe(id));
    pickle.get(id, name).ok_or_else(missing)
}

/// numpy's state of an array: a version, then shape, dtype, whether in Fortran order, and the bytes.
fn plain(pickle: &Pickle<'_>, id: Id) -> Result<Array, String> {
    let state = pickle.state(id).and_then(|state| pickle.items(state));
    let (shape, dtype, fortran, data) = match state {
        Some(&[_, shape, dtype, fortran, data]) => (shape, dtype, fortran, data),
        Some(&[shape, dtype, fortran, data]) => (shape, dtype, fortran, data),
        _ => return Err("is an array without numbers".into()),
    };
    let shape = pickle.sizes(shape).ok_or("has a damaged shape")?;
    let element = element(pickle, dtype)?;
    let bytes = pickle.bytes(data).ok_or("is an array without numbers")?;
    let fortran = pickle.int(fortran).is_some_and(|yes| yes != 0);
    decoded(&bytes, shape, element, fortran)
}

/// Protocol 5: the bytes, dtype, shape, and the order as a letter.
fn buffer(pickle: &Pickle<'_>, id: Id) -> Result<Array, String> {
    let &[data, dtype, shape, ref rest @ ..] = pickle.args(id) else {
        return Err("is an array without numbers".into());
    };
    let bytes = pickle.bytes(data).ok_or("is an array without numbers")?;
    let shape = pickle.sizes(shape).ok_or("has a damaged shape")?;
    let order = rest.first().and_then(|order| pickle.text(*order));
    let fortran = order.is_some_and(|order| order == "F");
    decoded(&bytes, shape, element(pickle, dtype)?, fortran)
}

fn scalar(pickle: &Pickle<'_>, id: Id) -> Result<Array, String> {
    let &[dtype, data] = pickle.args(id) else {
        return Err("is a number without its bytes".into());
    };
    let bytes = pickle.bytes(data).ok_or("is a number without its bytes")?;
    decoded(&bytes, Vec::new(), element(pickle, dtype)?, false)
}

/// chumpy's `Select`: entries of a flattened array, given a shape.
fn select(pickle: &Pickle<'_>, id: Id, wrappers: usize) -> Result<Array, String> {
    let from = unwrapped(pickle, field(pickle, id, "a")?, wrappers)?;
    let places = unwrapped(pickle, field(pickle, id, "idxs")?, wrappers)?;
    let values: Option<Vec<f64>> = places
        .values
        .iter()
        .map(|&place| from.values.get(index(place)?).copied())
        .collect();
    let values = values.ok_or("selects an entry that its array does not have")?;
    let shape = match pickle.get(id, "preferred_shape") {
        Some(shape) => preferred(pickle, shape, values.len())?,
        None => places.shape,
    };
    match count(&shape) == Some(values.len()) {
        true => Ok(Array {
            shape,
            values,
            kind: from.kind,
        }),
        false => Err("selects another number of entries than its shape has".into()),
    }
}

/// A shape in which one size may be left open as −1.
fn preferred(pickle: &Pickle<'_>, shape: Id, length: usize) -> Result<Vec<usize>, String> {
    let damaged = "has a damaged shape";
    let sizes: Option<Vec<i128>> = match pickle.items(shape) {
        Some(items) => items.iter().map(|&size| pickle.int(size)).collect(),
        None => pickle.int(shape).map(|size| vec![size]),
    };
    let sizes = sizes.ok_or(damaged)?;
    let known = sizes.iter().filter(|&&size| size != -1);
    let known = known.map(|&size| usize::try_from(size).ok());
    let known = known
        .collect::<Option<Vec<usize>>>()
        .and_then(|s| count(&s));
    let open = length.checked_div(known.ok_or(damaged)?).unwrap_or(0);
    let size = |&size: &i128| usize::try_from(size).unwrap_or(open);
    Ok(sizes.iter().map(size).collect())
}

/// A place in an array, of a number that was read as one.
pub(super) fn index(number: f64) -> Option<usize> {
    (number >= 0.0 && number.fract() == 0.0 && number < 1e15).then_some(number as usize)
}

pub(crate) fn count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |a, &b| a.checked_mul(b))
}

/// numpy's dtype: its letters in the arguments, the byte order in the state.
fn element(pickle: &Pickle<'_>, dtype: Id) -> Result<Element, String> {
    let damaged = "has a damaged dtype";
    let (Some(("numpy", "dtype")), Some(&letters)) =
        (pickle.call(dtype), pickle.args(dtype).first())
    else {
        return Err(damaged.into());
    };
    let letters = pickle.text(letters).ok_or(damaged)?;
    let state = pickle.state(dtype).and_then(|state| pickle.items(state));
    let order = state
        .and_then(|items| items.get(1))
        .and_then(|&order| pickle.text(order));
    let order = order.as_deref().unwrap_or("|");
    let element = Element::from_descr(&format!("{order}{letters}"));
    match element {
        Element::Float { .. }
        | Element::Signed { .. }
        | Element::Unsigned { .. }
        | Element::Bool => Ok(element),
        _ => Err(format!("is of dtype `{letters}`, but should hold numbers")),
    }
}

fn decoded(
    bytes: &[u8],
    shape: Vec<usize>,
    element: Element,
    fortran: bool,
) -> Result<Array, String> {
    let claimed = count(&shape).and_then(|count| count.checked_mul(element.size()));
    if claimed != Some(bytes.len()) || shape.len() > 32 {
        let text = super::super::error::shape_text(&shape);
        return Err(format!(
            "claims the shape {text} but holds {} bytes",
            bytes.len()
        ));
    }
    let values = bytes.chunks_exact(element.size());
    let values: Vec<f64> = values.map(|bytes| element.real(bytes)).collect();
    let values = match fortran && shape.len() > 1 {
        true => ArrayD::from_shape_vec(IxDyn(&shape).f(), values)
            .map_err(|_| "has an impossible shape")?
            .iter()
            .copied()
            .collect(),
        false => values,
    };
    let kind = match element {
        Element::Float { size: 8, .. } => NumberKind::Double,
        Element::Float { .. } => NumberKind::Single,
        _ => NumberKind::Whole,
    };
    Ok(Array {
        shape,
        values,
        kind,
    })
}
