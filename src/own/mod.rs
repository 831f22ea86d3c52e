//! What programs add to the language: functions, terms, sources, priors, formats and data in memory.
//!
//! Everything is written on [`Symbol`]s, numbers that record what is done to them. What is recorded becomes
//! an operation like those of fitrun itself, with exact gradients and Jacobians.
//!
//! ```
//! use fitrun::own::{Function, Registry, Value};
//!
//! /// Softplus, a smooth ramp.
//! struct Softplus;
//!
//! impl Function for Softplus {
//!     fn signature(&self) -> &str { "softened(x)" }
//!
//!     fn call<'t>(&self, arguments: &[Value<'t>]) -> Result<Value<'t>, String> {
//!         let x = &arguments[0];
//!         let numbers = x.numbers.iter().map(|x| (1.0 + x.exp()).ln()).collect();
//!         Ok(Value { numbers, ..x.clone() })
//!     }
//! }
//!
//! let registry = Registry::default().function(Softplus);
//! # let spec = "fitrun = 1\n[vars]\nx = { init = 2.0 }\n[terms.fit]\nkind = \"expr\"\nresidual = \"softened(x) - 1\"";
//! let checked = fitrun::check_text("ramp.toml".as_ref(), spec, &registry.into())?;
//! let found = fitrun::fit(&checked.problem, &mut |_| true);
//! let x = found.variable(&checked.problem, "x", 0).unwrap()[0];
//! assert!((x - (1_f64.exp() - 1.0).ln()).abs() < 1e-9);
//! # Ok::<(), fitrun::Error>(())
//! ```

mod scope;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

pub(crate) use scope::Reads;
pub use scope::{Failure, Scope};

use crate::body::markers::Layout as MarkerLayout;
use crate::expr::parts;
use crate::spec::{OwnKind, Role, keys};

pub use crate::expr::{Function, Shape, Symbol, Value};
pub use crate::io::Arrays;
pub use crate::prior::PosePrior;
pub use crate::spec::keys::{Key, Kind};

/// A kind of term: `terms.NAME.kind`.
pub trait TermKind: Send + Sync {
    /// What `kind` says.
    fn name(&self) -> &'static str;

    /// The keys that it has besides those of every term, `weight`, `sigma`, `robust` and `over`.
    fn keys(&self) -> &'static [Key];

    /// Whether its residual reads the numbers of other frames, by `next(…)`; the default stages take such
    /// terms last.
    fn ties_frames(&self) -> bool {
        false
    }

    /// The residual of a frame, or of a row of the table that the term is over.
    ///
    /// A matrix has a residual in each of its rows.
    ///
    /// # Errors
    /// What is wrong with the term, in words for whoever wrote the spec.
    fn residual<'t>(&self, scope: &mut Scope<'_, 't>) -> Result<Value<'t>, Failure>;
}

/// A kind of source: `sources.NAME.kind`, points that terms of the kind `points` hold against data.
pub trait SourceKind: Send + Sync {
    /// What `kind` says.
    fn name(&self) -> &'static str;

    /// The keys that it has.
    fn keys(&self) -> &'static [Key];

