//! From a spec and its inputs to a problem: names, axes, units and stages, all mistakes at once.

mod body_terms;
pub(crate) mod experiments;
mod expression_terms;
mod expressions;
mod figure;
mod free_cameras;
mod freed;
mod graduated;
mod ground_terms;
mod join;
pub(crate) use join::cameras_of_views;
mod markers;
mod motions;
mod names;
mod nodes;
mod odd_cameras;
mod output;
mod over_points;
mod own_kinds;
mod placement;
mod plausible;
mod settings;
mod sources;
mod stages;
mod start_names;
mod tables;
mod targets;
mod terms;
mod unused;
mod variables;
mod views;
mod whitening;
mod whole_body;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::data::{Dataset, Observations};
use crate::diagnostic::{Diagnostic, Diagnostics, Origin};
use crate::ir::{Coupling, Curve, IndexSet, Node, Problem, SetId, Term, Variable, batch};
use crate::own::Registry;
use crate::read::{Inputs, Up};
use crate::spec::Spec;

/// What a term observes: a data set, and the cameras that tell its people apart.
type Seen = (String, Option<String>);

/// The parts of a problem while it is being put together.
struct Checker<'a> {
    spec: &'a Spec,
    inputs: &'a Inputs,
    registry: &'a Registry,
    diagnostics: &'a mut Diagnostics,
    sets: Vec<IndexSet>,
    variables: Vec<Variable>,
    nodes: Vec<Node>,
    /// Data sets and sources that expressions read.
    read: BTreeSet<String>,
    curves: Vec<Curve>,
    associated: Vec<(Seen, Arc<Observations>)>,
    /// Sources that are being made, each for the one before it.
    open: Vec<String>,
    frames: usize,
    frame_numbers: &'a [u64],
    /// What data sets see of the person in space.
    placed: Vec<(String, figure::Placed)>,
    /// Whether what is held out is there all the same.
    reveal: bool,
    /// Labels that are held out.
    held: BTreeSet<String>,
}

/// The problem that a spec states; `None` when there are errors among the diagnostics.
pub(crate) fn check(
    (spec, inputs): (&Spec, &Inputs),
    registry: &Registry,
    diagnostics: &mut Diagnostics,
) -> Option<Problem> {
    checked((spec, inputs), registry, false, diagnostics)
}

/// The same problem with all that its data hold out, where they do: what a fit is judged by.
pub(crate) fn revealed((spec, inputs): (&Spec, &Inputs), registry: &Registry) -> Option<Problem> {
    let all = || checked((spec, inputs), registry, true, &mut Diagnostics::default());
    experiments::holds_out(spec).then(all).flatten()
}

fn checked(
    (spec, inputs): (&Spec, &Inputs),
    registry: &Registry,
    reveal: bool,
    diagnostics: &mut Diagnostics,
) -> Option<Problem> {
    let (frames, frame_numbers, rate) = frame_axis(spec, inputs, diagnostics);
    let mut checker = Checker {
        spec,
        inputs,
        registry,
        diagnostics,
        sets: Vec::new(),
        read: BTreeSet::new(),
        variables: Vec::new(),
        nodes: Vec::new(),
        curves: Vec::new(),
        associated: Vec::new(),
        open: Vec::new(),
        frames,
        frame_numbers: &frame_numbers,
        placed: Vec::new(),
        reveal,
        held: BTreeSet::new(),
    };
    checker.check_registry();
    checker.index_sets();
    checker.refuse_degraded_tables();
    checker.variables(&spec.root());
    checker.gauge(&spec.root());
    let terms = checker.terms(spec, rate);
    checker.sources(spec);
    let stages = checker.stages(&terms, rate);
    let (mut stages, of_stages): (Vec<_>, Vec<_>) = stages.into_iter().unzip();
    let placing = of_stages.first().unwrap_or(&terms);
    let placement = checker.placement(&placing.observed);
    let terms = terms.list;
    let gaps = gaps(&frame_numbers);
    let sequences = sequences(inputs, frames);
    let in_stages = stages.iter().flat_map(|s| &s.terms);
    if terms.iter().chain(in_stages).any(Term::couples) {
        checker.warn_gaps(&gaps);
    }
    let gaps = with_ends(gaps, &sequences);
    checker.warn_far_cameras();
    checker.warn_hardly_seen(&terms);
    checker.warn_lone_focal(&terms);
    checker.warn_unused(&terms, &stages);
    let settings = checker.settings();
    let output = checker.output();
    let mut seen = observed_frames(frames, of_stages.iter().flat_map(|t| &t.list));
    let watched = |t: &Term| t.residual.targets().is_some();
    let alone = !spec.has_body || checker.says_poses();
    if !terms.iter().any(watched) && alone {
        seen.fill(true);
    }
    if seen.iter().all(|s| !s) && !terms.is_empty() && spec.has_body {
        checker.nothing_observed();
    }
    let all_terms = || terms.iter().chain(stages.iter().flat_map(|s| &s.terms));
    let batch = checker.batch(all_terms);
    if let Some((_, of_elements)) = &batch {
        seen.clone_from(of_elements);
        stages
            .iter_mut()
            .for_each(|s| s.coupling = Coupling::Independent);
    }
    let Checker {
        sets,
        variables,
        nodes,
        curves,
        diagnostics,
        ..
    } = checker;
    (!diagnostics.has_errors()).then(|| Problem {
        name: spec.name.clone(),
        frames: seen.len(),
        frame_numbers: match &batch {
            Some((set, _)) => sets[set.0].ids.iter().map(|id| *id as u64).collect(),
            None => frame_numbers,
        },
        gaps,
        sequences,
        rate,
        batch: batch.map(|(set, _)| set),
        sets,
        variables,
        nodes,
        terms,
        curves,
        placement,
        stages,
        settings,
        output,
        observed: seen,
        upright: world(inputs).upright(),
    })
}

