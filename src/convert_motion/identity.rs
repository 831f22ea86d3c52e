//! The same person on another body: shape and pose at rest, and where each point of the skin is.

use std::path::Path;

use nalgebra::{Matrix3, Vector3};

use super::correspond::{Place, nearest};
use super::distances::{Distances, Measured};
use super::skin::Samples;
use super::{ConvertMotionOptions, Correspondence, Source, located, quoted};
use crate::body::markers::Place as LayoutPlace;
use crate::body::markers::{Layout, LayoutMarker};
use crate::body::{BODY_JOINTS, BodyModel, SMPL_JOINTS};
use crate::error::Error;
use crate::fit::{Fit, fit};
use crate::io::Arrays;
use crate::own::Registry;
use crate::read::ReadOnce;
use crate::run::{Checked, RunOptions, check_text};

/// Rounds of correspondence and fit, after one by joints alone.
const ROUNDS: usize = 4;
/// Skins that are further apart are no match, m.
const FAR: f64 = 0.06;

pub(super) struct Identity {
    pub betas: Vec<f64>,
    /// For each sample its place, where the other body has one.
    pub places: Vec<Option<Place>>,
    /// How far the two skins are apart, mm.
    pub apart: Distances,
    /// The body, so that it is not read again.
    pub once: ReadOnce,
}

impl Identity {
    /// The first `count` points as markers of the body.
    pub fn layout(&self, count: usize) -> Layout {
        Layout {
            name: LAYOUT.into(),
            offset: None,
            markers: markers(&self.places[..count], true),
        }
    }
}

pub(super) const LAYOUT: &str = "points-of-the-skin";

/// `lifted`: where the points are, instead of their feet on the skin.
fn markers(places: &[Option<Place>], lifted: bool) -> Vec<LayoutMarker> {
    let marker = |(i, place): (usize, &Option<Place>)| {
        let place = (*place)?;
        Some(LayoutMarker {
            label: label(i),
            place: LayoutPlace::Face {
                face: place.face,
                barycentric: place.barycentric,
            },
            aliases: Vec::new(),
            offset: Some(if lifted { place.outside } else { 0.0 }),
        })
    };
    places.iter().enumerate().filter_map(marker).collect()
}

pub(super) fn label(sample: usize) -> String {
    format!("p{sample}")
}

/// The other body at rest as the first stands there, and the places of its skin.
struct AtRest {
    betas: Vec<f64>,
    /// For each sample its place and how far that is from it, m.
    places: Vec<Option<(Place, f64)>>,
}

pub(super) fn find(
    source: &Source,
    samples: &Samples,
    options: &ConvertMotionOptions,
) -> Result<Identity, Error> {
    let once = ReadOnce::remembering();
    let rounds = match options.by {
        Correspondence::Skin => ROUNDS,
        Correspondence::Joints => 0,
    };
    let mut found = at_rest(samples, None, (&options.to, &once))?;
    for _ in 0..rounds {
        let places: Vec<Option<Place>> = found.places.iter().map(|p| Some((*p)?.0)).collect();
        found = at_rest(samples, Some(&places), (&options.to, &once))?;
    }
    let apart = found.places.iter().enumerate().filter_map(|(i, place)| {
        let part = source.main_joint(samples.vertices[i]);
        Some(Measured::at_rest((*place)?.1, part))
    });
    Ok(Identity {
        apart: Distances::of(apart.collect()),
        betas: found.betas,
        places: found.places.iter().map(|p| Some((*p)?.0)).collect(),
        once,
    })
}

fn on_skin(body: &BodyModel, vertices: &[Vector3<f64>], place: &Place) -> Vector3<f64> {
    let corner = |k: usize| vertices[body.faces[[place.face, k]] as usize] * place.barycentric[k];
    (0..3).map(corner).sum()
}

