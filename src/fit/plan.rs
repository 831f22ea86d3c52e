//! What a fit will take: each stage's structure and work, and what it took on a few of the frames.

use std::time::Instant;

use dfdx::prelude::Cpu;
use rayon::ThreadPoolBuilder;

use super::{Fit, FitProgress, fit, frames, open, windows};
use crate::compile::CompiledObjective;
use crate::compile::work::Work;
use crate::graph::{Host, Scalar};
use crate::ir::{Coupling, Per, Precision, Problem, Residual, Stage, Variable};
use crate::objective::{Evaluation, Objective, Want};
use crate::solve::MethodKind;

/// Frames that are fitted to see what a fit takes.
const FITTED: usize = 64;
/// What is measured of an evaluation, and for how long, seconds.
const WANTS: [Want; 3] = [Want::Cost, Want::Gradient, Want::Normal];
const LONG_ENOUGH: f64 = 0.02;
/// How often a run holds a frame's values, its method's state and results included, and its
/// observations; measured on long inputs.
const COPIES: usize = 14;
const SEEN: usize = 4;
/// Frames of an independent stage whose normal equations a thread holds at a time.
const AT_A_TIME: usize = 128;

/// What one stage will take.
#[derive(Clone, Debug)]
pub struct StagePlan {
    pub name: String,
    pub method: MethodKind,
    /// What is solved on its own: frames, or elements of a set.
    pub axis: String,
    /// Those that take part.
    pub frames: usize,
    /// Frames of the longest window that a joint stage is solved in: all of few.
    pub window: usize,
    /// Unknowns of a frame, and those that all frames share.
    pub unknowns: (usize, usize),
    /// Whether the frames are one problem; neighbours on each side that a residual ties then.
    pub joint: Option<usize>,
    /// Multiply-adds of a frame: its part of JᵀJ, and of the factor of that.
    pub products: (usize, usize),
    /// Bytes of a frame's directions, which an evaluation with JᵀJ writes and reads.
    pub bytes: usize,
    /// Of one frame's cost, cost with gradient, and cost with JᵀJ, measured on one thread, seconds.
    pub evaluation: [f64; 3],
    /// Frames that were fitted: the first ones.
    pub fitted: usize,
    /// What they took: iterations of a frame, all starts together, or of the joint problem.
    pub iterations: f64,
    /// What all frames take, if the others are like them.
    pub seconds: f64,
    /// Memory besides that of the inputs, MB.
    pub memory_mb: f64,
    /// Of a problem over tables its unknowns and how they are solved for, in words.
    pub tables: Option<String>,
    /// Unknowns of which no term says anything where the fitted frames ended, in words.
    pub open: Vec<String>,
}

impl StagePlan {
    /// The first few of what is open.
    pub fn open_in_words(&self) -> String {
        open::in_words(&self.open)
    }
}

