//! What a fit will take: each stage's structure, its work, and the time of a few iterations of it.

use std::time::Instant;

use dfdx::prelude::Cpu;
use rayon::ThreadPoolBuilder;

use super::{Values, codes, frames, open, start};
use crate::compile::CompiledObjective;
use crate::compile::work::Work;
use crate::graph::{Host, Scalar};
use crate::ir::{Coupling, NodeKind, Per, Precision, Problem, Residual};
use crate::objective::{Evaluation, Objective, Want};
use crate::solve::{MethodKind, SolveSettings, minimize};

/// Frames that are measured.
const SAMPLE: usize = 128;
/// Unknowns of a frame that only stands somewhere.
const FEW: usize = 6;
/// What is measured of an evaluation, and for how long, seconds.
const WANTS: [Want; 3] = [Want::Cost, Want::Gradient, Want::Normal];
const LONG_ENOUGH: f64 = 0.02;
/// Iterations that are measured.
const MEASURED: usize = 3;

/// What one stage will take.
#[derive(Clone, Debug)]
pub struct StagePlan {
    pub name: String,
    pub method: MethodKind,
    /// Frames that take part.
    pub frames: usize,
    /// Unknowns of a frame, and those that all frames share.
    pub unknowns: (usize, usize),
    /// Whether the frames are one problem; neighbours on each side that a residual ties then.
    pub joint: Option<usize>,
    /// Multiply-adds of a frame: its part of JᵀJ, and of the factor of that.
    pub products: (usize, usize),
    /// Bytes of a frame's directions, which an evaluation with JᵀJ writes and reads.
    pub bytes: usize,
    /// Of one frame's cost, cost with gradient, and cost with JᵀJ, measured on one thread.
    pub evaluation: [f64; 3],
    /// Of one frame and iteration, measured on this machine with all its threads.
    pub seconds_per_iteration: f64,
    /// What fits of this kind usually need for a frame.
    pub iterations: usize,
    pub seconds: f64,
    /// Memory besides that of the inputs, MB.
    pub memory_mb: f64,
    /// Unknowns of which no term says anything where the stage starts, in words.
    pub open: Vec<String>,
}

impl StagePlan {
    /// The first few of what is open.
    pub fn open_in_words(&self) -> String {
        open::in_words(&self.open)
    }
}

/// What each stage of a problem will take; measures a few iterations on some of its frames.
pub fn plan(problem: &Problem) -> Vec<StagePlan> {
    match problem.settings.precision {
        Precision::F32 => of_stages::<f32, Cpu>(problem),
        Precision::F64 => of_stages::<f64, Cpu>(problem),
    }
}

fn of_stages<E: Scalar, D: Host<E>>(problem: &Problem) -> Vec<StagePlan> {
    let usable = |f| problem.observed[f] && frames::representable(problem, f);
    let usable: Vec<bool> = (0..problem.frames).map(usable).collect();
    let mut values = Values::initial(problem);
    let numbered = problem.stages.iter().enumerate();
    numbered
        .map(|(index, stage)| {
            let frames = frames::of_stage(problem, stage, &usable);
            let sample = &frames[..frames.len().min(SAMPLE)];
            if index == 0 {
                start::place(problem, sample, &mut values);
            }
            let (plan, end) = of_stage::<E, D>(problem, index, &frames, sample, &values);
            values = end;
            plan
        })
        .collect()
}

