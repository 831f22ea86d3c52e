//! The checked problem: variables over index sets on manifolds, typed nodes, terms, stages.

pub(crate) mod batch;
mod curves;
mod excerpt;
mod explain;
mod graphs;
mod values;

use std::sync::Arc;

use nalgebra::Matrix3;

use crate::body::marker_points::Mount;
use crate::camera::{Camera, CameraPart};
use crate::data::Observations;
use crate::graph::concat::Part;
use crate::graph::formula::Formula;
use crate::keypoints::combine::Part as KeypointPart;
use crate::manifold::Manifold;
use crate::prior::{Learned, Mixture};
use crate::solve::MethodKind;
use crate::spec::Dimension;
use crate::term::Whitening;
use crate::term::joint_limits::JointRange;
use crate::term::symmetry::Bone;

pub use curves::Curve;
pub use graphs::Graph;
pub(crate) use graphs::graphs;
pub use values::Values;

/// Everything that a fit needs, with nothing left to ask.
#[derive(Clone, Debug)]
pub struct Problem {
    pub name: String,
    /// Length of the frame axis.
    pub frames: usize,
    /// What the data call each frame.
    pub frame_numbers: Vec<u64>,
    /// Frames after which the data's numbers skip some, ascending: no term ties frames across.
    pub gaps: Vec<usize>,
    /// Of which recording each frame is, where the data say it; else empty.
    pub sequences: Vec<u64>,
    /// Frames per second, where known.
    pub rate: Option<f64>,
    /// The index sets that tables make, besides the frames.
    pub sets: Vec<IndexSet>,
    /// The set whose elements are problems of their own; they stand for frames then.
    pub batch: Option<SetId>,
    pub variables: Vec<Variable>,
    /// In an order in which each reads only earlier ones.
    pub nodes: Vec<Node>,
    pub terms: Vec<Term>,
    /// Terms that can be drawn against a column.
    pub curves: Vec<Curve>,
    pub placement: Option<Placement>,
    pub stages: Vec<Stage>,
    pub settings: Settings,
    pub output: Output,
    /// For each frame whether any term observes it.
    pub observed: Vec<bool>,
    /// Turns the axes of the data into ours (y up); results go back through its transpose.
    pub upright: Matrix3<f64>,
}

impl Problem {
    pub(crate) fn variable(&self, name: &str) -> Option<VariableId> {
        let at = self.variables.iter().position(|v| v.name == name)?;
        Some(VariableId(at))
    }

    /// Whether every frame, or element of a batch, has its own copy of a variable.
    pub(crate) fn is_own(&self, variable: &Variable) -> bool {
        match variable.per {
            Per::Frame => true,
            Per::Row(set) => self.batch == Some(set),
            Per::Subject => false,
        }
    }

    /// What the elements are called that are solved on their own: frames, or those of a set.
    pub fn axis(&self) -> &str {
        self.batch.map_or("frame", |set| &self.sets[set.0].name)
    }

