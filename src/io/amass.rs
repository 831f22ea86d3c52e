//! Motions in AMASS's `.npz` files, of the SMPL, SMPL+H and SMPL-X generations.

use std::path::Path;

use ndarray::{Array2, s};

use super::error::FileError;
use super::npz::{ArrayKind, Npz};

/// A motion of N frames.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Motion {
    /// (N, 63), axis-angle in radians of joints 1 to 21.
    pub poses_body: Array2<f64>,
    /// (N, 3), axis-angle in radians.
    pub root_orient: Array2<f64>,
    /// (N, 3), metres.
    pub trans: Array2<f64>,
    /// Empty where the file has none.
    pub betas: Vec<f64>,
    pub gender: Option<String>,
    /// The body that the shape is of, where fitrun wrote the file.
    pub body: Option<String>,
    /// Frames per second.
    pub rate: Option<f64>,
    /// `SMPL`, `SMPL+H`, `SMPL-X`, or `its own joints`.
    pub generation: &'static str,
    /// `y`, `z`, `-y` …; AMASS is z up unless the file says otherwise.
    pub up: &'static str,
}

pub(crate) fn read(path: impl AsRef<Path>) -> Result<Motion, FileError> {
    motion(&Npz::open(path)?)
}

fn motion(npz: &Npz) -> Result<Motion, FileError> {
    if !npz.has("poses") {
        return Err(npz
            .error("there is no array `poses`, so the file holds no motion")
            .with_hint("a `shape.npz` describes a subject; its motions lie beside it"));
    }
    let poses: Array2<f64> = npz.floats_of("poses")?;
    let generation = generation(npz, &poses)?;
    let trans: Array2<f64> = npz.floats_of("trans")?;
    if trans.dim() != (poses.nrows(), 3) {
        let (rows, columns) = trans.dim();
        let frames = poses.nrows();
        return Err(npz.error(format!("array `trans`: expected ({frames}, 3), as `poses` has frames, found ({rows}, {columns})")));
    }
    Ok(Motion {
        root_orient: poses.slice(s![.., ..3]).to_owned(),
        poses_body: poses.slice(s![.., 3..66]).to_owned(),
        trans,
        betas: betas(npz)?,
        gender: text(npz, "gender")?.map(|gender| gender.to_lowercase()),
        body: text(npz, "body")?,
        rate: rate(npz)?,
        generation,
        up: up(npz)?,
    })
}

/// Only the number of columns tells the generations apart; root and body come first in each.
fn generation(npz: &Npz, poses: &Array2<f64>) -> Result<&'static str, FileError> {
    if poses.nrows() == 0 {
        return Err(npz.error("array `poses` has no frames"));
    }
    match poses.ncols() {
        72 => Ok("SMPL"),
        156 => Ok("SMPL+H"),
        165 => Ok("SMPL-X"),
        columns if is_own(npz, columns) => Ok("its own joints"),
        columns => Err(npz.error(format!(
            "array `poses` has {columns} columns; permitted are 72 (SMPL), 156 (SMPL+H) and 165 (SMPL-X)"
        ))),
    }
}

/// Whether a run on a body of its own skeleton wrote it, whose first joints are the body's.
fn is_own(npz: &Npz, columns: usize) -> bool {
    let names = npz.strings("joint_names").unwrap_or_default();
    let body = names.first().is_some_and(|n| n == "pelvis")
        && names.get(21).is_some_and(|n| n == "right_wrist");
    body && columns == 3 * names.len()
}

fn betas(npz: &Npz) -> Result<Vec<f64>, FileError> {
    if !npz.has("betas") {
        return Ok(Vec::new());
    }
    let betas: Vec<f64> = npz.floats("betas")?.into_iter().collect();
    match betas.iter().all(|beta| beta.is_finite()) {
        true => Ok(betas),
        false => Err(npz.error("array `betas` holds NaN or infinite numbers")),
    }
}

/// The generations spell the key in two ways; a file may have neither.
fn rate(npz: &Npz) -> Result<Option<f64>, FileError> {
    let Some(name) = ["mocap_framerate", "mocap_frame_rate"]
        .into_iter()
        .find(|name| npz.has(name))
    else {
        return Ok(None);
    };
    let values = npz.floats(name)?;
    match values.iter().collect::<Vec<_>>()[..] {
        [&rate] if rate.is_finite() && rate > 0.0 => Ok(Some(rate)),
        [&rate] if rate.is_nan() => Ok(None),
        [rate] => Err(npz.error(format!(
            "array `{name}`: expected frames per second above 0, found {rate}"
        ))),
        _ => Err(npz.error(format!(
            "array `{name}`: expected one number, found {}",
            values.len()
        ))),
    }
}

fn up(npz: &Npz) -> Result<&'static str, FileError> {
    let Some(given) = text(npz, "up_axis")? else {
        return Ok("z");
    };
    let lower = given.to_lowercase();
    let known = ["x", "y", "z", "-x", "-y", "-z"].into_iter();
    let mut fitting = known.filter(|name| *name == lower.trim_start_matches('+'));
    fitting.next().ok_or_else(|| {
        npz.error(format!(
            "array `up_axis`: expected `x`, `y` or `z`, or one with a minus, found `{given}`"
        ))
    })
}

