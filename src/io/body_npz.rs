//! Body models of the SMPL family in `.npz` files, checked dim by dim.

use std::path::Path;

use ndarray::{Array2, Array3, ArrayD};

use super::error::{FileError, shape_text};
use super::npz::{ArrayKind, Npz};

/// The arrays of a body model with V vertices, J joints and S shape coefficients.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BodyArrays {
    /// (V, 3), metres.
    pub v_template: Array2<f64>,
    /// (F, 3), below V.
    pub faces: Array2<u32>,
    /// (J, V).
    pub j_regressor: Array2<f64>,
    /// (V, J), skinning weights.
    pub weights: Array2<f64>,
    /// `None` for joint 0, the root; every other parent stands before its child.
    pub parents: Vec<Option<usize>>,
    /// (V, 3, S), metres per unit of a coefficient.
    pub shapedirs: Array3<f64>,
    /// (V, 3, 9 (J − 1)); `None` where the file has none or all are zero.
    pub posedirs: Option<Array3<f64>>,
    pub joint_names: Option<Vec<String>>,
}

pub(crate) fn read(path: impl AsRef<Path>) -> Result<BodyArrays, FileError> {
    Reader::new(Npz::open(path)?)?.body()
}

/// As [`read`], of a file in memory, which messages call `name`.
pub(crate) fn read_bytes(name: impl AsRef<Path>, bytes: &[u8]) -> Result<BodyArrays, FileError> {
    Reader::new(Npz::from_bytes(name, bytes)?)?.body()
}

/// J of SMPL, SMPL+H and SMPL-X.
const JOINT_COUNTS: [usize; 3] = [24, 52, 55];

struct Reader {
    npz: Npz,
    vertices: usize,
    joints: usize,
}

impl Reader {
    /// Takes V from `v_template` and J from `kintree_table`: all other arrays are held against them.
    fn new(npz: Npz) -> Result<Reader, FileError> {
        let template = shape(&npz, "v_template", "(V, 3)", |shape| {
            matches!(shape, [1..=usize::MAX, 3])
        })?;
        let kintree = shape(&npz, "kintree_table", "(2, J)", |shape| {
            matches!(shape, [2, _])
        })?;
        let (vertices, joints) = (template[0], kintree[1]);
        if !JOINT_COUNTS.contains(&joints) {
            return Err(npz.error(format!(
                "array `kintree_table` has {joints} joints; permitted are 24 (SMPL), 52 (SMPL+H) and 55 (SMPL-X)"
            )));
        }
        Ok(Reader {
            npz,
            vertices,
            joints,
        })
    }

    fn body(&self) -> Result<BodyArrays, FileError> {
        let (v, j) = (self.vertices, self.joints);
        Ok(BodyArrays {
            v_template: self.finite("v_template", &[v, 3], "(V, 3)")?,
            faces: self.faces()?,
            j_regressor: self.finite("J_regressor", &[j, v], "(J, V)")?,
            weights: self.finite("weights", &[v, j], "(V, J)")?,
            parents: self.parents()?,
            shapedirs: self.shapedirs()?,
            posedirs: self.posedirs()?,
            joint_names: self.joint_names()?,
        })
    }

    fn shapedirs(&self) -> Result<Array3<f64>, FileError> {
        let found = shape(&self.npz, "shapedirs", "(V, 3, S)", |shape| {
            matches!(shape, [_, 3, 1..=usize::MAX])
        })?;
        self.finite("shapedirs", &[self.vertices, 3, found[2]], "(V, 3, S)")
    }

