//! What a body model of the SMPL family must hold, checked dim by dim, whatever kind of file it comes from.

use std::path::Path;

use ndarray::{Array2, Array3, ArrayD};

use super::error::{FileError, shape_text};
use super::zip_archive::is_zip;
use super::{body_npz, body_pkl, read_bytes};

/// Reads an `.npz` or a pickle, told apart by its bytes.
pub(crate) fn read(path: &Path) -> Result<BodyArrays, FileError> {
    parse(path, &read_bytes(path)?)
}

/// As [`read`], of a file in memory, which messages call `path`.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<BodyArrays, FileError> {
    match is_pickle(bytes) {
        true => body_pkl::read_bytes(path, bytes),
        false => body_npz::read_bytes(path, bytes),
    }
}

/// Whether the bytes begin as a pickle of any protocol does.
pub(crate) fn is_pickle(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 1..=5, ..] | [b'(' | b'}' | b']' | b'c', ..]) && !is_zip(bytes)
}

/// The arrays of a body model with V vertices, J joints and S shape coefficients.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BodyArrays {
    /// (V, 3), metres.
    pub v_template: Array2<f64>,
    /// (F, 3), below V.
    pub faces: Array2<u32>,
    /// (J, V); none where the file says where joints are.
    pub j_regressor: Option<Array2<f64>>,
    /// (J, 3), metres.
    pub joints: Array2<f64>,
    /// (J, 3, S), metres per unit of a coefficient.
    pub joint_shapedirs: Array3<f64>,
    /// (V, J), skinning weights.
    pub weights: Array2<f64>,
    /// `None` for joint 0, the root; every other parent stands before its child.
    pub parents: Vec<Option<usize>>,
    /// (V, 3, S), metres per unit of a coefficient.
    pub shapedirs: Array3<f64>,
    /// (V, 3, 9 (J − 1)); `None` where the file has none or all are zero.
    pub posedirs: Option<Array3<f64>>,
    pub joint_names: Option<Vec<String>>,
    pub hands: Option<HandSpace>,
}

/// The principal components of both hands' poses, as MANO, SMPL+H and SMPL-X hold them.
#[derive(Debug, Clone, PartialEq)]
pub struct HandSpace {
    /// (45) of the left hand, then of the right: axis-angle of 15 joints, rad.
    pub means: [Vec<f64>; 2],
    /// (45, 45): a component in each row, the strongest first.
    pub components: [Array2<f64>; 2],
}

/// Where a body's arrays come from.
pub(super) trait Fields {
    fn has(&self, name: &str) -> bool;
    /// Found before any number is read, where the file allows it.
    fn shape(&self, name: &str) -> Result<Vec<usize>, FileError>;
    fn floats(&self, name: &str) -> Result<ArrayD<f64>, FileError>;
    fn integers(&self, name: &str) -> Result<ArrayD<i64>, FileError>;
    /// `None` where the names are in a form that is not read.
    fn joint_names(&self) -> Result<Option<Vec<String>>, FileError>;
    /// An error that names the file.
    fn error(&self, message: String) -> FileError;
}

pub(super) fn body(fields: &dyn Fields) -> Result<BodyArrays, FileError> {
    Reader::new(fields)?.body()
}

/// Regressor, joints and their shapes.
type Joints = (Option<Array2<f64>>, Array2<f64>, Array3<f64>);

/// J of SMPL, SMPL+H and SMPL-X.
const JOINT_COUNTS: [usize; 3] = [24, 52, 55];

/// What moves joints, in files that do not derive it from the vertices.
pub(crate) const OWN_JOINTS: &str = "J";
pub(crate) const OWN_SHAPES: &str = "J_shapedirs";

struct Reader<'a> {
    fields: &'a dyn Fields,
    vertices: usize,
    joints: usize,
}

