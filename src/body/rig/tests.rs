//! Facts about rigs.

use std::collections::BTreeMap;

use nalgebra::{Matrix3, Rotation3, Vector3};
use ndarray::{Array2, Array3, s};

use super::*;
use crate::body::{BODY_JOINTS, BodyModel};

/// The built-in body as a rig without shapes, by Mixamo's names, with a bone that is between others and one
/// that hangs below.
fn rig() -> Rig {
    let body = BodyModel::builtin(Some(1)).unwrap();
    let sides = |name: &str| {
        let (side, own) = name.split_once('_').unwrap_or(("", name));
        let side = match side {
            "left" => "Left",
            "right" => "Right",
            _ => "",
        };
        let own = match own {
            "pelvis" => "Hips",
            "spine1" => "Spine",
            "spine2" => "Spine1",
            "spine3" => "Spine2",
            "neck" => "Neck",
            "head" => "Head",
            "hip" => "UpLeg",
            "knee" => "Leg",
            "ankle" => "Foot",
            "foot" => "ToeBase",
            "collar" => "Shoulder",
            "shoulder" => "Arm",
            "elbow" => "ForeArm",
            "wrist" => "Hand",
            _ => "Palm",
        };
        format!("mixamorig:{side}{own}")
    };
    let weights = body.weights.rows().into_iter().map(|row| {
        let used = row.iter().copied().enumerate();
        used.filter(|(_, w)| *w > 0.0).collect()
    });
    Rig {
        joint_names: body.joint_names.iter().map(|n| sides(n)).collect(),
        parents: (0..24).map(|j| (j > 0).then(|| body.parents[j])).collect(),
        heads: body.joints.clone(),
        vertices: body.template.clone(),
        faces: body.faces.clone(),
        weights: weights.collect(),
        shapes: Array3::zeros((body.template.nrows(), 3, 0)),
        head_shapes: Array3::zeros((24, 3, 0)),
    }
}

