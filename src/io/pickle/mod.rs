//! Python's pickles as a tree of values: plain data and arrays, with nothing in them executed.
//!
//! The values stand in one list and name each other by their place there. So a value that is mentioned a
//! thousand times is kept once, and neither depth nor a cycle costs stack.
//! Format: <https://github.com/python/cpython/blob/main/Lib/pickletools.py>

mod allowed;
pub(crate) mod arrays;
mod machine;
mod sparse;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;

/// A whole pickle.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    pub root: Id,
    /// Bytes that it takes in its file; nothing made of it may be out of proportion to them.
    pub length: usize,
}

/// The place of a value in its pickle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id(u32);

#[derive(Debug, PartialEq)]
pub(crate) enum Value<'a> {
    None,
    Bool(bool),
    /// Integers past 128 bits become [`Value::Float`].
    Int(i128),
    Float(f64),
    /// Also Python 2's `str`, which may be text.
    Bytes(Cow<'a, [u8]>),
    Text(Cow<'a, str>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Set(Vec<Id>),
    Global(Box<Global>),
    Object(Box<Object>),
    /// What the file keeps elsewhere, such as the numbers of a tensor.
    Persistent(Id),
}

/// A name of Python's that the file mentions.
#[derive(Debug, PartialEq)]
pub(crate) struct Global {
    pub module: String,
    pub name: String,
}

/// A call that Python would make, or an instance that it would build.
#[derive(Debug, PartialEq)]
pub(crate) struct Object {
    /// A [`Value::Global`].
    pub class: Id,
    /// A tuple.
    pub args: Id,
    pub state: Option<Id>,
    /// Of a class that is also a dictionary.
    pub entries: Vec<(Id, Id)>,
}

impl<'a> Pickle<'a> {
    /// Reads the pickle at the beginning of `bytes`; `length` says where it ends.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        machine::run(bytes)
    }

    pub fn value(&self, id: Id) -> &Value<'a> {
        &self.values[id.0 as usize]
    }

    pub fn values(&self) -> &[Value<'a>] {
        &self.values
    }

    pub fn text(&self, id: Id) -> Option<Cow<'_, str>> {
        match self.value(id) {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Bytes(bytes) => Some(text::of_bytes(bytes)),
            _ => None,
        }
    }

    pub fn bytes(&self, id: Id) -> Option<Cow<'_, [u8]>> {
        match self.value(id) {
            Value::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
            Value::Object(_) => match (self.call(id)?, self.args(id)) {
                // Python 3 writes bytes so where the protocol knows none.
                (("_codecs", "encode"), [text, ..]) | ((_, "bytearray"), [text, ..]) => {
                    match self.value(*text) {
                        Value::Text(text) => text::latin1(text).map(Cow::Owned),
                        Value::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
                        _ => None,
                    }
                }
                ((_, "bytes" | "bytearray"), []) => Some(Cow::Borrowed(&[])),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn int(&self, id: Id) -> Option<i128> {
        match self.value(id) {
            Value::Int(number) => Some(*number),
            Value::Bool(yes) => Some(i128::from(*yes)),
            _ => None,
        }
    }

    /// A size or an offset.
    pub fn size(&self, id: Id) -> Option<usize> {
        usize::try_from(self.int(id)?).ok()
    }

    /// Of a list or tuple.
    pub fn items(&self, id: Id) -> Option<&[Id]> {
        match self.value(id) {
            Value::List(items) | Value::Tuple(items) => Some(items),
            Value::Object(_) if self.call(id) == Some(("torch", "Size")) => self
                .args(id)
                .first()
                .and_then(|items| match self.value(*items) {
                    Value::List(items) | Value::Tuple(items) => Some(items.as_slice()),
                    _ => None,
                }),
            _ => None,
        }
    }

    /// Sizes of a shape, or strides.
    pub fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        self.items(id)?
            .iter()
            .map(|&size| self.size(size))
            .collect()
    }

    /// Keys and values of a dictionary, ordered or not; of a key that is there twice the last counts.
    pub fn entries(&self, id: Id) -> Option<Vec<(Id, Id)>> {
        match (self.value(id), self.call(id)) {
            (Value::Dict(entries), _) => Some(entries.clone()),
            (Value::Object(object), Some(("collections", "OrderedDict" | "defaultdict"))) => {
                // Python 2 hands the pairs over as an argument.
                let pairs = self.args(id).first().and_then(|&list| self.items(list));
                let pairs = pairs.unwrap_or_default().iter();
                let pairs = pairs.filter_map(|&pair| match self.items(pair) {
                    Some(&[key, value]) => Some((key, value)),
                    _ => None,
                });
                Some(pairs.chain(object.entries.iter().copied()).collect())
            }
            _ => None,
        }
    }

    /// A value of a dictionary, or an attribute of an object.
    pub fn get(&self, id: Id, key: &str) -> Option<Id> {
        let dict = match self.value(id) {
            Value::Object(object) if self.entries(id).is_none() => object.state?,
            _ => id,
        };
        let entries = self.entries(dict)?;
        let found = entries.iter().rev();
        let mut found = found.filter(|(name, _)| self.text(*name).is_some_and(|n| n == key));
        found.next().map(|(_, value)| *value)
    }

    /// The names of a dictionary's values, or of an object's attributes.
    pub fn names(&self, id: Id) -> Vec<String> {
        let dict = match self.value(id) {
            Value::Object(object) => object.state.unwrap_or(id),
            _ => id,
        };
        let entries = self.entries(dict).unwrap_or_default();
        let names = entries.iter().filter_map(|(name, _)| self.text(*name));
        names.map(Cow::into_owned).collect()
    }

    /// Module and name of what an object is an instance of, or of what would be called.
    pub fn call(&self, id: Id) -> Option<(&str, &str)> {
        match self.value(id) {
            Value::Object(object) => self.global(object.class),
            _ => None,
        }
    }

    pub fn global(&self, id: Id) -> Option<(&str, &str)> {
        match self.value(id) {
            Value::Global(global) => Some((&global.module, &global.name)),
            _ => None,
        }
    }

    /// The arguments of an object; none of anything else.
    pub fn args(&self, id: Id) -> &[Id] {
        match self.value(id) {
            Value::Object(object) => match self.value(object.args) {
                Value::Tuple(args) => args,
                _ => &[],
            },
            _ => &[],
        }
    }

    pub fn state(&self, id: Id) -> Option<Id> {
        match self.value(id) {
            Value::Object(object) => object.state,
            _ => None,
        }
    }

    /// What a value is, for a message.
    pub fn describe(&self, id: Id) -> String {
        match self.value(id) {
            Value::None => "nothing".into(),
            Value::Bool(_) => "a boolean".into(),
            Value::Int(_) | Value::Float(_) => "a number".into(),
            Value::Bytes(_) | Value::Text(_) => "a text".into(),
            Value::List(_) => "a list".into(),
            Value::Tuple(_) => "a tuple".into(),
            Value::Dict(_) => "a dictionary".into(),
            Value::Set(_) => "a set".into(),
            Value::Global(global) => format!("the name `{}.{}`", global.module, global.name),
            Value::Object(_) => match self.call(id) {
                Some((module, name)) => format!("a `{module}.{name}`"),
                None => "an object".into(),
            },
            Value::Persistent(_) => "something kept elsewhere".into(),
        }
    }
}