impl<'a> Reader<'a> {
    /// Takes V from `v_template` and J from `kintree_table`: all other arrays are held against them.
    fn new(fields: &'a dyn Fields) -> Result<Self, FileError> {
        let template = shape(fields, "v_template", "(V, 3)", |shape| {
            matches!(shape, [1..=usize::MAX, 3])
        })?;
        let kintree = shape(fields, "kintree_table", "(2, J)", |shape| {
            matches!(shape, [2, _])
        })?;
        let (vertices, joints) = (template[0], kintree[1]);
        // A rig that `fitrun convert` wrote says what its joints are.
        if !JOINT_COUNTS.contains(&joints) && !fields.has(OWN_SHAPES) {
            return Err(fields.error(format!(
                "array `kintree_table` has {joints} joints; permitted are 24 (SMPL), 52 (SMPL+H) and 55 (SMPL-X), \
                 or any number where `fitrun convert` made the file"
            )));
        }
        Ok(Reader {
            fields,
            vertices,
            joints,
        })
    }

    fn body(&self) -> Result<BodyArrays, FileError> {
        let (v, j) = (self.vertices, self.joints);
        let v_template = self.finite("v_template", &[v, 3], "(V, 3)")?;
        let shapedirs = self.shapedirs()?;
        let (j_regressor, joints, joint_shapedirs) = self.joints(&v_template, &shapedirs)?;
        Ok(BodyArrays {
            faces: self.faces()?,
            weights: self.finite("weights", &[v, j], "(V, J)")?,
            parents: self.parents()?,
            posedirs: self.posedirs()?,
            joint_names: self.joint_names()?,
            hands: self.hands()?,
            v_template,
            j_regressor,
            joints,
            joint_shapedirs,
            shapedirs,
        })
    }

    /// Where joints are and what shapes do to them: as the file says, or by its regressor.
    fn joints(&self, template: &Array2<f64>, shapedirs: &Array3<f64>) -> Result<Joints, FileError> {
        let (v, j, s) = (self.vertices, self.joints, shapedirs.dim().2);
        if self.fields.has(OWN_SHAPES) {
            let joints = self.finite(OWN_JOINTS, &[j, 3], "(J, 3)")?;
            let shapes = self.finite(OWN_SHAPES, &[j, 3, s], "(J, 3, S)")?;
            self.body_first()?;
            return Ok((None, joints, shapes));
        }
        let regressor: Array2<f64> = self.finite("J_regressor", &[j, v], "(J, V)")?;
        let joints = regressor.dot(template);
        let flat = shapedirs
            .to_shape((v, 3 * s))
            .map(|flat| regressor.dot(&flat));
        let shapes = flat.unwrap_or_default().into_shape_with_order((j, 3, s));
        Ok((Some(regressor), joints, shapes.unwrap_or_default()))
    }

    /// Whether joints of another skeleton than SMPL's begin with the body's.
    fn body_first(&self) -> Result<(), FileError> {
        let names = self.joint_names()?.unwrap_or_default();
        let begins = names.len() > 21 && names[0] == "pelvis" && names[21] == "right_wrist";
        match begins || JOINT_COUNTS.contains(&self.joints) {
            true => Ok(()),
            false => Err(self.fields.error(
                "array `joint_names` does not begin with the body's joints, pelvis to right_wrist"
                    .into(),
            )),
        }
    }

    /// `None` where the file lacks any of the four arrays.
    fn hands(&self) -> Result<Option<HandSpace>, FileError> {
        const N: usize = 3 * 15;
        let means = ["hands_meanl", "hands_meanr"];
        let components = ["hands_componentsl", "hands_componentsr"];
        let mut all = means.iter().chain(&components);
        if self.joints < 52 || !all.all(|name| self.fields.has(name)) {
            return Ok(None);
        }
        let mean = |name| self.finite::<ndarray::Ix1>(name, &[N], "(45)");
        let matrix = |name| self.finite::<ndarray::Ix2>(name, &[N, N], "(45, 45)");
        Ok(Some(HandSpace {
            means: [mean(means[0])?.to_vec(), mean(means[1])?.to_vec()],
            components: [matrix(components[0])?, matrix(components[1])?],
        }))
    }

    fn shapedirs(&self) -> Result<Array3<f64>, FileError> {
        let found = shape(self.fields, "shapedirs", "(V, 3, S)", |shape| {
            matches!(shape, [_, 3, 1..=usize::MAX])
        })?;
        self.finite("shapedirs", &[self.vertices, 3, found[2]], "(V, 3, S)")
    }

