//! From `[compare]` to cases: every combination of what is varied.

use std::collections::BTreeSet;
use std::path::Path;

use super::CompareOptions;
use super::factors::{Factor, Level, Of};
use crate::diagnostic::{Diagnostic, Diagnostics, Origin};
use crate::error::Error;
use crate::io::FileError;
use crate::spec::{Spec, Table, View};

/// One fit that is wanted.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub method: String,
    pub data: String,
    pub seed: Option<i64>,
    /// What a method may choose among.
    pub tuned: String,
    pub has_body: bool,
    /// What is laid over the spec, with paths beside it.
    pub settings: Vec<String>,
}

impl Case {
    pub fn name(&self) -> String {
        let seed = self.seed.map(|s| format!("seed {s}"));
        let tuned = Some(self.tuned.clone());
        let parts = [
            Some(self.method.clone()),
            tuned,
            Some(self.data.clone()),
            seed,
        ];
        let parts = parts.into_iter().flatten().filter(|p| !p.is_empty());
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// What is to be compared.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub question: Question,
    pub cases: Vec<Case>,
}

/// What the answer needs to know besides the runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Question {
    pub name: String,
    pub methods: Vec<String>,
    pub baseline: Option<String>,
    pub measure: Option<String>,
    pub command: String,
}

impl Plan {
    pub fn question(&self, command: String) -> Question {
        Question {
            command,
            ..self.question.clone()
        }
    }
}

/// More cases than anybody reads.
const MOST: usize = 200;

pub(super) fn plan(path: &Path, options: &CompareOptions) -> Result<Plan, Error> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::Spec {
        path: path.into(),
        reason: FileError::reading(path, &e).message,
    })?;
    let mut diagnostics = Diagnostics::default();
    let own = options.run.registry.kinds();
    let spec = crate::spec::parse(path, &text, &options.run.layers(), own, &mut diagnostics);
    let mut reader = Reader {
        spec: &spec,
        diagnostics: &mut diagnostics,
    };
    let plan = reader.plan(&options.run.sets);
    match diagnostics.has_errors() {
        true => Err(Error::Rejected {
            diagnostics: diagnostics.into(),
            sources: spec.sources.into(),
        }),
        false => Ok(plan),
    }
}