/// A single string; files that pickle it, or have several, are taken as silent about it.
fn text(npz: &Npz, name: &str) -> Result<Option<String>, FileError> {
    let member = npz.members().iter().find(|member| member.name == name);
    if member.is_none_or(|member| member.kind != ArrayKind::Text) {
        return Ok(None);
    }
    let mut texts = npz.strings(name)?;
    Ok(texts.pop().filter(|_| texts.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::super::npz::NpzWriter;
    use super::super::testing::{damage, real_data};
    use super::*;

    fn file(fill: impl FnOnce(&mut NpzWriter) -> Result<(), FileError>) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let mut writer = NpzWriter::create(&path);
        fill(&mut writer).unwrap();
        writer.finish().unwrap();
        std::fs::read(path).unwrap()
    }

    fn parsed(bytes: &[u8]) -> Result<Motion, FileError> {
        motion(&Npz::from_bytes("a.npz", bytes)?)
    }

    fn poses(writer: &mut NpzWriter, frames: usize, columns: usize) -> Result<(), FileError> {
        let values: Vec<f64> = (0..frames * columns)
            .map(|place| (place % columns) as f64)
            .collect();
        writer.floats64("poses", &[frames, columns], &values)?;
        writer.floats64("trans", &[frames, 3], &vec![0.5; frames * 3])
    }

    fn amass(columns: usize, rate: &str) -> Vec<u8> {
        file(|writer| {
            poses(writer, 4, columns)?;
            writer.floats64("betas", &[16], &[0.25; 16])?;
            writer.floats64(rate, &[], &[120.0])?;
            writer.strings("gender", &[], &["female"])
        })
    }

    #[test]
    fn the_three_generations_are_told_apart_by_their_columns() {
        let cases = [
            (72, "mocap_framerate", "SMPL"),
            (156, "mocap_framerate", "SMPL+H"),
            (165, "mocap_frame_rate", "SMPL-X"),
        ];
        for (columns, rate, generation) in cases {
            let motion = parsed(&amass(columns, rate)).unwrap();
            assert_eq!(
                (motion.generation, motion.up, motion.rate),
                (generation, "z", Some(120.0))
            );
            assert_eq!(motion.root_orient.row(3).to_vec(), [0.0, 1.0, 2.0]);
            assert_eq!(
                (motion.poses_body[[3, 0]], motion.poses_body[[3, 62]]),
                (3.0, 65.0)
            );
            assert_eq!(
                (motion.betas.len(), motion.gender.as_deref()),
                (16, Some("female"))
            );
        }
    }

    #[test]
    fn only_poses_and_trans_are_needed() {
        let motion = parsed(&file(|writer| poses(writer, 2, 72))).unwrap();
        assert_eq!(
            (motion.betas, motion.gender, motion.rate),
            (vec![], None, None)
        );
    }

    #[test]
    fn messages_say_what_is_wrong() {
        let said =
            |fill: fn(&mut NpzWriter) -> Result<(), FileError>| parsed(&file(fill)).unwrap_err();
        let shape = said(|writer| writer.floats64("betas", &[10], &[0.0; 10]));
        assert_eq!(
            shape.message,
            "there is no array `poses`, so the file holds no motion"
        );
        assert_eq!(
            shape.hint.unwrap(),
            "a `shape.npz` describes a subject; its motions lie beside it"
        );
        assert_eq!(
            said(|writer| poses(writer, 2, 69)).message,
            "array `poses` has 69 columns; permitted are 72 (SMPL), 156 (SMPL+H) and 165 (SMPL-X)"
        );
        assert_eq!(
            said(|writer| poses(writer, 0, 72)).message,
            "array `poses` has no frames"
        );
        let short = said(|writer| {
            writer.floats64("poses", &[2, 72], &[0.0; 144])?;
            writer.floats64("trans", &[1, 3], &[0.0; 3])
        });
        assert_eq!(
            short.message,
            "array `trans`: expected (2, 3), as `poses` has frames, found (1, 3)"
        );
        let still = said(|writer| {
            poses(writer, 1, 72)?;
            writer.floats64("mocap_framerate", &[], &[0.0])
        });
        assert_eq!(
            still.message,
            "array `mocap_framerate`: expected frames per second above 0, found 0"
        );
        let sideways = said(|writer| {
            poses(writer, 1, 72)?;
            writer.strings("up_axis", &[], &["w"])
        });
        assert_eq!(
            sideways.message,
            "array `up_axis`: expected `x`, `y` or `z`, or one with a minus, found `w`"
        );
    }

    #[test]
    fn damage_never_panics() {
        damage(&amass(72, "mocap_framerate"), |bytes| {
            let _ = parsed(bytes);
        });
    }

    #[test]
    fn a_real_motion_is_y_up_because_it_says_so() {
        let Some(data) = real_data() else { return };
        let motion = read(data.join("motion/cmu_16_01.npz")).unwrap();
        assert_eq!(motion.poses_body.dim(), (81, 63));
        assert_eq!((motion.up, motion.generation), ("y", "SMPL"));
        assert_eq!(motion.gender.as_deref(), Some("neutral"));
    }
}
