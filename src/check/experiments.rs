//! What an experiment does to the data: parts that are held out, noise, points that go missing.

use ndarray::s;

use super::Checker;
use super::tables::{set_of, tables};
use crate::data::{Dataset, Motion, Observations};
use crate::diagnostic::{Diagnostic, Origin, Sourced};
use crate::ir::SetId;
use crate::random::SplitMix64;
use crate::read::{Input, Inputs};
use crate::spec::{Dimension, Spec, Value, View};

impl Checker<'_> {
    /// Degrades what was observed as `noise` and `missing` say, and takes out what is held out.
    pub(super) fn experiment(&mut self, spec: &Spec, name: &str, observed: &mut Observations) {
        let root = spec.root();
        let Some(table) = root.table("data").and_then(|t| t.table(name)) else {
            return;
        };
        let path = format!("data.{name}");
        let view = View::new(table, &path);
        let noise = self.noise(&view, observed.dimension);
        let missing = self.missing(&view);
        let clean = observed.clone();
        degrade(observed, noise, missing, seed(spec, name));
        if let Some(table) = view.table("hold_out") {
            let path = format!("{path}.hold_out");
            self.hold_out(&View::new(table, &path), observed, &clean);
        }
    }

    fn noise(&mut self, view: &View<'_>, dimension: Dimension) -> f64 {
        let Some(given) = view.quantities("noise") else {
            return 0.0;
        };
        let path = view.path();
        match given.value[..] {
            [q] if q.dimension != dimension || q.of_height => {
                let message = format!(
                    "`{path}.noise` has the unit `{}`, but the data are in `{dimension}`",
                    q.dimension
                );
                self.mistake("F0302", message, &given.origin);
                0.0
            }
            [q] if q.value >= 0.0 && q.value.is_finite() => q.value,
            _ => {
                let message = format!("`{path}.noise` should be one number from zero on");
                self.mistake("F0205", message, &given.origin);
                0.0
            }
        }
    }

    fn missing(&mut self, view: &View<'_>) -> f64 {
        let Some(given) = view.number("missing") else {
            return 0.0;
        };
        if !(0.0..1.0).contains(&given.value) {
            let message = format!("`{}.missing` should be a share from 0 to 1", view.path());
            self.mistake("F0205", message, &given.origin);
            return 0.0;
        }
        given.value
    }

    /// Takes out what is held out, or shows it as it was before it was degraded.
    fn hold_out(&mut self, view: &View<'_>, observed: &mut Observations, clean: &Observations) {
        if view.node("rows").is_some() {
            let message = format!("`{}.rows` is for tables", view.path());
            self.mistake("F0203", message, &view.origin_of("rows", &Origin::Default));
        }
        let all = flag(view, "all");
        let labels = self.chosen_names(view, "labels", &observed.labels);
        let held_labels = observed
            .labels
            .iter()
            .zip(&labels)
            .filter(|(_, held)| **held);
        self.held
            .extend(held_labels.map(|(label, _)| label.clone()));
        let of_views = self.chosen_names(view, "views", &observed.views);
        let every = self.every(view, "frames");
        let mut held = 0;
        for ((f, v, p), confidence) in observed.confidence.indexed_iter_mut() {
            if !(all || labels[p] || of_views[v] || is_nth(every, f)) {
                continue;
            }
            let known = clean.confidence[[f, v, p]];
            held += usize::from(known > 0.0);
            let at = s![f, v, p, ..];
            if self.reveal {
                *confidence = known;
                observed
                    .values
                    .slice_mut(at)
                    .assign(&clean.values.slice(at));
            } else {
                *confidence = 0.0;
                observed.values.slice_mut(at).fill(f64::NAN);
            }
        }
        if held == 0 && !self.diagnostics.has_errors() {
            let message = format!("`{}` holds out nothing that was observed", view.path());
            let origin = view.origin_of("labels", &view.origin_of("views", &Origin::Default));
            self.mistake("F0528", message, &origin);
        }
    }

    /// Noise and missing points are for points.
    pub(super) fn refuse_degraded_tables(&mut self) {
        let root = self.spec.root();
        let inputs = self.inputs;
        for (name, ..) in tables(inputs) {
            let table = root.table("data").and_then(|t| t.table(name));
            for key in ["noise", "missing"] {
                if let Some(node) = table.and_then(|t| t.get(key)) {
                    let message = format!("`data.{name}.{key}` is for points, and this is a table");
                    self.mistake("F0203", message, &node.key);
                }
            }
        }
    }

    /// Whether anything of a data set is held out: a start, or what a term is about, would tell the fit.
    pub(super) fn is_held_out(&self, name: &str) -> bool {
        let root = self.spec.root();
        let table = root.table("data").and_then(|t| t.table(name));
        table.is_some_and(|t| t.table("hold_out").is_some())
    }

    /// Says so of a motion.
    pub(super) fn refuse_held_out(&mut self, name: &str, origin: &Origin) -> bool {
        let held = self.is_held_out(name);
        if held {
            self.mistake("F0528", held_out(name), origin);
        }
        held
    }

    /// Takes the weight of rows that their table holds out.
    pub(super) fn hold_rows(&mut self, over: SetId, weights: &mut [f64]) {
        let set = self.sets[over.0].name.clone();
        let of_set = |d: &&Input| match &d.dataset {
            Dataset::Table(table) => set_of(&d.name, table) == set,
            _ => false,
        };
        let inputs = self.inputs;
        for input in inputs.data.iter().filter(of_set) {
            let held = self.held_rows(&input.name, weights.len());
            let rows = weights.iter_mut().zip(held);
            rows.filter(|(_, held)| *held).for_each(|(w, _)| *w = 0.0);
        }
    }

    /// The rows of a table that are held out.
    fn held_rows(&mut self, name: &str, rows: usize) -> Vec<bool> {
        let none = vec![false; rows];
        let root = self.spec.root();
        let table = root.table("data").and_then(|t| t.table(name));
        let Some(table) = table.and_then(|t| t.table("hold_out")) else {
            return none;
        };
        let path = format!("data.{name}.hold_out");
        let view = View::new(table, &path);
        for key in ["labels", "views", "frames"] {
            if view.node(key).is_some() {
                let message = format!("`{path}.{key}` is for points; a table has `rows`");
                self.mistake("F0203", message, &view.origin_of(key, &Origin::Default));
            }
        }
        let (all, every) = (flag(&view, "all"), self.every(&view, "rows"));
        let held: Vec<bool> = (0..rows).map(|r| all || is_nth(every, r)).collect();
        if !held.contains(&true) {
            let message = format!("`{path}` holds out none of {rows} rows");
            self.mistake("F0528", message, &view.origin_of("rows", &Origin::Default));
        }
        match self.reveal {
            true => none,
            false => held,
        }
    }

    /// For each name whether it is in a list, or an n-th one.
    fn chosen_names(&mut self, view: &View<'_>, key: &str, names: &[String]) -> Vec<bool> {
        if let Some(Value::Array(_)) = view.node(key).map(|n| &n.value) {
            let wanted = view.texts(key).unwrap_or_default();
            if names.iter().all(String::is_empty) {
                let message = format!("`{}.{key}`: these data have no {key}", view.path());
                self.mistake("F0403", message, &view.origin_of(key, &Origin::Default));
                return vec![false; names.len()];
            }
            for text in &wanted {
                if !names.iter().any(|n| n == text.value) {
                    self.no_name(view.path(), text, names);
                }
            }
            let is_wanted = |n: &String| wanted.iter().any(|t| t.value == n);
            return names.iter().map(is_wanted).collect();
        }
        let every = self.every(view, key);
        (0..names.len()).map(|i| is_nth(every, i)).collect()
    }

    fn no_name(&mut self, path: &str, text: &Sourced<&str>, names: &[String]) {
        let message = format!("`{path}`: nothing is called `{}`", text.value);
        let diagnostic = Diagnostic::error("F0403", message, &text.origin);
        let names = names.iter().map(String::as_str);
        self.diagnostics.push(diagnostic.nearest(text.value, names));
    }

    fn every(&mut self, view: &View<'_>, key: &str) -> Option<usize> {
        let given = view.number(key)?;
        if given.value < 2.0 || given.value.fract() != 0.0 {
            let message = format!("`{}.{key}` should be a whole number from 2 on", view.path());
            let hint = "every n-th is held out; `all = true` holds out everything";
            self.diagnostics
                .push(Diagnostic::error("F0205", message, &given.origin).hint(hint));
            return None;
        }
        Some(given.value as usize)
    }

    fn mistake(&mut self, code: &'static str, message: String, origin: &Origin) {
        self.diagnostics
            .push(Diagnostic::error(code, message, origin));
    }
}

