//! ⟨J v, w⟩ = ⟨v, Jᵀ w⟩: tangents held against adjoints, operation by operation.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::Path;

use super::forward::lanes;
use super::program::{Action, Program, Source};
use crate::graph::directions::{Columns, Directions, Plan};
use crate::graph::{LANES, Operation};
use crate::ir::{NodeId, Problem, Values};
use crate::random::SplitMix64;

/// Specs that have every operation between them.
const SPECS: [(&str, &[&str]); 8] = [
    ("markers", &["prior=\"vposer-gmm\""]),
    (
        "limits",
        &[
            "terms.ground.kind=\"ground\"",
            "terms.ground.sigma=\"1 cm\"",
        ],
    ),
    ("cameras", &["terms.even.kind=\"symmetry\""]),
    (
        "smooth",
        &["terms.held.kind=\"contact\"", "terms.held.height=\"20 cm\""],
    ),
    ("mixed", &["prior=\"gan-s\""]),
    ("joints", &["terms.bend.kind=\"bending\""]),
    ("bundle", &[]),
    ("graph", &[]),
];
/// Operations that they have.
const KINDS: [&str; 18] = [
    "Affine",
    "Bending",
    "BoneDifferences",
    "Combine",
    "Decoded",
    "Difference",
    "Formula",
    "JointLimits",
    "Kinematics",
    "Markers",
    "NearestComponent",
    "Neighbours",
    "Penetration",
    "Project",
    "Rotations",
    "SixD",
    "Skinning",
    "Sliding",
];

fn problem(name: &str, sets: &[&str]) -> Problem {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("specs/fit/{name}.toml"));
    let options = crate::run::RunOptions {
        sets: sets.iter().map(|s| s.to_string()).collect(),
        ..Default::default()
    };
    match crate::run::check(&path, &options) {
        Ok(checked) => checked.problem,
        Err(error) => panic!("{name}: {error}"),
    }
}

fn numbers(count: usize, random: &mut SplitMix64) -> Vec<f64> {
    (0..count).map(|_| random.normal()).collect()
}

/// J v of all inputs together.
fn forward(operation: &dyn Operation<f64>, x: &[&[f64]], y: &[f64], v: &[Vec<f64>]) -> Vec<f64> {
    let dims: Vec<usize> = x.iter().map(|x| x.len() / LANES).collect();
    let whole = |dims: &usize| {
        let mut columns = Columns::default();
        columns.add(0, (0..*dims).collect());
        columns
    };
    let columns: Vec<Columns> = dims.iter().map(whole).collect();
    let plan = match operation.neighbours() {
        1 => Plan::new(columns, dims, |moved| operation.reach(moved)),
        count => Plan::of_neighbours(columns[0].clone(), dims[0], count, (1, count)),
    };
    let mut dy = vec![0.0; plan.out.len * LANES];
    let dx: Vec<Option<&[f64]>> = v.iter().map(|v| Some(v.as_slice())).collect();
    let directions = Directions {
        plan: &plan,
        dx: &dx,
        dy: &mut dy,
        used: LANES,
        memory: &mut [],
    };
    operation.tangents(x, y, directions);
    let mut out = vec![0.0; y.len()];
    for column in &plan.out.columns {
        for (i, d) in column.dims.iter().enumerate() {
            let from = (column.at + i) * LANES;
            out[d * LANES..(d + 1) * LANES].copy_from_slice(&dy[from..from + LANES]);
        }
    }
    out
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Holds every operation of a problem; returns the kinds of its nodes.
fn holds(problem: &Problem, random: &mut SplitMix64) -> BTreeSet<String> {
    let all = (0..problem.nodes.len()).map(NodeId);
    let program = Program::<f64>::of_nodes(problem, all, 0.0);
    let values = Values::initial(problem);
    let frames: Vec<usize> = (0..LANES).collect();
    let mut noise = SplitMix64(7);
    let mut shaken = Vec::new();
    for id in 0..problem.variables.len() {
        let id = crate::ir::VariableId(id);
        let count = values.all(id).len() / problem.variables[id.0].numbers();
        let mut data = vec![0.0; problem.variables[id.0].numbers() * LANES];
        lanes(&frames, |frame| values.get(id, frame % count), &mut data);
        data.iter_mut().for_each(|x| *x += 0.05 * noise.normal());
        shaken.push(data);
    }
    let rows = problem.sets.iter().map(|s| s.ids.len()).min();
    let rows: Vec<usize> = frames.iter().map(|f| f % rows.unwrap_or(LANES)).collect();
    let found = program.values(|source, out| match source {
        Source::Own(id) if rows == frames => out.copy_from_slice(&shaken[id.0]),
        _ => lanes(
            &rows,
            |row| super::forward::numbers(source, &values, row),
            out,
        ),
    });
    for (at, step) in program.steps.iter().enumerate() {
        let Action::Apply { operation, inputs } = &step.action else {
            continue;
        };
        let x: Vec<&[f64]> = inputs.iter().map(|i| found.of(*i)).collect();
        let y = found.of(at);
        let v: Vec<Vec<f64>> = x.iter().map(|x| numbers(x.len(), random)).collect();
        let w = numbers(y.len(), random);
        let along = forward(operation.as_ref(), &x, y, &v);
        let mut gradients: Vec<Vec<f64>> = x.iter().map(|x| vec![0.0; x.len()]).collect();
        let mut wanted: Vec<_> = gradients
            .iter_mut()
            .map(|g| Some(g.as_mut_slice()))
            .collect();
        operation.adjoint(&x, y, &w, &mut wanted);
        let back: f64 = gradients.iter().zip(&v).map(|(g, v)| dot(g, v)).sum();
        let size = dot(&along, &along).sqrt() * dot(&w, &w).sqrt();
        let error = (dot(&along, &w) - back).abs();
        assert!(
            error <= 1e-9 * size.max(1.0),
            "{}: {error:e}",
            problem.nodes[step.node.0].name
        );
    }
    let kind = |node: &crate::ir::Node| {
        let text = format!("{:?}", node.kind);
        text.split([' ', '('])
            .next()
            .unwrap_or_default()
            .to_string()
    };
    problem.nodes.iter().map(kind).collect()
}

#[test]
fn tangents_and_adjoints_of_every_operation_are_each_others_transposes() {
    let mut random = SplitMix64(11);
    let mut kinds = BTreeSet::new();
    for (name, sets) in SPECS {
        kinds.extend(holds(&problem(name, sets), &mut random));
    }
    for kind in KINDS {
        assert!(kinds.contains(kind), "no spec has {kind}: {kinds:?}");
    }
}