impl Checker<'_> {
    /// What the data call a frame.
    fn frame_number(&self, frame: usize) -> u64 {
        self.frame_numbers[frame]
    }

    /// Whether a term of the spec's own making, which needs no data, says something of a body.
    fn says_poses(&self) -> bool {
        let root = self.spec.root();
        let own = |kind: &str| self.registry.terms.iter().any(|t| t.name() == kind);
        let mut terms = root.named("terms").into_iter();
        terms.any(|(_, t, _)| t.text("kind").is_some_and(|k| k == "expr" || own(k)))
    }

    /// Whether the spec declares a variable, if only with a mistake, which was complained about.
    fn declares_variable(&self, name: &str) -> bool {
        let root = self.spec.root();
        root.table("vars").is_some_and(|t| t.get(name).is_some())
    }

    /// The set over which a problem of tables alone falls apart, and which of its elements have rows.
    fn batch<'t, I: Iterator<Item = &'t Term>>(
        &self,
        terms: impl Fn() -> I,
    ) -> Option<(SetId, Vec<bool>)> {
        let mut data = self.inputs.data.iter();
        if self.spec.has_body || !data.all(|d| matches!(d.dataset, Dataset::Table(_))) {
            return None;
        }
        let (sets, variables, nodes) = (&self.sets, &self.variables, &self.nodes);
        let set = batch::batch(sets, variables, nodes, terms())?;
        let elements = sets[set.0].ids.len();
        let seen = batch::observed((set, elements), variables, nodes, terms());
        Some((set, seen))
    }

    /// Frames that nothing is said of, which terms along frames would reach across.
    fn warn_gaps(&mut self, gaps: &[usize]) {
        const SHOWN: usize = 4;
        if gaps.is_empty() {
            return;
        }
        let text = |g: &usize| {
            let (last, next) = (self.frame_number(*g), self.frame_number(g + 1));
            format!("{last} and {next}")
        };
        let shown: Vec<String> = gaps.iter().take(SHOWN).map(text).collect();
        let more = if gaps.len() > SHOWN { ", …" } else { "" };
        let message = format!(
            "frames are missing between {}{more}: terms along frames do not reach across",
            shown.join(", ")
        );
        self.diagnostics
            .push(Diagnostic::warning("F0521", message, &Origin::Default));
    }

    fn nothing_observed(&mut self) {
        if self.diagnostics.has_errors() {
            return;
        }
        let root = self.spec.root();
        let targets = root.named("terms").into_iter();
        let target = targets.filter_map(|(_, t, _)| t.get("target")).next();
        let diagnostic = match target {
            Some(node) => Diagnostic::error(
                "F0404",
                "no frame has anything observed: every point is missing or has confidence 0",
                &node.origin,
            )
            .hint(match experiments::holds_out(self.spec) {
                true => "`hold_out` leaves nothing to fit, or there is nothing",
                false => "`array`, `valid`, `confidence` and `min_confidence` of the data decide",
            }),
            None => Diagnostic::error(
                "F0404",
                "the spec has no data to fit the body to",
                &Origin::Default,
            )
            .hint("add `[data.…]` and a term whose `target` it is"),
        };
        self.diagnostics.push(diagnostic);
    }
}

/// Which way is up in the data: results go back into the axes of the first that is not y up.
fn world(inputs: &Inputs) -> Up {
    let mut ups = inputs.data.iter().map(|d| d.up);
    ups.find(|up| *up != Up::Y).unwrap_or(Up::Y)
}