    /// The labels of its points, and where they are in a frame: x, y and z in m, y up.
    ///
    /// # Errors
    /// What is wrong with the source, in words for whoever wrote the spec.
    fn points<'t>(
        &self,
        scope: &mut Scope<'_, 't>,
    ) -> Result<Vec<(String, [Symbol<'t>; 3])>, Failure>;
}

/// A format of data files: `data.NAME.format`.
pub trait Format: Send + Sync {
    /// What `format` says.
    fn name(&self) -> &'static str;

    /// Extensions of files that are read so where the spec names no format, in lower case.
    fn extensions(&self) -> &[&str] {
        &[]
    }

    /// The arrays of a file. What they mean is said by the spec, as of an npz: `array` and `axes`, or
    /// `columns`.
    ///
    /// # Errors
    /// What is wrong with the file.
    fn read(&self, path: &Path) -> Result<Arrays, String>;
}

/// What a program adds to the language of specs; see [`RunOptions::registry`](crate::RunOptions).
#[derive(Clone, Default)]
pub struct Registry {
    pub(crate) functions: Vec<Arc<dyn Function>>,
    pub(crate) terms: Vec<Arc<dyn TermKind>>,
    pub(crate) sources: Vec<Arc<dyn SourceKind>>,
    pub(crate) priors: Vec<Arc<dyn PosePrior>>,
    pub(crate) formats: Vec<Arc<dyn Format>>,
    pub(crate) data: Vec<(String, Arc<Arrays>)>,
    pub(crate) layouts: Vec<Arc<MarkerLayout>>,
}

impl Registry {
    pub fn function(mut self, function: impl Function + 'static) -> Self {
        self.functions.push(Arc::new(function));
        self
    }

    pub fn term(mut self, kind: impl TermKind + 'static) -> Self {
        self.terms.push(Arc::new(kind));
        self
    }

    pub fn source(mut self, kind: impl SourceKind + 'static) -> Self {
        self.sources.push(Arc::new(kind));
        self
    }

    pub fn prior(mut self, prior: impl PosePrior + 'static) -> Self {
        self.priors.push(Arc::new(prior));
        self
    }

    pub fn format(mut self, format: impl Format + 'static) -> Self {
        self.formats.push(Arc::new(format));
        self
    }

    /// Arrays that the data set `name` is read from, in place of a file.
    pub fn data(mut self, name: &str, arrays: Arrays) -> Self {
        self.data.push((name.into(), Arc::new(arrays)));
        self
    }

    /// A layout of markers that sources of the kind `surface` take by its name.
    pub fn layout(mut self, layout: MarkerLayout) -> Self {
        self.layouts.push(Arc::new(layout));
        self
    }

    /// What it adds under names that are no names, or are taken: what it is, and why that cannot be.
    pub(crate) fn refused(&self) -> Vec<String> {
        let taken = self.taken().into_iter();
        let taken =
            taken.map(|(what, name)| format!("the {what} `{name}`, which is there already"));
        let functions = self.functions.iter().map(|f| parts(f.signature()).0);
        let kinds = self.kinds();
        let names = functions.chain(kinds.iter().map(|k| k.name));
        let no_names = names.filter(|name| !is_name(name));
        let no_names = no_names.map(|name| format!("`{name}`, which is no name"));
        let keys = kinds.iter().flat_map(|kind| {
            let own = kind.keys.iter().enumerate();
            let twice = own.filter(|(i, k)| kind.keys[..*i].iter().any(|o| o.name == k.name));
            let common = kind.keys.iter().filter(|k| COMMON.contains(&k.name));
            let keys = twice.map(|(_, k)| k).chain(common);
            keys.map(|k| {
                format!(
                    "the key `{}` of `{}`, which is there already",
                    k.name, kind.name
                )
            })
        });
        taken.chain(no_names).chain(keys).collect()
    }

    fn taken(&self) -> Vec<(&'static str, String)> {
        let mut taken = Vec::new();
        for (i, (name, _)) in self.data.iter().enumerate() {
            if self.data[..i].iter().any(|(known, _)| known == name) {
                taken.push(("data set", name.clone()));
            }
        }
        for (i, layout) in self.layouts.iter().enumerate() {
            let before = self.layouts[..i].iter();
            let embedded = MarkerLayout::embedded(&layout.name).is_some();
            if embedded || before.clone().any(|l| l.name == layout.name) {
                taken.push(("layout", layout.name.clone()));
            }
        }
        let mut known: Vec<&str> = crate::FUNCTIONS.iter().map(|(n, ..)| *n).collect();
        for function in &self.functions {
            let (name, _) = parts(function.signature());
            match known.contains(&name) {
                true => taken.push(("function", name.to_string())),
                false => known.push(name),
            }
        }
        let kinds = self.kinds();
        for (i, kind) in kinds.iter().enumerate() {
            let same = |k: &OwnKind| std::ptr::eq(k.table, kind.table) && k.name == kind.name;
            if kinds[..i].iter().any(same) || kind.is_built_in() {
                taken.push(("kind", kind.name.to_string()));
            }
        }
        taken
    }

    /// The kinds that it adds to tables of the spec.
    pub(crate) fn kinds(&self) -> Vec<OwnKind> {
        let kind = |table, name, keys, role| OwnKind {
            table,
            name,
            keys,
            role,
        };
        let terms = self.terms.iter().map(|t| {
            let role = match t.ties_frames() {
                true => Role::TiesFrames,
                false => Role::Plain,
            };
            kind(keys::TERM, t.name(), t.keys(), role)
        });
        let sources = self.sources.iter();
        let sources = sources.map(|s| kind(keys::SOURCE, s.name(), s.keys(), Role::Plain));
        let priors = self.priors.iter().map(|p| {
            let role = match p.code() {
                Some(_) => Role::Coded,
                None => Role::Plain,
            };
            kind(keys::PRIOR, p.name(), &[], role)
        });
        let formats = self.formats.iter();
        let formats = formats.map(|f| kind(keys::DATA, f.name(), &[], Role::Plain));
        terms.chain(sources).chain(priors).chain(formats).collect()
    }
}

/// Keys of every term or source.
const COMMON: &[&str] = &["kind", "weight", "sigma", "robust"];

/// Whether expressions and specs can say it.
fn is_name(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    let part = |c: char| letter(c) || c.is_ascii_digit() || c == '-';
    name.starts_with(letter) && name.chars().all(part) && name != "let"
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let functions = self.functions.iter().map(|f| f.signature().to_string());
        let kinds = self.kinds().into_iter().map(|k| k.name.to_string());
        let data = self.data.iter().map(|(name, _)| format!("data.{name}"));
        f.debug_list()
            .entries(functions.chain(kinds).chain(data))
            .finish()
    }
}
