//! Layouts on real bodies: everything resolves, sides mirror each other, mistakes are named.

use nalgebra::Vector3;

use super::rule::Ray;
use super::sides::other_side;
use super::*;
use crate::io::testing::real_data;

fn bodies() -> Vec<BodyModel> {
    let mut bodies = vec![BodyModel::builtin(None).unwrap()];
    if let Some(data) = real_data() {
        for name in ["body_mh_full", "body_mh_low"] {
            let path = data.join(format!("body/{name}.npz"));
            bodies.push(BodyModel::from_file(&path, None).unwrap());
        }
    }
    bodies
}

pub(super) fn position(body: &BodyModel, site: &Site) -> Vector3<f64> {
    match site {
        Site::Surface { vertices, weights } => (0..3)
            .map(|k| surface::point(body, vertices[k]) * weights[k])
            .sum(),
        Site::Joint { joint, offset } => {
            let row = body.joints.row(*joint);
            Vector3::new(row[0], row[1], row[2]) + Vector3::from(*offset)
        }
    }
}

fn sites(body: &BodyModel, layout: &Layout) -> Vec<Site> {
    (0..layout.markers.len())
        .map(|marker| layout.site(body, marker).unwrap())
        .collect()
}

#[test]
fn every_embedded_layout_finds_all_its_places_on_every_body() {
    for body in bodies() {
        for name in Layout::names() {
            let layout = Layout::embedded(name).unwrap();
            assert_eq!(layout.name, name);
            for site in sites(&body, &layout) {
                let Site::Surface { vertices, weights } = site else {
                    panic!("{name}: {site:?}");
                };
                assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-6);
                let faces = body.faces.rows();
                let mut corners = faces.into_iter().map(|f| [f[0], f[1], f[2]]);
                assert!(corners.any(|c| c.map(|v| v as usize) == vertices));
            }
        }
    }
}

#[test]
fn plug_in_gait_is_symmetric_on_the_built_in_body() {
    let body = BodyModel::builtin(None).unwrap();
    let layout = Layout::embedded("plug-in-gait").unwrap();
    let sites = sites(&body, &layout);
    let mut pairs = 0;
    for (marker, site) in layout.markers.iter().zip(&sites) {
        let Some(other) = other_side(&marker.label) else {
            continue;
        };
        let Some(at) = layout.markers.iter().position(|m| m.label == other) else {
            continue;
        };
        // Upper arms and forearms differ on purpose.
        if ["UPA", "FRM"]
            .iter()
            .any(|name| marker.label.ends_with(name))
        {
            continue;
        }
        let mut mirrored = position(&body, &sites[at]);
        mirrored.x = -mirrored.x;
        let apart = (position(&body, site) - mirrored).norm();
        assert!(apart < 0.01, "{} {apart}", marker.label);
        pairs += 1;
    }
    assert_eq!(pairs, 2 * 15);
}

#[test]
fn places_lie_on_the_part_of_the_body_that_they_name() {
    let body = BodyModel::builtin(None).unwrap();
    let layout = Layout::embedded("plug-in-gait").unwrap();
    let parts = [
        ("LFHD", "head"),
        ("LBHD", "head"),
        ("LASI", "pelvis left_hip"),
        ("RPSI", "pelvis"),
        ("SACR", "pelvis"),
        ("LTHI", "left_hip"),
        ("LTIB", "left_knee"),
        ("RANK", "right_knee right_ankle"),
        ("LHEE", "left_ankle"),
        ("RTOE", "right_ankle right_foot"),
        ("LUPA", "left_shoulder"),
        ("RFRM", "right_elbow"),
        ("LFIN", "left_wrist left_hand"),
        ("T10", "spine1 spine2"),
    ];
    for (label, joints) in parts {
        let at = layout.markers.iter().position(|m| m.label == label);
        let Ok(Site::Surface { vertices, .. }) = layout.site(&body, at.unwrap()) else {
            panic!("{label}");
        };
        let joints: Vec<String> = joints.split(' ').map(String::from).collect();
        let on = |v: usize| super::super::landmarks::moves(&body, v, &joints);
        assert!(vertices.into_iter().any(on), "{label}");
    }
}

fn one(place: Place) -> Layout {
    Layout {
        name: "one".into(),
        markers: vec![LayoutMarker {
            label: "LASI".into(),
            place,
            aliases: Vec::new(),
            offset: None,
        }],
        offset: None,
    }
}

#[test]
fn a_vertex_becomes_a_face_with_all_its_weight_there() {
    let body = BodyModel::builtin(None).unwrap();
    let site = one(Place::Vertex(1234)).site(&body, 0).unwrap();
    let Site::Surface { vertices, weights } = site else {
        panic!("{site:?}");
    };
    let at = vertices.iter().position(|v| *v == 1234).unwrap();
    assert_eq!((weights[at], weights.iter().sum::<f64>()), (1.0, 1.0));
}

#[test]
fn a_joint_keeps_its_offset() {
    let body = BodyModel::builtin(None).unwrap();
    let offset = [0.03, 0.0, -0.01];
    let place = Place::Joint {
        joint: "left_knee".into(),
        offset,
    };
    let site = one(place).site(&body, 0).unwrap();
    assert_eq!(site, Site::Joint { joint: 4, offset });
}

#[test]
fn a_place_that_a_body_lacks_is_named() {
    let body = BodyModel::builtin(None).unwrap();
    let message = |place: Place| one(place).site(&body, 0).unwrap_err();
    assert_eq!(
        message(Place::Vertex(9000)),
        "`LASI`: there is no vertex 9000, the body has 5895"
    );
    assert_eq!(
        message(Place::Face {
            face: 11786,
            barycentric: [1.0, 0.0, 0.0]
        }),
        "`LASI`: there is no face 11786, the body has 11786"
    );
    assert_eq!(
        message(Place::Joint {
            joint: "left_nee".into(),
            offset: [0.0; 3]
        }),
        "`LASI`: the body has no joint `left_nee`"
    );
    let ray = |from: &str, region: &str| {
        Place::Rule(Rule::Ray(Ray {
            from: vec![(from.into(), 1.0)],
            aside: Vec::new(),
            toward: [0.0, 0.0, -1.0],
            region: vec![region.into()],
        }))
    };
    assert_eq!(
        message(ray("left_nee", "left_knee")),
        "`LASI`: the body has no joint or landmark `left_nee`"
    );
    assert_eq!(
        message(ray("left_knee", "head")),
        "`LASI`: the ray toward [0, 0, -1] meets no surface of its region"
    );
    assert_eq!(
        one(Place::Vertex(0)).site(&body, 1).unwrap_err(),
        "the layout has no marker number 1"
    );
}

#[test]
fn a_file_is_read_by_its_ending_and_named_after_itself() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Layout::from_file(&path)
    };
    let json = r#"{"markersets": [{"indices": {"C7": 3470}}]}"#;
    let toml = "[markers]\nC7 = { vertex = 3470 }";
    let (a, b) = (read("a.json", json).unwrap(), read("b.TOML", toml).unwrap());
    assert_eq!((a.name.as_str(), b.name.as_str()), ("a", "b"));
    assert_eq!(a.markers, b.markers);
    let message = |name: &str, text: &str| read(name, text).unwrap_err().message;
    assert_eq!(
        message("c.csv", toml),
        "a marker layout ends in `.toml` or `.json`"
    );
    assert_eq!(message("d.toml", ""), "the file is empty");
    let missing = Layout::from_file(&folder.path().join("e.json")).unwrap_err();
    assert_eq!(missing.message, "there is no such file");
}
