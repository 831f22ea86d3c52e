//! The one match from the problem's nodes and terms to operations.

use std::sync::Arc;

use crate::body::kinematics::Kinematics;
use crate::body::skinning::{PoseCorrectives, Skinning};
use crate::camera::project::{Lens, Projection};
use crate::graph::affine::Affine;
use crate::graph::rodrigues::Rodrigues;
use crate::graph::{CostOperation, Operation, Scalar};
use crate::ir::{Node, NodeKind, Residual, Targets, Term};
use crate::keypoints::combine::Combine;
use crate::prior::mixture::MixtureEnergy;
use crate::term::Whitener;
use crate::term::bending::Bending;
use crate::term::difference::Difference;
use crate::term::ground::Penetration;
use crate::term::joint_limits::JointLimits;
use crate::term::points::Points;
use crate::term::symmetry::BoneDifferences;

pub(super) fn operation<E: Scalar>(kind: &NodeKind, nodes: &[Node]) -> Arc<dyn Operation<E>> {
    let convert = |numbers: &[f64]| numbers.iter().map(|&x| E::of(x)).collect::<Vec<E>>();
    match kind {
        NodeKind::Variable(_) => unreachable!("a variable is a leaf, not an operation"),
        NodeKind::Rotations { of } => Arc::new(Rodrigues {
            count: nodes[of.0].dims / 3,
        }),
        NodeKind::Affine { offset, matrix, .. } => Arc::new(Affine::<E>::new(matrix, offset)),
        NodeKind::Kinematics { parents, .. } => Arc::new(Kinematics {
            parents: parents.to_vec(),
        }),
        NodeKind::Correctives {
            directions,
            rotations,
            ..
        } => Arc::new(PoseCorrectives {
            directions: convert(directions),
            features: nodes[rotations.0].dims,
        }),
        NodeKind::Skinning { weights, .. } => Arc::new(Skinning {
            weights: weights.iter().map(|row| convert_pairs(row)).collect(),
        }),
        NodeKind::Combine { keypoints, .. } => Arc::new(Combine {
            keypoints: keypoints.iter().map(|row| convert_pairs(row)).collect(),
        }),
        NodeKind::Project { points, cameras } => Arc::new(Projection {
            lenses: cameras.iter().map(Lens::new).collect(),
            points: nodes[points.0].dims / 3,
        }),
        NodeKind::JointLimits { ranges, .. } => Arc::new(JointLimits {
            ranges: ranges.to_vec(),
        }),
        NodeKind::Bending { .. } => Arc::new(Bending),
        NodeKind::Penetration { points, height } => Arc::new(Penetration {
            points: nodes[points.0].dims / 3,
            height: E::of(*height),
        }),
        NodeKind::BoneDifferences { pairs, .. } => Arc::new(BoneDifferences {
            pairs: pairs.to_vec(),
        }),
    }
}

fn convert_pairs<K: Copy, E: Scalar>(row: &[(K, f64)]) -> Vec<(K, E)> {
    row.iter().map(|&(key, x)| (key, E::of(x))).collect()
}

pub(super) fn cost<E: Scalar>(term: &Term, node: &Node) -> Box<dyn CostOperation<E>> {
    let whitener = Whitener::new(&term.whitening);
    match &term.residual {
        Residual::Points(targets) => Box::new(points(whitener, targets)),
        Residual::Value { k } => Box::new(Points {
            whitener,
            targets: vec![E::zero(); node.dims],
            confidences: vec![E::one(); node.dims / k],
            points: node.dims / k,
            k: *k,
        }),
        Residual::Difference { order, rate, k } => Box::new(Difference {
            whitener,
            order: *order,
            rate: *rate,
            k: *k,
        }),
        Residual::Mixture(mixture) => Box::new(MixtureEnergy::new(mixture, term.whitening.weight)),
    }
}

fn points<E: Scalar>(whitener: Whitener<E>, targets: &Targets) -> Points<E> {
    let (_, views, points, k) = targets.observations.values.dim();
    let number = |x: &f64| if x.is_finite() { E::of(*x) } else { E::zero() };
    Points {
        whitener,
        targets: targets.observations.values.iter().map(number).collect(),
        confidences: targets.weights.iter().map(|&w| E::of(w)).collect(),
        points: views * points,
        k,
    }
}