pub(super) fn held_out(name: &str) -> String {
    format!("`{name}` is held out, so nothing can start at it or be near it")
}

/// Whether any data set holds something out.
pub(crate) fn holds_out(spec: &Spec) -> bool {
    let root = spec.root();
    let sets = root.named("data").into_iter();
    sets.into_iter()
        .any(|(_, table, _)| table.table("hold_out").is_some())
}

/// The first motion that is held out whole.
pub(crate) fn true_motion<'i>(spec: &Spec, inputs: &'i Inputs) -> Option<&'i Motion> {
    let root = spec.root();
    let held_whole = |name: &str| {
        let table = root.table("data").and_then(|t| t.table(name));
        let held = table.and_then(|t| t.table("hold_out"));
        held.is_some_and(|t| flag(&View::new(t, ""), "all"))
    };
    inputs.data.iter().find_map(|input| match &input.dataset {
        Dataset::Motion(motion) if held_whole(&input.name) => Some(motion),
        _ => None,
    })
}

fn is_nth(every: Option<usize>, at: usize) -> bool {
    every.is_some_and(|n| at % n == n - 1)
}

fn flag(view: &View<'_>, key: &str) -> bool {
    matches!(view.node(key).map(|n| &n.value), Some(Value::Bool(true)))
}

/// Of the spec's seed and the data set's name, so that no two data sets are degraded alike.
fn seed(spec: &Spec, name: &str) -> u64 {
    let root = spec.root();
    let solve = root.table("solve");
    let seed = solve.and_then(|t| View::new(t, "solve").integer("seed"));
    let mut mixed = SplitMix64(seed.map_or(0, |s| s.value as u64));
    name.bytes().fold(mixed.bits(), |seed, byte| {
        SplitMix64(seed ^ u64::from(byte)).bits()
    })
}