pub(super) struct Reader<'a> {
    pub spec: &'a Spec,
    pub diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn plan(&mut self, sets: &[String]) -> Plan {
        let empty = Table::default();
        let root = self.spec.root();
        let view = View::new(root.table("compare").unwrap_or(&empty), "compare");
        let mut factors = self.factors(&view, "vary");
        factors.extend(self.variants(&view));
        factors.extend(self.factors(&view, "tune"));
        if factors.is_empty() {
            let origin = root.origin_of("compare", &Origin::Default);
            let message = "the spec varies nothing, so there is nothing to compare";
            self.diagnostics.push(
                Diagnostic::error("F0701", message, &origin)
                    .hint("such as `[compare]` with `vary = { prior = [\"none\", \"gmm\"] }`"),
            );
        }
        self.refuse_conflicts(&view, &factors, sets);
        let cases = self.cases(&view, &factors);
        let mut methods: Vec<String> = Vec::new();
        for case in &cases {
            if !methods.contains(&case.method) {
                methods.push(case.method.clone());
            }
        }
        let baseline = view.text("baseline");
        if let Some(given) = baseline
            .as_ref()
            .filter(|b| !methods.iter().any(|m| m == b.value))
        {
            let message = format!("`compare.baseline`: there is no case `{}`", given.value);
            let diagnostic = Diagnostic::error("F0701", message, &given.origin);
            let names = methods.iter().map(String::as_str);
            self.diagnostics
                .push(diagnostic.nearest(given.value, names));
        }
        Plan {
            question: Question {
                name: self.spec.name.clone(),
                methods,
                baseline: baseline.map(|b| b.value.to_string()),
                measure: view.text("measure").map(|m| m.value.to_string()),
                command: String::new(),
            },
            cases,
        }
    }

    fn cases(&mut self, view: &View<'_>, factors: &[Factor]) -> Vec<Case> {
        let count = factors.iter().map(|f| f.levels.len());
        let count = count.fold(1usize, usize::saturating_mul);
        let repeats = self.repeats(view);
        let root = self.spec.root();
        if count.saturating_mul(repeats) > MOST {
            let message = format!("{count} cases with {repeats} seeds each are more than {MOST}");
            let origin = view.origin_of("vary", &Origin::Default);
            self.diagnostics
                .push(Diagnostic::error("F0701", message, &origin));
            return Vec::new();
        }
        let solve = root.table("solve").map(|t| View::new(t, "solve"));
        let first = solve.and_then(|s| s.integer("seed")).map_or(0, |s| s.value);
        let held = self.held_out(view);
        let mut cases = vec![Case {
            method: String::new(),
            data: String::new(),
            seed: None,
            tuned: String::new(),
            has_body: self.spec.has_body,
            settings: held,
        }];
        for factor in factors {
            let alike = factors.iter().filter(|f| f.of == factor.of);
            let titled = factor.of == Of::Settings || alike.count() > 1;
            let with = |case: &Case| -> Vec<Case> {
                let levels = factor.levels.iter();
                levels.map(|l| case.with(l, factor, titled)).collect()
            };
            cases = cases.iter().flat_map(with).collect();
        }
        if repeats > 1 {
            let seeded = |case: &Case| -> Vec<Case> {
                (0..repeats as i64)
                    .map(|k| case.seeded(first + k))
                    .collect()
            };
            cases = cases.iter().flat_map(seeded).collect();
        }
        for case in &mut cases {
            if case.method.is_empty() {
                case.method = "as the spec says".into();
            }
        }
        cases
    }

    /// What two places set would be what the last of them says, under the names of both.
    fn refuse_conflicts(&mut self, view: &View<'_>, factors: &[Factor], sets: &[String]) {
        let path = |setting: &String| {
            let path = setting.split_once('=').map_or("", |s| s.0);
            path.trim().replace(['"', '\''], "")
        };
        let of_factor = |f: &Factor| -> BTreeSet<String> {
            f.levels
                .iter()
                .flat_map(|l| l.settings.iter().map(path))
                .collect()
        };
        let mut known: Vec<BTreeSet<String>> = factors.iter().map(of_factor).collect();
        let compares = |p: &String| p == "compare" || p.starts_with("compare.");
        known.extend(
            sets.iter()
                .map(path)
                .filter(|p| !compares(p))
                .map(|p| [p].into()),
        );
        let under = |a: &str, b: &str| a == b || a.starts_with(&format!("{b}."));
        for (k, one) in known.iter().enumerate() {
            let others = known[k + 1..].iter().flatten();
            let clash = |b: &&String| one.iter().any(|a| under(a, b) || under(b, a));
            if let Some(path) = others.filter(|b| !b.is_empty()).find(clash) {
                let message = format!("`{path}` is set in two places that are combined");
                let origin = view.origin_of("vary", &Origin::Default);
                let hint = "of `vary`, `variants`, `tune` and `--set` only one can set it";
                self.diagnostics
                    .push(Diagnostic::error("F0701", message, &origin).hint(hint));
            }
        }
    }

    /// `hold_out` of the comparison is that of the data sets.
    fn held_out(&mut self, view: &View<'_>) -> Vec<String> {
        let root = self.spec.root();
        let names: Vec<&str> = root.named("data").iter().map(|t| t.0).collect();
        let mut settings = Vec::new();
        for (name, node) in view.table("hold_out").into_iter().flat_map(|t| &t.entries) {
            if !names.contains(&name.as_str()) {
                let message = format!("`compare.hold_out`: the spec has no `data.{name}`");
                let diagnostic = Diagnostic::error("F0701", message, &node.key);
                let names = names.iter().copied();
                self.diagnostics.push(diagnostic.nearest(name, names));
            }
            let name = toml_key(name);
            settings.push(format!("data.{name}.hold_out = {}", node.value.to_toml()));
        }
        settings
    }

    fn repeats(&mut self, view: &View<'_>) -> usize {
        let Some(given) = view.integer("repeats") else {
            return 1;
        };
        if !(1..=100).contains(&given.value) {
            let message = "`compare.repeats` should be from 1 to 100";
            self.diagnostics
                .push(Diagnostic::error("F0205", message, &given.origin));
            return 1;
        }
        given.value as usize
    }
}

impl Case {
    fn with(&self, level: &Level, factor: &Factor, titled: bool) -> Self {
        let mut case = self.clone();
        let name = match factor.of {
            Of::Data => &mut case.data,
            Of::Methods => &mut case.method,
            Of::Settings => &mut case.tuned,
        };
        if !name.is_empty() {
            name.push_str(", ");
        }
        if titled && !factor.title.is_empty() {
            name.push_str(&factor.title);
            name.push(' ');
        }
        name.push_str(&level.name);
        case.settings.extend(level.settings.iter().cloned());
        case
    }

    fn seeded(&self, seed: i64) -> Self {
        let mut case = self.clone();
        case.seed = Some(seed);
        case.settings.push(format!("solve.seed = {seed}"));
        case
    }
}

fn toml_key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    match name.chars().all(bare) && !name.is_empty() {
        true => name.into(),
        false => format!("{name:?}"),
    }
}