/// What each stage of a problem will take, from a fit of its first frames; `report` hears of every round
/// of it and returns false to stop early.
pub fn plan(problem: &Problem, report: &mut dyn FnMut(FitProgress<'_>) -> bool) -> Vec<StagePlan> {
    let first = problem.observed.iter().position(|o| *o).unwrap_or(0);
    let few = problem.excerpt(first..problem.frames.min(first + FITTED));
    let found = fit(&few, report);
    let of_stage = match problem.settings.precision {
        Precision::F32 => of_stage::<f32, Cpu>,
        Precision::F64 => of_stage::<f64, Cpu>,
    };
    let pairs = problem.stages.iter().zip(&few.stages);
    pairs
        .map(|(stage, of_few)| of_stage(problem, stage, &few, of_few, &found))
        .collect()
}

/// From a stage of the whole problem and that of the few frames that were fitted.
fn of_stage<E: Scalar, D: Host<E>>(
    problem: &Problem,
    stage: &Stage,
    few: &Problem,
    of_few: &Stage,
    found: &Fit,
) -> StagePlan {
    let joint = stage.coupling != Coupling::Independent;
    let frames = usable(problem, stage);
    let sample = usable(few, of_few);
    let window = windows::longest(problem, stage, &frames);
    let objective =
        CompiledObjective::<E, D>::new(few, of_few, &found.values, sample.clone(), joint);
    let evaluation = WANTS.map(|want| on_one_thread(&objective, want, sample.len()));
    let work = objective.work();
    let took = found.stages.iter().find(|o| o.name == stage.name);
    let each = if joint { 1 } else { sample.len().max(1) };
    let iterations = took.map_or(0, |o| o.solution.iterations.iter().sum::<usize>());
    let seconds = took.map_or(0.0, |o| o.solution.seconds);
    let still = |per: Per| {
        let held = stage.held.iter();
        let held = held.filter(|(id, _)| problem.variables[id.0].per == per);
        held.map(|(_, places)| places.len()).sum::<usize>()
    };
    let (own, shared) = work.unknowns;
    StagePlan {
        name: stage.name.clone(),
        method: stage.method,
        axis: problem.axis().into(),
        frames: frames.len(),
        window,
        unknowns: (own - still(Per::Frame), shared - still(Per::Subject)),
        joint: joint.then_some(work.width),
        products: (work.square, work.factor),
        bytes: work.directions * size_of::<E>(),
        evaluation,
        fitted: sample.len(),
        iterations: iterations as f64 / each as f64,
        seconds: seconds * frames.len() as f64 / sample.len().max(1) as f64,
        memory_mb: memory(problem, &work, window, joint) / 1e6,
        tables: in_tables(problem, stage, &work),
        open: open::open(few, of_few, &found.values, &sample),
    }
}

/// The unknowns of a problem over tables.
fn in_tables(problem: &Problem, stage: &Stage, work: &Work) -> Option<String> {
    let unknowns = problem.unknowns_of_rows(stage)?;
    let (eliminated, left, sparse) = work.tables?;
    let factor = if sparse { "sparse" } else { "dense" };
    Some(match eliminated {
        0 => format!("{unknowns} unknowns, one {factor} factor"),
        _ => format!(
            "{unknowns} unknowns, {eliminated} eliminated block by block, {left} left for a {factor} factor"
        ),
    })
}

fn usable(problem: &Problem, stage: &Stage) -> Vec<usize> {
    let usable = |f| problem.observed[f] && frames::representable(problem, f);
    let usable: Vec<bool> = (0..problem.frames).map(usable).collect();
    frames::of_stage(problem, stage, &usable)
}

/// Seconds that an evaluation takes of a frame; zero where there are none.
fn on_one_thread<E: Scalar, D: Host<E>>(
    objective: &CompiledObjective<'_, E, D>,
    want: Want,
    frames: usize,
) -> f64 {
    let pool = ThreadPoolBuilder::new().num_threads(1).build();
    let Some(pool) = pool.ok().filter(|_| frames > 0) else {
        return 0.0;
    };
    let all: Vec<usize> = (0..objective.problems()).collect();
    let x = objective.start();
    pool.install(|| {
        let mut out = Evaluation::default();
        let begun = Instant::now();
        let mut times = Vec::new();
        while times.len() < 3 || begun.elapsed().as_secs_f64() < LONG_ENOUGH {
            let begun = Instant::now();
            objective.evaluate(&x, &all, want, &mut out);
            times.push(begun.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        times[times.len() / 2] / frames as f64
    })
}

/// Bytes of the values, and of normal equations and factors of what is solved at a time.
fn memory(problem: &Problem, work: &Work, frames: usize, joint: bool) -> f64 {
    let of_frames = problem.variables.iter().filter(|v| v.per == Per::Frame);
    let numbers: usize = of_frames.map(Variable::numbers).sum();
    let observed = problem.terms.iter().map(|t| match &t.residual {
        Residual::Points(targets) | Residual::Seen { targets, .. } => {
            targets.observations.values.len()
        }
        Residual::Value { .. } | Residual::Rows { .. } => 0,
    });
    let values = 8 * (COPIES * numbers * problem.frames + SEEN * observed.sum::<usize>());
    let (own, shared) = work.unknowns;
    let equations = match joint {
        true => 2 * 8 * frames * (own * own * (work.width + 1) + own * shared),
        false => 8 * frames.min(AT_A_TIME * rayon::current_num_threads()) * own * (own + 1),
    };
    (values + equations) as f64
}