    fn posedirs(&self) -> Result<Option<Array3<f64>>, FileError> {
        if !self.fields.has("posedirs") {
            return Ok(None);
        }
        let dims = [self.vertices, 3, 9 * (self.joints - 1)];
        let posedirs: Array3<f64> = self.finite("posedirs", &dims, "(V, 3, 9 (J - 1))")?;
        Ok(posedirs
            .iter()
            .any(|&value| value != 0.0)
            .then_some(posedirs))
    }

    fn faces(&self) -> Result<Array2<u32>, FileError> {
        let count = shape(self.fields, "f", "(F, 3)", |shape| matches!(shape, [_, 3]))?[0];
        let faces: ArrayD<i64> = self.fields.integers("f")?;
        let in_range = |&vertex: &i64| (0..self.vertices as i64).contains(&vertex);
        if let Some(vertex) = faces.iter().find(|vertex| !in_range(vertex)) {
            let last = self.vertices - 1;
            return Err(self.fields.error(format!(
                "array `f` names vertex {vertex}; expected 0 to {last}"
            )));
        }
        let vertices: Vec<u32> = faces.iter().map(|&vertex| vertex as u32).collect();
        Array2::from_shape_vec((count, 3), vertices)
            .map_err(|error| self.fields.error(error.to_string()))
    }

    /// The first row of `kintree_table`; the root's parent is written as −1, or as 2³² − 1 where the dtype has no sign.
    fn parents(&self) -> Result<Vec<Option<usize>>, FileError> {
        const NONE: [i64; 2] = [-1, u32::MAX as i64];
        let kintree = self.fields.integers("kintree_table")?;
        let row = kintree.iter().take(self.joints).enumerate();
        row.map(|(joint, &parent)| match joint {
            0 if NONE.contains(&parent) => Ok(None),
            0 => Err(self.fields.error(format!(
                "array `kintree_table`: joint 0 is the root, but has the parent {parent}; expected -1 or 4294967295"
            ))),
            _ if (0..joint as i64).contains(&parent) => Ok(Some(parent as usize)),
            _ => Err(self.fields.error(format!(
                "array `kintree_table`: joint {joint} has the parent {parent}; expected 0 to {}",
                joint - 1
            ))),
        })
        .collect()
    }

    fn joint_names(&self) -> Result<Option<Vec<String>>, FileError> {
        let Some(names) = self.fields.joint_names()? else {
            return Ok(None);
        };
        match names.len() == self.joints {
            true => Ok(Some(names)),
            false => Err(self.fields.error(format!(
                "array `joint_names` holds {} names; expected {}, one for each joint",
                names.len(),
                self.joints
            ))),
        }
    }

    fn finite<D: ndarray::Dimension>(
        &self,
        name: &str,
        dims: &[usize],
        meaning: &str,
    ) -> Result<ndarray::Array<f64, D>, FileError> {
        let (v, j) = (self.vertices, self.joints);
        let expected = format!("{meaning} = {} with V = {v}, J = {j}", shape_text(dims));
        shape(self.fields, name, &expected, |shape| shape == dims)?;
        let array = self.fields.floats(name)?.into_dimensionality::<D>();
        let array = array.map_err(|error| self.fields.error(format!("array `{name}`: {error}")))?;
        match array.iter().all(|value| value.is_finite()) {
            true => Ok(array),
            false => Err(self
                .fields
                .error(format!("array `{name}` holds NaN or infinite numbers"))),
        }
    }
}

/// The shape of an array that fits; found before any number is read.
fn shape(
    fields: &dyn Fields,
    name: &str,
    expected: &str,
    fits: impl Fn(&[usize]) -> bool,
) -> Result<Vec<usize>, FileError> {
    let found = fields.shape(name)?;
    match fits(&found) {
        true => Ok(found),
        false => Err(fields.error(format!(
            "array `{name}`: expected {expected}, found {}",
            shape_text(&found)
        ))),
    }
}
