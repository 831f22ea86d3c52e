//! What expressions are made of while they are lowered: shapes, values, and what names stand for.

use std::fmt;
use std::sync::Arc;

use super::build::Needed;
use super::own::Function;
use crate::graph::formula::Register;
use crate::spec::Dimension;

/// How the numbers of a value are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Scalar,
    Vector(usize),
    /// Rows and columns, row by row.
    Matrix(usize, usize),
}

#[allow(clippy::len_without_is_empty)] // None is.
impl Shape {
    /// Numbers that it has.
    pub fn len(self) -> usize {
        match self {
            Self::Scalar => 1,
            Self::Vector(n) => n,
            Self::Matrix(rows, columns) => rows * columns,
        }
    }

    /// One number is no vector.
    pub fn vector(n: usize) -> Self {
        match n {
            1 => Self::Scalar,
            n => Self::Vector(n),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar => write!(f, "a number"),
            Self::Vector(n) => write!(f, "a vector of {n}"),
            Self::Matrix(rows, columns) => write!(f, "a {rows}×{columns} matrix"),
        }
    }
}

/// A typed value in registers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    pub shape: Shape,
    pub dimension: Dimension,
    pub registers: Vec<Register>,
}

/// What a name stands for: an input of the formula.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Read {
    pub input: usize,
    /// The first of its components.
    pub first: usize,
    pub shape: Shape,
    pub dimension: Dimension,
}

/// What stands in brackets after a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pick<'a> {
    /// A column that refers to rows of another set.
    Column(&'a str),
    Place(usize),
    Label(&'a str),
}

/// What is wrong with a name, and a hint.
pub(crate) type Wrong = (String, Option<String>);

/// What a name stands for and how many picks were used, or what is wrong with it; `None`: it is unknown.
pub(crate) type Found = Option<Result<(Read, usize), Wrong>>;

/// Where names are looked up.
pub(crate) trait Scope {
    /// What a name, or `table.column`, stands for; of what has rows or labels the picked ones. How many
    /// of the picks were used is told; `None`: there is no such name.
    fn read(&mut self, name: &str, field: Option<&str>, picks: &[Pick<'_>]) -> Found;

    /// Whether a name before a dot is that of a table.
    fn is_table(&self, name: &str) -> bool;

    /// The names that it knows.
    fn names(&self) -> Vec<String>;

    /// The numbers of each input so far.
    fn dims(&self) -> Vec<usize>;

    /// The rotation vector of a rotation matrix, as another input; `None` where there are none.
    fn log_so3(&mut self, rotation: Needed) -> Option<Read>;

    /// From now on names are read so many frames later, or earlier where it is below zero.
    fn ahead(&mut self, frames: isize) -> Result<(), Wrong>;

    /// A number that a name stands for.
    fn constant(&self, name: &str) -> Option<(f64, Dimension)>;

    /// Functions beside those of the language.
    fn functions(&self) -> Vec<Arc<dyn Function>>;
}
