//! The `[data]` table of a training's spec.

use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, Diagnostics, Origin};
use crate::spec::{Spec, View};

#[derive(Clone, Debug)]
pub(crate) struct DataSettings {
    pub train: Vec<PathBuf>,
    pub train_origin: Origin,
    /// Empty where a part of `train` is held out.
    pub val: Vec<PathBuf>,
    /// Of `val`, or of `hold_out`.
    pub val_origin: Origin,
    pub hold_out: HoldOut,
    pub array: Option<String>,
    pub rows: Option<String>,
    /// rad.
    pub near_duplicates: f64,
    pub in_memory: usize,
    pub val_poses: usize,
}

/// What of the training's files is kept for validation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HoldOut {
    Subjects(Vec<String>),
    /// Of the poses, in whole subjects.
    Share(f64),
}

impl DataSettings {
    pub fn of(spec: &Spec, diagnostics: &mut Diagnostics) -> Option<Self> {
        let root = spec.root();
        let view = View::new(root.table("data")?, "data");
        let place = root.node("data").map_or(Origin::Default, |n| n.key.clone());
        let paths = |key: &str| -> Vec<PathBuf> {
            let texts = view.texts(key).unwrap_or_default();
            texts.iter().map(|t| PathBuf::from(t.value)).collect()
        };
        let (train, val) = (paths("train"), paths("val"));
        if train.is_empty() && view.node("train").is_none() {
            let message = "`data.train` does not say what to train on";
            let diagnostic = Diagnostic::error("F0202", message, &place);
            diagnostics.push(
                diagnostic.hint("an npz with poses, a folder of AMASS's files, or a list of both"),
            );
        }
        let hold_out = hold_out(&view, &place, diagnostics);
        let integer = |key: &str| view.integer(key).map_or(1, |f| f.value);
        let angle = view.quantities("near_duplicates");
        let angle = angle.and_then(|q| q.value.first().map(|q| q.value));
        for (key, good) in [
            ("in_memory", integer("in_memory") >= 1),
            ("val_poses", integer("val_poses") >= 1),
            ("near_duplicates", angle.unwrap_or(0.0) >= 0.0),
        ] {
            if let (false, Some(node)) = (good, view.node(key)) {
                let message = format!(
                    "`data.{key}` is {}, but must be above zero",
                    node.value.to_toml()
                );
                diagnostics.push(Diagnostic::error("F0205", message, &node.origin));
            }
        }
        let text = |key: &str| view.text(key).map(|t| t.value.to_string());
        Some(Self {
            train,
            train_origin: view.origin_of("train", &place),
            val,
            val_origin: view.origin_of("val", &view.origin_of("hold_out", &place)),
            hold_out: hold_out?,
            array: text("array"),
            rows: text("rows"),
            near_duplicates: angle.unwrap_or(0.0).max(0.0),
            in_memory: integer("in_memory").clamp(1, u32::MAX.into()) as usize,
            val_poses: integer("val_poses").max(1) as usize,
        })
    }
}

/// Exactly one of `val` and `hold_out` is needed.
fn hold_out(view: &View<'_>, place: &Origin, diagnostics: &mut Diagnostics) -> Option<HoldOut> {
    let mut fail = |code: &'static str, message: &str, origin: &Origin, hint: &str| {
        diagnostics.push(Diagnostic::error(code, message, origin).hint(hint));
        None
    };
    match (view.node("val"), view.node("hold_out")) {
        (Some(_), Some(node)) => fail(
            "F0205",
            "`data.val` and `data.hold_out` exclude each other",
            &node.key,
            "keep one of them",
        ),
        (None, None) => fail(
            "F0202",
            "there is nothing to validate on",
            place,
            "write `val = \"poses.npz\"`, `hold_out = [\"subject\"]` or `hold_out = 0.1`",
        ),
        (Some(_), None) => Some(HoldOut::Share(0.0)),
        (None, Some(node)) => match view.number("hold_out") {
            Some(share) if share.value > 0.0 && share.value < 1.0 => {
                Some(HoldOut::Share(share.value))
            }
            Some(_) => fail(
                "F0205",
                "`data.hold_out` must be between 0 and 1",
                &node.origin,
                "`hold_out = 0.1` keeps about a tenth of the poses for validation",
            ),
            None => {
                let names = view.texts("hold_out")?;
                let names = names.iter().map(|n| n.value.to_string());
                Some(HoldOut::Subjects(names.collect()))
            }
        },
    }
}