    /// The terms as they were last solved: each as the last stage that it takes part in has it.
    pub(crate) fn final_terms(&self) -> impl Iterator<Item = &Term> {
        self.terms.iter().map(|stated| {
            let of_stages = self.stages.iter().rev().flat_map(|s| &s.terms);
            let mut same = of_stages.filter(|t| t.name == stated.name);
            same.next().unwrap_or(stated)
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableId(pub usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetId(pub usize);

/// One copy for each frame, one for each element of a set, or one for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Per {
    Subject,
    Frame,
    Row(SetId),
}

/// What the rows of tables are about, such as points and cameras.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexSet {
    pub name: String,
    /// What the data call each element.
    pub ids: Vec<i64>,
}

/// A named unknown.
#[derive(Clone, Debug)]
pub struct Variable {
    pub name: String,
    /// Where one copy lives.
    pub manifold: Manifold,
    /// Copies side by side: one for each marker or camera, else one.
    pub copies: usize,
    /// What the copies are called, where there are several.
    pub labels: Vec<String>,
    pub per: Per,
    pub dimension: Dimension,
    /// All copies of one frame, for all frames or for each, or those of all elements of a set, in stored
    /// numbers.
    pub init: Vec<f64>,
    /// Elements of a set whose copies keep still.
    pub held: Vec<usize>,
    /// Other values from which a frame may start.
    pub starts: Arc<Vec<Vec<f64>>>,
    /// Typical size of a change in tangent coordinates; whitens the problem.
    pub scale: f64,
}

impl Variable {
    /// Numbers that are stored for one frame, one element or all.
    pub fn numbers(&self) -> usize {
        self.copies * self.manifold.ambient()
    }

    /// Unknowns of one frame, one element or all.
    pub fn unknowns(&self) -> usize {
        self.copies * self.manifold.tangent()
    }
}

/// A typed value that terms read.
#[derive(Clone, Debug)]
pub struct Node {
    /// For people; nothing is found by it.
    pub name: String,
    pub kind: NodeKind,
    pub per: Per,
    /// Numbers of one copy.
    pub dims: usize,
    pub dimension: Dimension,
}

/// What a node is: two of the same kind that read the same nodes are one node.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    Variable(VariableId),
    /// For each row of a set the copy of a variable that the row refers to.
    Taken {
        of: VariableId,
        over: SetId,
        rows: Arc<Vec<u32>>,
    },
    /// Numbers of a table, row by row, or of a data set, frame by frame.
    Column {
        over: Option<SetId>,
        values: Arc<Vec<f64>>,
    },
    /// A user's expression.
    Formula {
        of: Vec<NodeId>,
        formula: Arc<Formula>,
        /// The set whose rows each have a value; by what it reads where it says none.
        over: Option<SetId>,
    },
    /// Axis-angle vectors to matrices.
    Rotations {
        of: NodeId,
    },
    /// Six numbers for each joint from a code, and the hidden layers of the prior's decoder.
    Decoded {
        of: NodeId,
        prior: Arc<Learned>,
    },
    /// Six numbers for each joint to matrices.
    SixD {
        of: NodeId,
    },
    /// Rows side by side; one node for each `Part::Input`.
    Concat {
        of: Vec<NodeId>,
        parts: Arc<Vec<Part>>,
    },
    /// Matrices to axis-angle vectors.
    AxisAngle {
        of: NodeId,
    },
    /// offset + x Aᵀ.
    Affine {
        of: NodeId,
        offset: Arc<Vec<f64>>,
        matrix: Arc<Vec<f64>>,
    },
    Kinematics {
        root: NodeId,
        body: NodeId,
        rest: NodeId,
        trans: NodeId,
        parents: Arc<Vec<usize>>,
    },
    Correctives {
        rest: NodeId,
        rotations: NodeId,
        directions: Arc<Vec<f64>>,
    },
    Skinning {
        transforms: NodeId,
        joints: NodeId,
        vertices: NodeId,
        weights: Arc<Vec<Vec<(usize, f64)>>>,
    },
    /// Weighted means of joints and vertices.
    Combine {
        transforms: NodeId,
        vertices: Option<NodeId>,
        keypoints: Arc<Vec<Vec<(KeypointPart, f64)>>>,
    },
    /// Centres of markers on the skin or at joints.
    Markers {
        transforms: NodeId,
        vertices: Option<NodeId>,
        /// A free offset for each marker of the layout.
        offsets: Option<NodeId>,
        mounts: Arc<Vec<Mount<f64>>>,
        /// For each marker its copy among the offsets.
        slots: Arc<Vec<usize>>,
    },
    /// The whitened distance to the nearest component of a mixture.
    NearestComponent {
        of: NodeId,
        mixture: Arc<Mixture>,
    },
    Project {
        points: NodeId,
        cameras: Arc<Vec<Camera>>,
        free: Vec<FreePart>,
    },
    /// How far the joints of `pose_body` lie outside of their ranges.
    JointLimits {
        of: NodeId,
        ranges: Arc<Vec<JointRange>>,
    },
    /// The exponential penalty of elbows and knees.
    Bending {
        of: NodeId,
    },
    /// How deep points lie below a level plane.
    Penetration {
        points: NodeId,
        height: f64,
    },
    /// The numbers of a frame and of those after it, `count` in all.
    Neighbours {
        of: NodeId,
        count: usize,
    },
    /// Finite differences of neighbours.
    Difference {
        neighbours: NodeId,
        order: usize,
        rate: f64,
    },
    /// The velocity of points near a level plane.
    Sliding {
        neighbours: NodeId,
        height: f64,
        fade: f64,
        rate: f64,
    },
    /// Left minus right length of bones of the rest skeleton.
    BoneDifferences {
        rest: NodeId,
        pairs: Arc<Vec<[Bone; 2]>>,
    },
}

/// A variable that stands for a part of some cameras.
#[derive(Clone, Debug, PartialEq)]
pub struct FreePart {
    pub part: CameraPart,
    pub node: NodeId,
    /// For each copy the camera of the projection, where a view shows it.
    pub cameras: Vec<Option<usize>>,
    /// Numbers of one copy.
    pub dims: usize,
}

impl NodeKind {
    /// The nodes that it reads.
    pub fn inputs(&self) -> Vec<NodeId> {
        match self {
            Self::Variable(_) | Self::Taken { .. } | Self::Column { .. } => vec![],
            Self::Formula { of, .. } => of.clone(),
            Self::Rotations { of }
            | Self::Decoded { of, .. }
            | Self::SixD { of }
            | Self::AxisAngle { of }
            | Self::Affine { of, .. }
            | Self::JointLimits { of, .. }
            | Self::NearestComponent { of, .. }
            | Self::Neighbours { of, .. }
            | Self::Bending { of } => vec![*of],
            Self::Difference { neighbours, .. } | Self::Sliding { neighbours, .. } => {
                vec![*neighbours]
            }
            Self::Concat { of, .. } => of.clone(),
            Self::Kinematics {
                root,
                body,
                rest,
                trans,
                ..
            } => vec![*root, *body, *rest, *trans],
            Self::Correctives {
                rest, rotations, ..
            } => vec![*rest, *rotations],
            Self::Skinning {
                transforms,
                joints,
                vertices,
                ..
            } => vec![*transforms, *joints, *vertices],
            Self::Combine {
                transforms,
                vertices,
                ..
            } => [Some(*transforms), *vertices]
                .into_iter()
                .flatten()
                .collect(),
            Self::Markers {
                transforms,
                vertices,
                offsets,
                ..
            } => [Some(*transforms), *vertices, *offsets]
                .into_iter()
                .flatten()
                .collect(),
            Self::Project { points, free, .. } => {
                let parts = free.iter().map(|f| f.node);
                std::iter::once(*points).chain(parts).collect()
            }
            Self::Penetration { points, .. } => vec![*points],
            Self::BoneDifferences { rest, .. } => vec![*rest],
        }
    }
}

/// A loss term as it stands outside of any stage.
#[derive(Clone, Debug)]
pub struct Term {
    pub name: String,
    pub node: NodeId,
    pub residual: Residual,
    pub whitening: Whitening,
    /// Frames after a frame that its residual reads.
    pub reach: usize,
    /// Whether the spec says its sigma.
    pub sigma_stated: bool,
}

impl Term {
    /// Whether it ties frames to each other.
    pub fn couples(&self) -> bool {
        self.reach > 0
    }
}

#[derive(Clone, Debug)]
pub enum Residual {
    /// The node's points minus observed ones.
    Points(Arc<Targets>),
    /// The node's value less a fixed one, for all frames or for each, in residuals of `k` components; what
    /// is NaN is not compared.
    Value { k: usize, about: Arc<Vec<f64>> },
    /// As a value about zero, of points of which each is made of an observed one, in residuals of `k`
    /// components.
    Seen { k: usize, targets: Arc<Targets> },
    /// As a value about zero, of the rows of a set, each with its weight: zero where not all is known that
    /// it reads.
    Rows { k: usize, weights: Arc<Vec<f64>> },
}

impl Residual {
    /// A value of so many numbers itself, in residuals of `k` components.
    pub fn value(k: usize, dims: usize) -> Self {
        Self::Value {
            k,
            about: vec![0.0; dims].into(),
        }
    }

    /// What it observes.
    pub fn targets(&self) -> Option<&Arc<Targets>> {
        match self {
            Self::Points(targets) | Self::Seen { targets, .. } => Some(targets),
            Self::Value { .. } | Self::Rows { .. } => None,
        }
    }

    /// Numbers that are observed in a frame.
    pub fn observed(&self, frame: usize) -> usize {
        let Some(targets) = self.targets() else {
            return 0;
        };
        let (_, views, points, components) = targets.observations.values.dim();
        let k = match self {
            Self::Seen { k, .. } => *k,
            _ => components,
        };
        let of_frame = targets
            .weights
            .chunks_exact((views * points).max(1))
            .nth(frame);
        k * of_frame.map_or(0, |w| w.iter().filter(|w| **w > 0.0).count())
    }
}

/// Observations joined to a node, point by point.
#[derive(Clone, Debug)]
pub struct Targets {
    pub labels: Vec<String>,
    pub observations: Arc<Observations>,
    /// (frames, views·points): confidence^p times the keypoint's weight, after `reduce`.
    pub weights: Vec<f64>,
}

impl Targets {
    /// As they are, but that a point counts only where it is seen in so many frames more.
    pub(crate) fn seen_until(self: Arc<Self>, ahead: usize, frames: usize) -> Arc<Self> {
        if ahead == 0 {
            return self;
        }
        let points = self.weights.len() / frames.max(1);
        let seen = |at: usize| self.weights.get(at).is_some_and(|w| *w > 0.0);
        let weight = |(at, w): (usize, &f64)| {
            let all = (1..=ahead).all(|later| seen(at + later * points));
            if all { *w } else { 0.0 }
        };
        Arc::new(Self {
            weights: self.weights.iter().enumerate().map(weight).collect(),
            ..Self::clone(&self)
        })
    }
}

/// The rotation and translation that a closed form can find before the first stage.
#[derive(Clone, Debug)]
pub struct Placement {
    pub rotation: VariableId,
    pub translation: VariableId,
    pub observed: Vec<Observed>,
}

impl Placement {
    /// The two variables, sorted.
    pub fn variables(&self) -> Vec<VariableId> {
        let mut both = vec![self.rotation, self.translation];
        both.sort();
        both
    }
}

/// What a term sees of the points that are placed.
#[derive(Clone, Debug)]
pub struct Observed {
    pub term: String,
    /// (points, 3) in the world.
    pub points: NodeId,
    pub targets: Arc<Targets>,
    /// None: the targets are points in space.
    pub cameras: Option<Arc<Vec<Camera>>>,
    /// How much each point says about the whole's orientation.
    pub rigidity: Vec<f64>,
}

#[derive(Clone, Debug)]
pub struct Stage {
    pub name: String,
    /// Sorted.
    pub free: Vec<VariableId>,
    /// Coordinates that keep still in every copy of a free variable; sorted.
    pub held: Vec<(VariableId, Vec<usize>)>,
    /// The terms that take part, with this stage's settings.
    pub terms: Vec<Term>,
    pub coupling: Coupling,
    pub method: MethodKind,
    pub max_iter: usize,
    /// Width of the kinks of decoders, over the usual size of what they are given; zero in a spec's
    /// own stages.
    pub softness: f64,
}

impl Stage {
    /// Coordinates of a free variable that keep still in every copy.
    pub fn held(&self, id: VariableId) -> &[usize] {
        let of = self.held.iter().find(|(v, _)| *v == id);
        of.map_or(&[], |(_, held)| held)
    }

    /// Whether a term is an energy, which has no residuals.
    pub fn has_energies(&self) -> bool {
        self.terms.iter().any(|t| t.whitening.is_energy)
    }
}

/// What the axes say about a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coupling {
    /// Every frame is a problem of its own.
    Independent,
    /// All frames together: a shared variable is free, or a term ties frames.
    Joint,
    /// Jointly, on this many well-observed frames.
    Subset(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    F32,
    F64,
}

/// How the stages are solved.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub precision: Precision,
    pub history: usize,
    pub learning_rate: f64,
    pub tolerance_grad: f64,
    pub tolerance_cost: f64,
    /// The same where `lm` moves a code through a decoder.
    pub tolerance_of_codes: f64,
    /// Whether solutions are sought to the last digit: without a body, in f64.
    pub polish: bool,
    pub seed: u64,
    /// Starts of a problem without a body, at least one.
    pub starts: usize,
}

/// What a run leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// `{name}` is already filled in.
    pub dir: String,
    pub write: Vec<OutputFile>,
    pub plots: Vec<PlotKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFile {
    Params,
    Convergence,
    Residuals,
    Cameras,
    Joints,
    JointsTrc,
    Points,
    PointsTrc,
    Glb,
    Obj,
    Ply,
    Bvh,
}

impl OutputFile {
    pub const NAMES: [(&str, Self); 12] = [
        ("params.npz", Self::Params),
        ("convergence.csv", Self::Convergence),
        ("residuals.csv", Self::Residuals),
        ("cameras.toml", Self::Cameras),
        ("joints.csv", Self::Joints),
        ("joints.trc", Self::JointsTrc),
        ("points.csv", Self::Points),
        ("points.trc", Self::PointsTrc),
        ("body.glb", Self::Glb),
        ("body.obj", Self::Obj),
        ("body.ply", Self::Ply),
        ("motion.bvh", Self::Bvh),
    ];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlotKind {
    Convergence,
    Terms,
    PerJointError,
    PointErrorOverTime,
    ResidualHeatmap,
    Overlay,
    Body,
    Fit,
    Graph,
    Report,
}

impl PlotKind {
    pub const NAMES: [(&str, Self); 10] = [
        ("convergence", Self::Convergence),
        ("fit", Self::Fit),
        ("graph", Self::Graph),
        ("report", Self::Report),
        ("terms", Self::Terms),
        ("per_joint_error", Self::PerJointError),
        ("point_error_over_time", Self::PointErrorOverTime),
        ("residual_heatmap", Self::ResidualHeatmap),
        ("overlay", Self::Overlay),
        ("body", Self::Body),
    ];
}
