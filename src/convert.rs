//! Turns others' files into fitrun's own: weights into safetensors, body models into `.npz`.

use std::path::Path;

use crate::body::{RigOptions, rig_arrays};
use crate::io::body_fields::{self, BodyArrays, OWN_JOINTS, OWN_SHAPES};
use crate::io::published::{Published, published};
use crate::io::{FileError, NpzWriter, rigs, weights};

#[derive(Clone, Copy, Debug, Default)]
pub struct ConvertOptions {
    /// Replace a file that is already there.
    pub force: bool,
}

/// What a file was, and what it has become.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// Such as `VPoser v2`.
    pub kind: String,
    pub arrays: usize,
}

/// Reads weights, a body model or a rig in any format, and writes `.safetensors` or `.npz`.
///
/// Of the networks that fitrun knows only their own tensors are kept, under the names that they were published with.
pub fn convert(
    path: impl AsRef<Path>,
    out: impl AsRef<Path>,
    options: &ConvertOptions,
) -> Result<Converted, FileError> {
    let (path, out) = (path.as_ref(), out.as_ref());
    let rig = rigs::read(path)?;
    let wanted = match rig.is_some() || weights::is_body(path) {
        true => "npz",
        false => "safetensors",
    };
    if !out
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case(wanted))
    {
        return Err(FileError::new(
            out,
            format!("its name should end in `.{wanted}`"),
        ));
    }
    if !options.force && out.symlink_metadata().is_ok() {
        return Err(FileError::new(out, "the file exists").with_hint("`--force` replaces it"));
    }
    let wrong = |message: String| FileError::new(path, message);
    match (rig, wanted) {
        (Some(rig), _) => body(
            &rig_arrays(rig, &RigOptions::default()).map_err(wrong)?,
            out,
        ),
        (None, "npz") => body(&body_fields::read(path)?, out),
        _ => tensors(path, out),
    }
}

fn tensors(path: &Path, out: &Path) -> Result<Converted, FileError> {
    let all = weights::read(path)?;
    let own = published(&all);
    if own.arrays.is_empty() {
        return Err(FileError::new(path, "holds no tensors"));
    }
    own.write(out)?;
    Ok(Converted {
        kind: Published::of(&all)
            .map_or("weights", Published::title)
            .into(),
        arrays: own.arrays.len(),
    })
}

fn body(body: &BodyArrays, out: &Path) -> Result<Converted, FileError> {
    let mut writer = NpzWriter::create(out);
    let flat = |array: ndarray::ArrayViewD<'_, f64>| array.iter().copied().collect::<Vec<f64>>();
    let mut arrays = vec![
        ("v_template", body.v_template.view().into_dyn()),
        ("weights", body.weights.view().into_dyn()),
        ("shapedirs", body.shapedirs.view().into_dyn()),
    ];
    match &body.j_regressor {
        Some(regressor) => arrays.push(("J_regressor", regressor.view().into_dyn())),
        None => arrays.extend([
            (OWN_JOINTS, body.joints.view().into_dyn()),
            (OWN_SHAPES, body.joint_shapedirs.view().into_dyn()),
        ]),
    }
    arrays.extend(
        body.posedirs
            .as_ref()
            .map(|p| ("posedirs", p.view().into_dyn())),
    );
    let hands = body.hands.iter();
    arrays.extend(hands.clone().flat_map(|hands| {
        let [left, right] = &hands.components;
        let components = [("hands_componentsl", left), ("hands_componentsr", right)];
        components.map(|(name, array)| (name, array.view().into_dyn()))
    }));
    arrays.extend(hands.flat_map(|hands| {
        let means = [
            ("hands_meanl", &hands.means[0]),
            ("hands_meanr", &hands.means[1]),
        ];
        means.map(|(name, mean)| (name, ndarray::aview1(mean).into_dyn()))
    }));
    let count = arrays.len() + 2 + usize::from(body.j_regressor.is_none());
    for (name, array) in arrays {
        writer.floats64(name, array.shape(), &flat(array.view()))?;
    }
    let faces: Vec<i32> = body.faces.iter().map(|&vertex| vertex as i32).collect();
    writer.integers("f", body.faces.shape(), &faces)?;
    let parents = body
        .parents
        .iter()
        .map(|parent| parent.map_or(-1, |p| p as i32));
    let joints = body.parents.len();
    let table: Vec<i32> = parents.chain(0..joints as i32).collect();
    writer.integers("kintree_table", &[2, joints], &table)?;
    if let (None, Some(names)) = (&body.j_regressor, &body.joint_names) {
        writer.strings("joint_names", &[names.len()], names)?;
    }
    writer.finish()?;
    Ok(Converted {
        kind: "body model".into(),
        arrays: count,
    })
}