    fn posedirs(&self) -> Result<Option<Array3<f64>>, FileError> {
        if !self.npz.has("posedirs") {
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
        let count = shape(&self.npz, "f", "(F, 3)", |shape| matches!(shape, [_, 3]))?[0];
        let faces: ArrayD<i64> = self.npz.integers("f")?;
        let in_range = |&vertex: &i64| (0..self.vertices as i64).contains(&vertex);
        if let Some(vertex) = faces.iter().find(|vertex| !in_range(vertex)) {
            let last = self.vertices - 1;
            return Err(self.npz.error(format!(
                "array `f` names vertex {vertex}; expected 0 to {last}"
            )));
        }
        let vertices: Vec<u32> = faces.iter().map(|&vertex| vertex as u32).collect();
        Array2::from_shape_vec((count, 3), vertices)
            .map_err(|error| self.npz.error(error.to_string()))
    }

    /// The first row of `kintree_table`; the root's parent is written as −1, or as 2³² − 1 where the dtype has no sign.
    fn parents(&self) -> Result<Vec<Option<usize>>, FileError> {
        const NONE: [i64; 2] = [-1, u32::MAX as i64];
        let kintree = self.npz.integers("kintree_table")?;
        let row = kintree.iter().take(self.joints).enumerate();
        row.map(|(joint, &parent)| match joint {
            0 if NONE.contains(&parent) => Ok(None),
            0 => Err(self.npz.error(format!(
                "array `kintree_table`: joint 0 is the root, but has the parent {parent}; expected -1 or 4294967295"
            ))),
            _ if (0..joint as i64).contains(&parent) => Ok(Some(parent as usize)),
            _ => Err(self.npz.error(format!(
                "array `kintree_table`: joint {joint} has the parent {parent}; expected 0 to {}",
                joint - 1
            ))),
        })
        .collect()
    }

    fn joint_names(&self) -> Result<Option<Vec<String>>, FileError> {
        let member = self
            .npz
            .members()
            .iter()
            .find(|member| member.name == "joint_names");
        // Some models pickle their names; a list of names is a comfort that a fit does without.
        if member.is_none_or(|member| member.kind == ArrayKind::Object) {
            return Ok(None);
        }
        let names = self.npz.strings("joint_names")?;
        match names.len() == self.joints {
            true => Ok(Some(names)),
            false => Err(self.npz.error(format!(
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
        shape(&self.npz, name, &expected, |shape| shape == dims)?;
        let array = self.npz.floats_of::<D>(name)?;
        match array.iter().all(|value| value.is_finite()) {
            true => Ok(array),
            false => Err(self
                .npz
                .error(format!("array `{name}` holds NaN or infinite numbers"))),
        }
    }
}

/// The shape of an array that fits; found before any number is read.
fn shape<'a>(
    npz: &'a Npz,
    name: &str,
    expected: &str,
    fits: impl Fn(&[usize]) -> bool,
) -> Result<&'a [usize], FileError> {
    let found = npz.member(name)?.shape.as_slice();
    match fits(found) {
        true => Ok(found),
        false => Err(npz.error(format!(
            "array `{name}`: expected {expected}, found {}",
            shape_text(found)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::npz::NpzWriter;
    use super::super::testing::{damage, real_data};
    use super::*;

    const V: usize = 5;
    const J: usize = 24;

    /// A body of five vertices; `change` may replace an array by its name, or leave it out.
    fn body(change: impl Fn(&str, &mut NpzWriter) -> bool) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("body.npz");
        let mut writer = NpzWriter::create(&path);
        let ramp = |count: usize| {
            (0..count)
                .map(|i| i as f32 / count as f32)
                .collect::<Vec<f32>>()
        };
        let floats = [
            ("v_template", vec![V, 3]),
            ("J_regressor", vec![J, V]),
            ("weights", vec![V, J]),
            ("shapedirs", vec![V, 3, 10]),
            ("posedirs", vec![V, 3, 207]),
        ];
        for (name, shape) in floats {
            if !change(name, &mut writer) {
                writer
                    .floats32(name, &shape, &ramp(shape.iter().product()))
                    .unwrap();
            }
        }
        if !change("f", &mut writer) {
            writer.integers("f", &[2, 3], &[0, 1, 2, 2, 3, 4]).unwrap();
        }
        if !change("kintree_table", &mut writer) {
            let parents = (0..J as i32).map(|joint| joint - 1);
            let table: Vec<i32> = parents.chain(0..J as i32).collect();
            writer.integers("kintree_table", &[2, J], &table).unwrap();
        }
        change("joint_names", &mut writer);
        writer.finish().unwrap();
        std::fs::read(path).unwrap()
    }

    fn message(change: impl Fn(&str, &mut NpzWriter) -> bool) -> String {
        read_bytes("body.npz", &body(change)).unwrap_err().message
    }

    fn floats(
        name: &'static str,
        shape: &'static [usize],
        value: f32,
    ) -> impl Fn(&str, &mut NpzWriter) -> bool {
        move |this, writer| {
            let found = this == name;
            if found {
                writer
                    .floats32(name, shape, &vec![value; shape.iter().product()])
                    .unwrap();
            }
            found
        }
    }

    #[test]
    fn a_body_is_read_whole() {
        let body = read_bytes("body.npz", &body(|_, _| false)).unwrap();
        assert_eq!(body.v_template[[4, 2]], f64::from(14.0f32 / 15.0));
        assert_eq!(body.j_regressor.dim(), (J, V));
        assert_eq!(body.faces.row(1).to_vec(), [2, 3, 4]);
        assert_eq!(body.parents[..3], [None, Some(0), Some(1)]);
        assert_eq!(body.posedirs.unwrap().dim(), (V, 3, 207));
        assert_eq!(body.joint_names, None);
    }

    #[test]
    fn pose_directions_of_zero_are_none() {
        let zero = floats("posedirs", &[V, 3, 207], 0.0);
        assert_eq!(read_bytes("body.npz", &body(zero)).unwrap().posedirs, None);
        let absent = body(|name, _| name == "posedirs");
        assert_eq!(read_bytes("body.npz", &absent).unwrap().posedirs, None);
    }

    #[test]
    fn messages_name_the_array_and_its_dims() {
        assert_eq!(
            message(floats("weights", &[V, 23], 0.0)),
            "array `weights`: expected (V, J) = (5, 24) with V = 5, J = 24, found (5, 23)"
        );
        assert_eq!(
            message(floats("v_template", &[15], 0.0)),
            "array `v_template`: expected (V, 3), found (15)"
        );
        assert_eq!(
            message(floats("posedirs", &[V, 3, 93], 0.0)),
            "array `posedirs`: expected (V, 3, 9 (J - 1)) = (5, 3, 207) with V = 5, J = 24, found (5, 3, 93)"
        );
        assert_eq!(
            message(floats("weights", &[V, J], f32::NAN)),
            "array `weights` holds NaN or infinite numbers"
        );
        assert_eq!(
            message(|name, _| name == "weights"),
            "there is no array `weights`; the file holds `v_template`, `J_regressor`, `shapedirs`, `posedirs`, `f`, `kintree_table`"
        );
    }

    #[test]
    fn a_skeleton_that_is_no_tree_is_refused() {
        let with = |joint: usize, parent: i32| {
            message(move |name, writer| {
                let mut table: Vec<i32> = (0..J as i32)
                    .map(|joint| joint - 1)
                    .chain(0..J as i32)
                    .collect();
                table[joint] = parent;
                name == "kintree_table" && writer.integers(name, &[2, J], &table).is_ok()
            })
        };
        assert_eq!(
            with(3, 3),
            "array `kintree_table`: joint 3 has the parent 3; expected 0 to 2"
        );
        assert_eq!(
            with(3, -1),
            "array `kintree_table`: joint 3 has the parent -1; expected 0 to 2"
        );
        assert_eq!(
            with(0, 5),
            "array `kintree_table`: joint 0 is the root, but has the parent 5; expected -1 or 4294967295"
        );
        assert_eq!(
            message(|name, writer| name == "kintree_table"
                && writer.integers(name, &[2, 3], &[0; 6]).is_ok()),
            "array `kintree_table` has 3 joints; permitted are 24 (SMPL), 52 (SMPL+H) and 55 (SMPL-X)"
        );
    }

    #[test]
    fn indices_and_names_are_counted() {
        assert_eq!(
            message(
                |name, writer| name == "f" && writer.integers(name, &[1, 3], &[0, 1, 5]).is_ok()
            ),
            "array `f` names vertex 5; expected 0 to 4"
        );
        assert_eq!(
            message(|name, writer| name == "joint_names"
                && writer.strings(name, &[2], &["a", "b"]).is_ok()),
            "array `joint_names` holds 2 names; expected 24, one for each joint"
        );
    }

    #[test]
    fn damage_never_panics() {
        damage(&body(|_, _| false), |bytes| {
            let _ = read_bytes("body.npz", bytes);
        });
    }

    #[test]
    fn the_real_body_has_its_vertices_and_names() {
        let Some(data) = real_data() else { return };
        let body = read(data.join("body/body_mh_low.npz")).unwrap();
        assert_eq!(body.v_template.dim(), (1502, 3));
        assert_eq!(body.faces.dim(), (3000, 3));
        assert_eq!(body.posedirs, None);
        assert_eq!(body.parents[22], Some(20));
        assert_eq!(body.joint_names.unwrap()[15], "head");
    }
}
