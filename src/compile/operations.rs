//! The one match from the problem's nodes and terms to operations.

use std::sync::Arc;

use crate::body::BODY_JOINTS;
use crate::body::kinematics::Kinematics;
use crate::body::marker_points::{MarkerPoints, Mount};
use crate::body::skinning::{PoseCorrectives, Skinning};
use crate::camera::project::{FreePart, Projection};
use crate::graph::affine::Affine;
use crate::graph::concat::Concat;
use crate::graph::formula::Formula;
use crate::graph::neighbours::Neighbours;
use crate::graph::rodrigues::Rodrigues;
use crate::graph::rotation_log::RotationLog;
use crate::graph::six_d::SixD;
use crate::graph::{Operation, Scalar};
use crate::ir::{self, Node, NodeKind, Residual, Term};
use crate::keypoints::combine::Combine;
use crate::prior::decoding::Decoding;
use crate::prior::mixture::NearestComponent;
use crate::term::bending::Bending;
use crate::term::contact::Sliding;
use crate::term::difference::Difference;
use crate::term::ground::Penetration;
use crate::term::joint_limits::JointLimits;
use crate::term::residuals::{About, Along, Residuals};
use crate::term::symmetry::BoneDifferences;

fn convert<E: Scalar>(numbers: &[f64]) -> Vec<E> {
    numbers.iter().map(|&x| E::of(x)).collect()
}

pub(super) fn operation<E: Scalar>(
    kind: &NodeKind,
    nodes: &[Node],
    softness: f64,
) -> Arc<dyn Operation<E>> {
    match kind {
        NodeKind::Variable(_) | NodeKind::Taken { .. } | NodeKind::Column { .. } => {
            unreachable!("a leaf is no operation")
        }
        NodeKind::Formula { formula, .. } => Arc::new(Formula::clone(formula)),
        NodeKind::Rotations { of } => Arc::new(Rodrigues {
            count: nodes[of.0].dims / 3,
        }),
        NodeKind::Decoded { prior, .. } => Arc::new(Decoding::new(prior, softness)),
        NodeKind::SixD { .. } => Arc::new(SixD { count: BODY_JOINTS }),
        NodeKind::Concat { parts, .. } => Arc::new(Concat {
            parts: parts.to_vec(),
        }),
        NodeKind::AxisAngle { of } => Arc::new(RotationLog {
            count: nodes[of.0].dims / 9,
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
        NodeKind::Markers {
            vertices,
            offsets,
            mounts,
            slots,
            ..
        } => Arc::new(MarkerPoints {
            mounts: mounts.iter().map(convert_mount).collect(),
            slots: match offsets {
                Some(_) => slots.to_vec(),
                None => Vec::new(),
            },
            on_skin: vertices.is_some(),
        }),
        NodeKind::Project {
            points,
            cameras,
            free,
        } => Arc::new(Projection {
            cameras: Arc::clone(cameras),
            points: nodes[points.0].dims / 3,
            free: free.iter().map(free_part).collect(),
            precision: std::marker::PhantomData,
        }),
        NodeKind::NearestComponent { mixture, .. } => Arc::new(NearestComponent::<E>::new(mixture)),
        NodeKind::JointLimits { ranges, .. } => Arc::new(JointLimits {
            ranges: ranges.to_vec(),
        }),
        NodeKind::Bending { .. } => Arc::new(Bending),
        NodeKind::Penetration { points, height } => Arc::new(Penetration {
            points: nodes[points.0].dims / 3,
            height: E::of(*height),
        }),
        NodeKind::Neighbours { of, count } => Arc::new(Neighbours {
            dims: nodes[of.0].dims,
            count: *count,
        }),
        NodeKind::Difference {
            neighbours,
            order,
            rate,
        } => {
            let dims = nodes[neighbours.0].dims / (order + 1);
            Arc::new(Difference::<E>::new(dims, *order, *rate))
        }
        NodeKind::Sliding {
            neighbours,
            height,
            fade,
            rate,
        } => Arc::new(Sliding {
            points: nodes[neighbours.0].dims / 6,
            height: E::of(*height),
            fade: E::of(*fade),
            rate: E::of(*rate),
        }),
        NodeKind::BoneDifferences { pairs, .. } => Arc::new(BoneDifferences {
            pairs: pairs.to_vec(),
        }),
    }
}

/// What a node's value is one of, each on its own.
pub(super) fn alternatives<E: Scalar>(kind: &NodeKind) -> Vec<Arc<dyn Operation<E>>> {
    match kind {
        NodeKind::NearestComponent { mixture, .. } => NearestComponent::<E>::each(mixture)
            .map(|one| Arc::new(one) as Arc<dyn Operation<E>>)
            .collect(),
        _ => Vec::new(),
    }
}

fn convert_pairs<K: Copy, E: Scalar>(row: &[(K, f64)]) -> Vec<(K, E)> {
    row.iter().map(|&(key, x)| (key, E::of(x))).collect()
}

fn free_part(free: &ir::FreePart) -> FreePart {
    FreePart {
        part: free.part,
        cameras: free
            .cameras
            .iter()
            .map(|c| c.unwrap_or(usize::MAX))
            .collect(),
        dims: free.dims,
    }
}

fn convert_mount<E: Scalar>(mount: &Mount<f64>) -> Mount<E> {
    match mount {
        Mount::Skin {
            corners,
            weights,
            distance,
        } => Mount::Skin {
            corners: *corners,
            weights: weights.map(E::of),
            distance: E::of(*distance),
        },
        Mount::Joint { joint, offset } => Mount::Joint {
            joint: *joint,
            offset: offset.map(E::of),
        },
    }
}

pub(super) fn residuals<E: Scalar>(term: &Term, node: &Node, gaps: &Arc<[usize]>) -> Residuals<E> {
    let (about, k) = match &term.residual {
        Residual::Points(targets) => {
            let (_, views, points, k) = targets.observations.values.dim();
            let number = |x: &f64| if x.is_finite() { E::of(*x) } else { E::zero() };
            let about = About::Observed {
                points: views * points,
                values: targets.observations.values.iter().map(number).collect(),
                weights: convert(&targets.weights),
            };
            (about, k)
        }
        Residual::Seen { k, targets } => {
            let about = About::Seen {
                points: node.dims / k,
                weights: convert(&targets.weights),
            };
            (about, *k)
        }
        Residual::Value { k, about }
            if about.len() == node.dims && about.iter().all(|x| x.is_finite()) =>
        {
            (About::Value(convert(about)), *k)
        }
        Residual::Value { k, about } => {
            let number = |x: &f64| if x.is_finite() { E::of(*x) } else { E::zero() };
            let known = about
                .chunks_exact(*k)
                .map(|about| about.iter().all(|x| x.is_finite()));
            let about = About::Observed {
                points: node.dims / k,
                values: about.iter().map(number).collect(),
                weights: known
                    .map(|k| if k { E::one() } else { E::zero() })
                    .collect(),
            };
            (about, *k)
        }
        Residual::Rows { k, weights } => (About::Rows(convert(weights)), *k),
    };
    debug_assert!(node.dims.is_multiple_of(k));
    let along = Along {
        reach: term.reach,
        gaps: Arc::clone(gaps),
    };
    Residuals::new(&term.whitening, about, k, along)
}