/// What is drawn for a point depends on its place alone, so that more noise is the same noise, larger.
fn degrade(observed: &mut Observations, noise: f64, missing: f64, seed: u64) {
    if noise == 0.0 && missing == 0.0 {
        return;
    }
    let mut random = SplitMix64(seed);
    let components = observed.values.dim().3;
    for ((f, v, p), confidence) in observed.confidence.indexed_iter_mut() {
        let gone = random.uniform() < missing;
        for c in 0..components {
            observed.values[[f, v, p, c]] += noise * random.normal();
        }
        if gone {
            *confidence = 0.0;
        }
    }
    observed.mask_missing();
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, Array4};

    fn points(frames: usize) -> Observations {
        Observations {
            labels: (0..50).map(|p| p.to_string()).collect(),
            views: vec![String::new()],
            values: Array4::zeros((frames, 1, 50, 3)),
            confidence: Array3::ones((frames, 1, 50)),
            dimension: Dimension::LENGTH,
            rate: None,
            frame_numbers: (0..frames as u64).collect(),
        }
    }

    #[test]
    fn noise_has_its_size_and_the_share_goes_missing() {
        let mut found = points(100);
        degrade(&mut found, 0.02, 0.3, 5);
        let seen: Vec<f64> = found
            .values
            .iter()
            .copied()
            .filter(|x| x.is_finite())
            .collect();
        let square = seen.iter().map(|x| x * x).sum::<f64>() / seen.len() as f64;
        assert!((square.sqrt() - 0.02).abs() < 5e-4, "{square}");
        let gone = found.confidence.iter().filter(|c| **c == 0.0).count();
        assert!((gone as f64 / 5000.0 - 0.3).abs() < 0.02, "{gone}");
    }

    #[test]
    fn twice_the_noise_is_the_same_noise_twice_as_large() {
        let (mut once, mut twice) = (points(3), points(3));
        degrade(&mut once, 0.01, 0.0, 1);
        degrade(&mut twice, 0.02, 0.0, 1);
        let off = (&once.values * 2.0 - &twice.values).mapv(f64::abs).sum();
        assert!(off < 1e-12, "{off}");
    }
}