fn of_stage<E: Scalar, D: Host<E>>(
    problem: &Problem,
    index: usize,
    frames: &[usize],
    sample: &[usize],
    values: &Values,
) -> (StagePlan, Values) {
    let stage = &problem.stages[index];
    let joint = stage.coupling != Coupling::Independent;
    let objective = CompiledObjective::<E, D>::new(problem, stage, values, sample.to_vec(), joint);
    let settings = SolveSettings {
        method: stage.method,
        max_iter: MEASURED,
        tolerance_grad: 0.0,
        tolerance_cost: 0.0,
        ..SolveSettings::default()
    };
    let evaluation = WANTS.map(|want| on_one_thread(&objective, want, sample.len()));
    let mut end = values.clone();
    let mut seconds_per_iteration = 0.0;
    let open = open::open(problem, stage, values, sample);
    if !sample.is_empty() {
        let solution = minimize(&objective, objective.start(), &settings);
        let taken: usize = solution.iterations.iter().sum();
        let of_frames = taken.max(1) * if joint { sample.len() } else { 1 };
        seconds_per_iteration = solution.seconds / of_frames as f64;
        for slot in 0..sample.len() {
            objective.store(&solution.x, slot, &mut end);
        }
    }
    let work = objective.work();
    let iterations = usual_iterations(problem, index, work.unknowns.0);
    let plan = StagePlan {
        name: stage.name.clone(),
        method: stage.method,
        frames: frames.len(),
        unknowns: work.unknowns,
        joint: joint.then_some(work.width),
        products: (work.square, work.factor),
        bytes: work.directions * size_of::<E>(),
        evaluation,
        seconds_per_iteration,
        iterations,
        seconds: seconds_per_iteration * (iterations * frames.len()) as f64,
        memory_mb: memory(problem, &work, frames.len(), joint) / 1e6,
        open,
    };
    (plan, end)
}

/// Seconds that an evaluation takes of a frame; zero where there are none.
fn on_one_thread<E: Scalar, D: Host<E>>(
    objective: &CompiledObjective<'_, E, D>,
    want: Want,
    frames: usize,
) -> f64 {
    let Ok(pool) = ThreadPoolBuilder::new().num_threads(1).build() else {
        return 0.0;
    };
    let (x, all) = (
        objective.start(),
        (0..objective.problems()).collect::<Vec<_>>(),
    );
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
        times[times.len() / 2] / frames.max(1) as f64
    })
}

/// How many iterations a frame of such a stage usually takes, within its limit; all starts together.
fn usual_iterations(problem: &Problem, index: usize, own: usize) -> usize {
    let stage = &problem.stages[index];
    let decodes = problem.nodes.iter().any(|node| match node.kind {
        NodeKind::Decoded { of, .. } => super::soft::moves(problem, stage, of),
        _ => false,
    });
    let joint = stage.coupling != Coupling::Independent;
    let starts = match codes::fresh(problem, index) {
        Some(_) if !joint && stage.method != MethodKind::Lm => codes::TRIED,
        _ => 1,
    };
    let usual = match (stage.method, decodes, joint) {
        (MethodKind::Lm, true, false) => 26,
        (MethodKind::Lm, true, true) => 20,
        (MethodKind::Lm, false, false) if own <= FEW => 3,
        (MethodKind::Lm, false, false) => 9,
        (MethodKind::Lm, false, true) => 6,
        (MethodKind::Lbfgs, true, _) => 300,
        (MethodKind::Lbfgs, false, _) => 120,
        (MethodKind::Adam, ..) => stage.max_iter,
    };
    starts * usual.min(stage.max_iter)
}

/// How often a run holds a frame's values, its method's state and results included, and its
/// observations; measured on long inputs.
const COPIES: usize = 14;
const SEEN: usize = 4;

/// Bytes of the values, and of normal equations and factors of what is solved at a time.
fn memory(problem: &Problem, work: &Work, frames: usize, joint: bool) -> f64 {
    let own = |v: &&crate::ir::Variable| v.per == Per::Frame;
    let numbers: usize = problem
        .variables
        .iter()
        .filter(own)
        .map(|v| v.init.len())
        .sum();
    let observed = problem.terms.iter().map(|t| match &t.residual {
        Residual::Points(targets) => targets.observations.values.len(),
        Residual::Value { .. } => 0,
    });
    let values = 8 * (COPIES * numbers * problem.frames + SEEN * observed.sum::<usize>());
    let (own, shared) = work.unknowns;
    let equations = match joint {
        true => 2 * 8 * frames * (own * own * (work.width + 1) + own * shared),
        false => 8 * frames.min(SAMPLE * rayon::current_num_threads()) * own * (own + 1),
    };
    (values + equations) as f64
}