fn most(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    let pairs = a.iter().zip(b);
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn the_built_in_body_as_a_rig_is_the_built_in_body() {
    let body = BodyModel::builtin(None).unwrap();
    let found = arrays(rig(), &RigOptions::default()).unwrap();
    // The root may be anywhere.
    let limbs = s![1..=BODY_JOINTS, ..];
    let joints = (
        found.joints.slice(limbs).to_owned(),
        body.joints.slice(limbs).to_owned(),
    );
    assert!(most(&joints.0, &joints.1) < 1e-9);
    assert!(most(&found.v_template, &body.template) < 1e-9);
    assert_eq!(&found.joint_names.unwrap()[..22], &body.joint_names[..22]);
    assert_eq!(found.shapedirs.dim().2, 10);
}

#[test]
fn a_rig_on_its_side_in_centimetres_facing_away_is_turned_and_said_to_be_tall() {
    let mut turned = rig();
    let turn = Rotation3::new(Vector3::x() * std::f64::consts::FRAC_PI_2)
        * Rotation3::new(Vector3::y() * std::f64::consts::PI);
    for mut row in turned
        .vertices
        .rows_mut()
        .into_iter()
        .chain(turned.heads.rows_mut())
    {
        let x = turn * Vector3::new(row[0], row[1], row[2]) * 100.0;
        (0..3).for_each(|k| row[k] = x[k]);
    }
    let message = arrays(turned.clone(), &RigOptions::default()).unwrap_err();
    assert!(
        message.contains("`body.unit = \"cm\"` in a spec makes it"),
        "{message}"
    );
    let options = RigOptions {
        unit: Some(0.01),
        ..RigOptions::default()
    };
    let (found, straight) = (
        arrays(turned, &options).unwrap(),
        arrays(rig(), &RigOptions::default()).unwrap(),
    );
    assert!(most(&found.v_template, &straight.v_template) < 1e-9);
}

#[test]
fn hanging_arms_are_lifted_and_what_follows_one_joint_poses_exactly() {
    let body = BodyModel::builtin(Some(1)).unwrap();
    let mut hanging = rig();
    let mut pose = vec![0.0; 63];
    // Both shoulders downwards, without a twist of the arm.
    for (shoulder, elbow) in [(16, 18), (17, 19)] {
        let arm = place::row(&body.joints, elbow) - place::row(&body.joints, shoulder);
        let turn = arm.cross(&-Vector3::y()).normalize() * 0.8;
        pose[3 * (shoulder - 1)..3 * shoulder].copy_from_slice(turn.as_slice());
    }
    let rest = body.rest_joints(&[]);
    let posed = body.transforms(&rest, &Matrix3::identity(), &pose, &Vector3::zeros());
    let skin = body.skinned(&body.rest_vertices(&[]), &rest, &pose, &posed);
    for (mut row, x) in hanging.vertices.rows_mut().into_iter().zip(&skin) {
        (0..3).for_each(|k| row[k] = x[k]);
    }
    for (mut row, (_, x)) in hanging.heads.rows_mut().into_iter().zip(&posed) {
        (0..3).for_each(|k| row[k] = x[k]);
    }
    let found = arrays(hanging, &RigOptions::default()).unwrap();
    let limbs = s![1..=BODY_JOINTS, ..];
    let joints = (
        found.joints.slice(limbs).to_owned(),
        body.joints.slice(limbs).to_owned(),
    );
    assert!(most(&joints.0, &joints.1) < 1e-6);
    let one = |v: &usize| found.weights.row(*v).iter().any(|w| *w > 1.0 - 1e-6);
    let rigid: Vec<usize> = (0..found.v_template.nrows()).filter(one).collect();
    let away = rigid.iter().map(|v| {
        let (a, b) = (
            place::row(&found.v_template, *v),
            place::row(&body.template, *v),
        );
        (a - b).norm()
    });
    assert!(rigid.len() > 50 && away.fold(0.0, f64::max) < 1e-5);
}

#[test]
fn a_rig_with_as_many_joints_as_smplx_is_not_taken_for_it() {
    let mut hands = rig();
    // Thirty fingers and three more of its own.
    for side in ["Left", "Right"] {
        let wrist = hands
            .joint_names
            .iter()
            .position(|n| n.ends_with(&format!("{side}Hand")));
        for finger in ["Index", "Middle", "Pinky", "Ring", "Thumb"] {
            for k in 1..=3 {
                hands
                    .joint_names
                    .push(format!("mixamorig:{side}Hand{finger}{k}"));
                let above = hands.joint_names.len() - 2;
                hands.parents.push(if k == 1 { wrist } else { Some(above) });
            }
        }
    }
    hands.joint_names.push("tail".into());
    hands.parents.push(Some(0));
    let count = hands.joint_names.len();
    hands.heads = Array2::from_shape_fn((count, 3), |(j, k)| match j {
        0..24 => hands.heads[[j, k]],
        _ => 0.01 * j as f64,
    });
    hands.head_shapes = Array3::zeros((count, 3, 0));
    for bone in 24..count {
        hands.weights[bone] = vec![(bone, 1.0)];
    }
    let found = arrays(hands, &RigOptions::default()).unwrap();
    let names = found.joint_names.clone().unwrap();
    // Both palms and the tail are no fingers.
    assert_eq!((names.len(), names[22].as_str()), (55, "left_index1"));
    let body = BodyModel::from_arrays("rig".into(), found, None).unwrap();
    assert_eq!(body.joint_names, names);
    let parts: Vec<_> = body
        .parts
        .iter()
        .map(|p| (p.name, p.first, p.joints))
        .collect();
    assert_eq!(parts, [("pose_hand", 22, 30), ("pose_other", 52, 3)]);
}

#[test]
fn bones_between_and_below_keep_their_places() {
    let mut longer = rig();
    let knee = longer
        .joint_names
        .iter()
        .position(|n| n.ends_with("LeftLeg"))
        .unwrap();
    let wrist = longer
        .joint_names
        .iter()
        .position(|n| n.ends_with("LeftHand"))
        .unwrap();
    let hip = longer.parents[knee];
    let (between, below) = (24, 25);
    longer
        .joint_names
        .extend(["twist".to_string(), "watch".to_string()]);
    longer.parents.extend([hip, Some(wrist)]);
    longer.parents[knee] = Some(between);
    let middle = (place::row(&longer.heads, hip.unwrap()) + place::row(&longer.heads, knee)) / 2.0;
    let hand = place::row(&longer.heads, wrist);
    let more = [middle, hand].map(|x| [x.x, x.y, x.z]).concat();
    longer
        .heads
        .append(
            ndarray::Axis(0),
            ndarray::ArrayView2::from_shape((2, 3), &more).unwrap(),
        )
        .unwrap();
    longer.head_shapes = Array3::zeros((26, 3, 0));
    longer.weights[0] = vec![(below, 1.0)];
    longer.weights[1] = vec![(between, 1.0)];
    let found = arrays(longer, &RigOptions::default()).unwrap();
    let names = found.joint_names.unwrap();
    let watch = names.iter().position(|n| n == "watch").unwrap();
    assert!(watch > BODY_JOINTS && !names.contains(&"twist".to_string()));
    assert_eq!(
        (found.weights[[0, watch]], found.weights[[1, 1]]),
        (1.0, 1.0)
    );
    assert_eq!(found.parents[watch], Some(20));
}

#[test]
fn joints_that_a_rig_lacks_lie_between_those_that_it_has() {
    let mut short = rig();
    let gone: Vec<usize> = ["Spine1", "LeftShoulder", "RightToeBase"]
        .iter()
        .map(|end| {
            short
                .joint_names
                .iter()
                .position(|n| n.ends_with(&format!(":{end}")))
                .unwrap()
        })
        .collect();
    for bone in &gone {
        short.joint_names[*bone] = format!("bone{bone}");
    }
    let found = arrays(short, &RigOptions::default()).unwrap();
    let body = BodyModel::builtin(None).unwrap();
    let (a, b) = (place::row(&found.joints, 3), place::row(&found.joints, 9));
    assert!((place::row(&found.joints, 6) - (a + b) / 2.0).norm() < 1e-9);
    assert_eq!(found.parents[9], Some(6));
    assert_eq!(found.parents[16], Some(13));
    let wrists = (place::row(&found.joints, 20), place::row(&body.joints, 20));
    assert!((wrists.0 - wrists.1).norm() < 1e-9);
}

#[test]
fn roles_that_a_spec_gives_come_first() {
    let mut odd = rig();
    odd.joint_names
        .iter_mut()
        .enumerate()
        .for_each(|(k, n)| *n = format!("b{k}"));
    let message = arrays(odd.clone(), &RigOptions::default()).unwrap_err();
    assert!(message.contains("`body.roles = { pelvis = "), "{message}");
    let body = BodyModel::builtin(None).unwrap();
    let named = body.joint_names[..22].iter().enumerate();
    let options = RigOptions {
        roles: named.map(|(k, n)| (n.clone(), format!("b{k}"))).collect(),
        unit: None,
    };
    let found = arrays(odd.clone(), &options).unwrap();
    assert!(most(&found.v_template, &body.template) < 1e-9);
    let wrong = RigOptions {
        roles: BTreeMap::from([
            ("left_shin".into(), "b4".into()),
            ("head".into(), "b99".into()),
        ]),
        unit: None,
    };
    let message = arrays(odd, &wrong).unwrap_err();
    assert!(
        message.contains("there is no role `left_shin`"),
        "{message}"
    );
    assert!(message.contains("there is no joint `b99`"), "{message}");
}

#[test]
fn exchanged_sides_are_said_and_a_role_that_is_given_is_no_other() {
    let mut swapped = rig();
    for name in &mut swapped.joint_names {
        *name = match name.split_once("Left") {
            Some((a, b)) => format!("{a}Right{b}"),
            None => name.replacen("Right", "Left", 1),
        };
    }
    let message = arrays(swapped, &RigOptions::default()).unwrap_err();
    assert!(message.starts_with("its toes point backwards"), "{message}");
    let knee = RigOptions {
        roles: BTreeMap::from([("left_knee".into(), "mixamorig:LeftArm".into())]),
        unit: None,
    };
    let message = arrays(rig(), &knee).unwrap_err();
    assert!(
        message.contains("no joint is known to be `left_shoulder`"),
        "{message}"
    );
}

#[test]
fn proportions_are_what_they_are_called() {
    let found = arrays(rig(), &RigOptions::default()).unwrap();
    let length = |a: usize, b: usize, betas: &[f64]| {
        let at = |j: usize| {
            let moved = betas.iter().enumerate();
            let shapes = moved.map(|(k, beta)| {
                let by = found.joint_shapedirs.slice(s![j, .., k]);
                Vector3::new(by[0], by[1], by[2]) * *beta
            });
            place::row(&found.joints, j) + shapes.sum::<Vector3<f64>>()
        };
        (at(a) - at(b)).norm()
    };
    let share = |a, b, k: usize| {
        let mut betas = vec![0.0; 10];
        betas[k] = 1.0;
        length(a, b, &betas) / length(a, b, &[])
    };
    assert!((share(1, 4, 0) - 1.04).abs() < 1e-9 && (share(18, 20, 0) - 1.04).abs() < 1e-9);
    assert!((share(1, 4, 1) - 1.04).abs() < 1e-9 && (share(4, 7, 1) - 1.0).abs() < 1e-9);
    assert!((share(18, 20, 4) - 1.04).abs() < 1e-9);
}