/// The body as the other one stands at rest: by joints, and by places on the skin once there are some.
fn at_rest(
    samples: &Samples,
    places: Option<&[Option<Place>]>,
    (to, once): (&str, &ReadOnce),
) -> Result<AtRest, Error> {
    let coarse = if places.is_some() { "5 cm" } else { "1 cm" };
    let skin = places.map_or(String::new(), |_| {
        format!(
            r#"data.skin = {{ array = "at", axes = ["marker", "xyz"], names = "names" }}
sources.skin = {{ kind = "surface", layout = "{LAYOUT}" }}
terms.skin = {{ source = "skin", target = "skin", sigma = "1 cm", robust = {{ kind = "geman_mcclure", scale = "4 cm" }} }}
"#
        )
    });
    let text = format!(
        r#"fitrun = 1
body.model = {}
prior.kind = "none"
solve.method = "lm"
data.joints = {{ array = "at", axes = ["joint", "xyz"], names = "names" }}
terms.joints = {{ source = "joints", target = "joints", sigma = "{coarse}" }}
terms.rest = {{ kind = "l2", of = "pose_body", sigma = "0.3 rad" }}
terms.shape.weight = 1.0
{skin}[[stages]]
name = "place"
free = ["root_orient", "trans"]
[[stages]]
name = "identity"
free = ["*"]
"#,
        quoted(&located(to))
    );
    let names = &SMPL_JOINTS[..=BODY_JOINTS];
    let mut registry = Registry::default().data("joints", arrays(names, &samples.joints));
    if let Some(places) = places {
        let labels: Vec<String> = known(places).map(label).collect();
        let points: Vec<Vector3<f64>> = known(places).map(|i| samples.rest[i]).collect();
        registry = registry
            .data("skin", arrays(&labels, &points))
            .layout(Layout {
                name: LAYOUT.into(),
                offset: None,
                markers: markers(places, false),
            });
    }
    let options = RunOptions {
        once: once.clone(),
        ..registry.into()
    };
    let checked = check_text(Path::new("convert-motion"), &text, &options)?;
    let found = fit(&checked.problem, &mut |_| true);
    let body = checked.inputs.body.as_ref();
    let body = body.expect("a spec that passes its check has its body");
    let vertices = rest_vertices(body, &checked, &found);
    let of = |i: usize, place: Place| {
        let apart = (samples.rest[i] - on_skin(body, &vertices, &place)).norm();
        (apart < FAR).then_some((place, apart))
    };
    let places = nearest(body, &vertices, &samples.rest, &samples.normals);
    let places = places.into_iter().enumerate();
    let betas = found.variable(&checked.problem, "betas", 0);
    Ok(AtRest {
        betas: betas.unwrap_or_default().to_vec(),
        places: places.map(|(i, place)| of(i, place?)).collect(),
    })
}

/// Samples that have a place.
pub(super) fn known(places: &[Option<Place>]) -> impl Iterator<Item = usize> {
    let found = places.iter().enumerate();
    found.filter(|(_, place)| place.is_some()).map(|(i, _)| i)
}

fn arrays<S: AsRef<str>>(names: &[S], points: &[Vector3<f64>]) -> Arrays {
    let numbers: Vec<f64> = points.iter().flat_map(|p| [p.x, p.y, p.z]).collect();
    let arrays = Arrays::default().numbers("at", &[points.len(), 3], &numbers);
    arrays.texts("names", names)
}

/// The skin of the only frame.
fn rest_vertices(body: &BodyModel, checked: &Checked, found: &Fit) -> Vec<Vector3<f64>> {
    let of = |name: &str| {
        found
            .variable(&checked.problem, name, 0)
            .unwrap_or_default()
    };
    let (betas, pose) = (of("betas"), of("pose_body"));
    let root = Matrix3::from_row_slice(of("root_orient"));
    let rest = body.rest_joints(betas);
    let trans = Vector3::from_column_slice(of("trans"));
    let transforms = body.transforms(&rest, &root, pose, &trans);
    body.skinned(&body.rest_vertices(betas), &rest, pose, &transforms)
}
