//! The two languages that share one machinery: specs of fits and specs of trainings.

use super::keys::{self, Key};
use super::training_keys;
use super::tree::{Table, Value};
use super::validate::OwnKind;
use super::{layers, validate};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// Which table of keys a text is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Fit,
    Train,
}

impl Language {
    fn keys(self) -> &'static [Key] {
        match self {
            Self::Fit => keys::SPEC,
            Self::Train => training_keys::TRAINING,
        }
    }

    /// Says at once that a text is in the other language, of which nothing here would make sense.
    pub(super) fn refuse_the_other(self, tree: &Table, diagnostics: &mut Diagnostics) {
        let has = |keys: &[&'static str]| keys.iter().find_map(|key| tree.get(key));
        let (other, what, hint) = match self {
            Self::Fit => (
                has(&["train", "loss", "codes"]).filter(|_| has(&["terms", "stages"]).is_none()),
                "a training",
                "`fitrun train SPEC` trains a prior from it",
            ),
            Self::Train => (
                has(&["terms", "stages", "sources"]).filter(|_| has(&["train", "loss"]).is_none()),
                "a fit",
                "`fitrun SPEC` solves it; how to write a training: `docs/train.md`",
            ),
        };
        if let Some(node) = other {
            let message = format!("this is the spec of {what}");
            diagnostics.push(Diagnostic::error("F0105", message, &node.key).hint(hint));
        }
    }

    pub(super) fn uses_body(self, tree: &Table) -> bool {
        self == Self::Fit && layers::uses_body(tree)
    }

    pub(super) fn lay_over_defaults(self, tree: Table, own: &[OwnKind]) -> Table {
        match self {
            Self::Fit => layers::lay_over_defaults(tree, own),
            Self::Train => tree,
        }
    }

    /// Tables that have defaults also where nobody wrote them.
    pub(super) fn sections(self, tree: &Table) -> Vec<&'static str> {
        match self {
            Self::Fit => vec!["solve", "output"],
            Self::Train => {
                let kind = trained_kind(tree);
                let applies =
                    |key: &&Key| kind.is_none_or(|k| key.only.is_empty() || key.only.contains(&k));
                let sections = self.keys().iter().filter(applies);
                let sections = sections.filter(|key| matches!(key.kind, keys::Kind::Table(_)));
                sections.map(|key| key.name).collect()
            }
        }
    }

    /// A training's tables have the keys of the kind of prior that is trained.
    pub(super) fn validate(
        self,
        tree: &mut Table,
        (own, diagnostics): (&[OwnKind], &mut Diagnostics),
    ) {
        let kind = match self {
            Self::Fit => None,
            Self::Train => trained_kind(tree).map(String::from),
        };
        let within = (own, diagnostics);
        validate::validate_within(tree, self.keys(), "", kind.as_deref(), within);
    }
}

/// What `prior = "gmm"` or `prior.kind` names, where that is a kind.
fn trained_kind(tree: &Table) -> Option<&str> {
    let kind = match &tree.get("prior")?.value {
        Value::Text(kind) => kind,
        Value::Table(prior) => prior.text("kind")?,
        _ => return None,
    };
    training_keys::KINDS.contains(&kind).then_some(kind)
}
