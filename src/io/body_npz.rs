//! Body models of the SMPL family in `.npz` files.

use std::path::Path;

use ndarray::ArrayD;

use super::FileError;
use super::body_fields::{self, BodyArrays, Fields};
use super::npz::{ArrayKind, Npz};

/// Reads a file in memory, which messages call `name`.
pub(crate) fn read_bytes(name: impl AsRef<Path>, bytes: &[u8]) -> Result<BodyArrays, FileError> {
    body_fields::body(&Npz::from_bytes(name, bytes)?)
}

impl Fields for Npz {
    fn has(&self, name: &str) -> bool {
        Npz::has(self, name)
    }

    fn shape(&self, name: &str) -> Result<Vec<usize>, FileError> {
        Ok(self.member(name)?.shape.clone())
    }

    fn floats(&self, name: &str) -> Result<ArrayD<f64>, FileError> {
        Npz::floats(self, name)
    }

    fn integers(&self, name: &str) -> Result<ArrayD<i64>, FileError> {
        Npz::integers(self, name)
    }

    fn joint_names(&self) -> Result<Option<Vec<String>>, FileError> {
        let member = self.members().iter().find(|m| m.name == "joint_names");
        // Some models pickle their names; a list of names is a comfort that a fit does without.
        match member.is_none_or(|member| member.kind == ArrayKind::Object) {
            true => Ok(None),
            false => self.strings("joint_names").map(Some),
        }
    }

    fn error(&self, message: String) -> FileError {
        Npz::error(self, message)
    }
}

#[cfg(test)]
mod tests {
    use super::super::npz::NpzWriter;
    use super::super::testing::{damage, real_data};
    use super::body_fields::read;
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
        assert_eq!(body.j_regressor.unwrap().dim(), (J, V));
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
            "array `kintree_table` has 3 joints; permitted are 24 (SMPL), 52 (SMPL+H) and 55 (SMPL-X), \
             or any number where `fitrun convert` made the file"
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
        let body = read(&data.join("body/body_mh_low.npz")).unwrap();
        assert_eq!(body.v_template.dim(), (1502, 3));
        assert_eq!(body.faces.dim(), (3000, 3));
        assert_eq!(body.posedirs, None);
        assert_eq!(body.parents[22], Some(20));
        assert_eq!(body.joint_names.unwrap()[15], "head");
    }
}