/// The frame axis on which all data sets agree.
fn frame_axis(
    spec: &Spec,
    inputs: &Inputs,
    diagnostics: &mut Diagnostics,
) -> (usize, Vec<u64>, Option<f64>) {
    let root = spec.root();
    // What should have been resampled, but could not be, was complained about.
    let resampled = |name: &str| {
        let data = root.table("data").and_then(|t| t.table(name));
        data.is_some_and(|t| t.get("resample").is_some())
    };
    let mut axis: Option<(&str, Vec<u64>)> = None;
    let mut rate: Option<(&str, f64)> = None;
    for input in &inputs.data {
        let (numbers, of_data) = match &input.dataset {
            Dataset::Points(o) => (o.frame_numbers.clone(), o.rate),
            Dataset::People(p) => (p.frame_numbers.clone(), p.rate),
            Dataset::Motion(m) => (m.frame_numbers.clone(), m.rate),
            Dataset::Cameras(_) | Dataset::Table(_) => continue,
        };
        match (rate, of_data) {
            (Some((first, known)), Some(own)) if drifts(known, own, numbers.len()) => {
                if resampled(&input.name) {
                    continue;
                }
                diagnostics.push(rates_differ(
                    (first, known),
                    (&input.name, own),
                    &input.origin,
                ));
                continue;
            }
            (None, Some(own)) => rate = Some((&input.name, own)),
            _ => {}
        }
        match &axis {
            None => axis = Some((&input.name, numbers)),
            Some((first, known)) if known.len() != numbers.len() => {
                let message = format!(
                    "`{}` has {} frames, but `{first}` has {}",
                    input.name,
                    numbers.len(),
                    known.len()
                );
                diagnostics.push(
                    Diagnostic::error("F0301", message, &input.origin).hint(format!(
                        "choose as many of both, such as `frames = \"0..{}\"`",
                        numbers.len().min(known.len())
                    )),
                );
            }
            Some((first, known)) if *known != numbers => {
                let message = format!(
                    "`{}` and `{first}` number their frames differently; they are paired in order",
                    input.name
                );
                diagnostics.push(Diagnostic::warning("F0506", message, &input.origin));
            }
            Some(_) => {}
        }
    }
    let numbers = axis.map_or(vec![0], |(_, numbers)| numbers);
    (numbers.len(), numbers, rate.map(|(_, rate)| rate))
}

/// Frames after which the numbers take more than their usual step, such as where files are missing.
fn gaps(numbers: &[u64]) -> Vec<usize> {
    let steps = numbers.windows(2).map(|w| w[1].saturating_sub(w[0]));
    let mut sorted: Vec<u64> = steps.clone().collect();
    sorted.sort_unstable();
    let usual = sorted.get(sorted.len() / 2).copied().unwrap_or(1);
    let wide = steps.enumerate().filter(|(_, step)| *step > usual);
    wide.map(|(frame, _)| frame).collect()
}

/// Of which recording each frame is, as the first data set says that knows.
fn sequences(inputs: &Inputs, frames: usize) -> Vec<u64> {
    let mut known = inputs.data.iter().filter_map(|d| d.sequence.as_ref());
    let found = known.find(|s| s.len() == frames);
    found.cloned().unwrap_or_default()
}

/// The gaps, and the frames after which another recording begins.
fn with_ends(mut gaps: Vec<usize>, sequences: &[u64]) -> Vec<usize> {
    let changes = sequences.windows(2).enumerate();
    gaps.extend(changes.filter(|(_, w)| w[0] != w[1]).map(|(f, _)| f));
    gaps.sort_unstable();
    gaps.dedup();
    gaps
}

/// Whether so many frames end half a frame apart, or more.
fn drifts(a: f64, b: f64, frames: usize) -> bool {
    (a / b - 1.0).abs() * frames as f64 > 0.5
}

fn rates_differ(first: (&str, f64), other: (&str, f64), origin: &Origin) -> Diagnostic {
    let message = format!(
        "`{}` has {} frames a second, but `{}` has {}: they are no pairs",
        other.0, other.1, first.0, first.1
    );
    let hint = format!(
        "`resample = \"linear\"` in `data.{}` takes it to the frames of `{}`; or mend `rate`",
        other.0, first.0
    );
    Diagnostic::error("F0301", message, origin).hint(hint)
}

fn observed_frames<'t>(frames: usize, terms: impl IntoIterator<Item = &'t Term>) -> Vec<bool> {
    let mut seen = vec![false; frames];
    for term in terms {
        if let Some(targets) = term.residual.targets() {
            let per_frame = targets.weights.len() / frames.max(1);
            for (f, seen) in seen.iter_mut().enumerate() {
                let row = &targets.weights[f * per_frame..(f + 1) * per_frame];
                *seen |= row.iter().any(|w| *w > 0.0);
            }
        }
    }
    seen
}
