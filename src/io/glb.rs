//! An animated, skinned body as binary glTF 2.0 (`.glb`), y up.
//!
//! Pose correctives cannot be expressed in this format: the mesh is blended from the rest pose alone.
//! Format: <https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html>

use std::path::Path;

use gltf_json::accessor::Type;
use gltf_json::animation::{self, Interpolation, Property};
use gltf_json::mesh::Semantic;
use gltf_json::validation::Checked::Valid;
use gltf_json::{self as json, Accessor, Index, Node, Root, material, mesh};
use ndarray::{Array2, Array3, Axis};

use super::error::FileError;
use super::glb_buffer::Builder;

/// A body of V vertices and J joints, moving through N frames; metres, y up.
#[derive(Debug, Clone)]
pub(crate) struct GlbScene {
    pub name: String,
    /// (V, 3), shaped, in the rest pose.
    pub vertices: Array2<f64>,
    /// (F, 3), counter-clockwise from outside.
    pub faces: Array2<u32>,
    /// The four strongest joints of each vertex, as [`strongest_four`] finds them.
    pub joints4: Vec<[u16; 4]>,
    pub weights4: Vec<[f32; 4]>,
    /// (J, 3), shaped, in the rest pose.
    pub joints: Array2<f64>,
    /// Joint 0 is the root; parents stand before their children.
    pub parents: Vec<Option<usize>>,
    pub joint_names: Vec<String>,
    /// (N, J, 4), each joint relative to its parent, as (x, y, z, w).
    pub rotations: Array3<f64>,
    /// (N, 3), where the root joint is in the world: J0 + trans.
    pub translations: Array2<f64>,
    /// Frames per second.
    pub rate: f64,
}

/// Writes the scene; frames with a NaN have no keyframe, so that a viewer interpolates over them.
pub(crate) fn write(path: impl AsRef<Path>, scene: &GlbScene) -> Result<(), FileError> {
    let path = path.as_ref();
    let bytes = encode(scene).map_err(|message| FileError::new(path, message))?;
    super::atomic::write(path, &bytes)
}

/// Joints and weights of the four largest weights in each row of (V, J), scaled to a sum of 1.
pub(crate) fn strongest_four(weights: &Array2<f64>) -> (Vec<[u16; 4]>, Vec<[f32; 4]>) {
    let rows = weights.outer_iter();
    rows.map(|row| {
        let mut order: Vec<usize> = (0..row.len()).filter(|&joint| row[joint] > 0.0).collect();
        order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
        order.truncate(4);
        let sum: f64 = order.iter().map(|&joint| row[joint]).sum();
        let (mut joints, mut kept) = ([0; 4], [0.0; 4]);
        for (slot, joint) in order.into_iter().enumerate() {
            joints[slot] = joint as u16;
            kept[slot] = (row[joint] / sum) as f32;
        }
        if sum <= 0.0 {
            kept[0] = 1.0;
        }
        (joints, kept)
    })
    .unzip()
}

fn encode(scene: &GlbScene) -> Result<Vec<u8>, String> {
    assert_eq!(
        scene.joints4.len(),
        scene.vertices.nrows(),
        "one set of joints for each vertex"
    );
    assert_eq!(
        scene.rotations.dim(),
        (scene.translations.nrows(), scene.parents.len(), 4),
        "rotations are (N, J, 4)"
    );
    let mut builder = Builder::new();
    let joints = joint_nodes(&mut builder.root, scene);
    let mesh = mesh(&mut builder, scene);
    let skin = skin(&mut builder, scene, &joints);
    let body = builder.root.push(Node {
        mesh: Some(mesh),
        skin: Some(skin),
        name: Some(scene.name.clone()),
        ..Node::default()
    });
    let whole = builder.root.push(json::Scene {
        nodes: vec![joints[0], body],
        name: Some(scene.name.clone()),
        extensions: None,
        extras: Default::default(),
    });
    builder.root.scene = Some(whole);
    animate(&mut builder, scene, &joints);
    builder.finish()
}

fn joint_nodes(root: &mut Root, scene: &GlbScene) -> Vec<Index<Node>> {
    let nodes: Vec<Index<Node>> = (0..scene.parents.len() as u32).map(Index::new).collect();
    for (joint, parent) in scene.parents.iter().enumerate() {
        let children: Vec<Index<Node>> = (0..nodes.len())
            .filter(|&child| scene.parents[child] == Some(joint))
            .map(|child| nodes[child])
            .collect();
        let from_parent = |axis| {
            scene.joints[[joint, axis]] - parent.map_or(0.0, |parent| scene.joints[[parent, axis]])
        };
        root.push(Node {
            children: (!children.is_empty()).then_some(children),
            translation: Some([0, 1, 2].map(|axis| from_parent(axis) as f32)),
            name: scene.joint_names.get(joint).cloned(),
            ..Node::default()
        });
    }
    nodes
}

fn mesh(builder: &mut Builder, scene: &GlbScene) -> Index<json::Mesh> {
    let vertices = rows(&scene.vertices);
    let indices: Vec<[u32; 1]> = scene.faces.iter().map(|&vertex| [vertex]).collect();
    let attributes = [
        (Semantic::Positions, builder.vertex_positions(&vertices)),
        (
            Semantic::Normals,
            builder.vertex_floats(Type::Vec3, &smooth_normals(&vertices, &scene.faces)),
        ),
        (Semantic::Joints(0), builder.vertex_joints(&scene.joints4)),
        (
            Semantic::Weights(0),
            builder.vertex_floats(Type::Vec4, &scene.weights4),
        ),
    ];
    let primitive = mesh::Primitive {
        attributes: attributes
            .map(|(semantic, accessor)| (Valid(semantic), accessor))
            .into(),
        indices: Some(builder.indices(&indices)),
        material: Some(builder.root.push(skin_material())),
        mode: Valid(mesh::Mode::Triangles),
        targets: None,
        extensions: None,
        extras: Default::default(),
    };
    builder.root.push(json::Mesh {
        primitives: vec![primitive],
        name: Some(scene.name.clone()),
        weights: None,
        extensions: None,
        extras: Default::default(),
    })
}

/// A warm grey that is nobody's skin, matt, seen from outside only.
fn skin_material() -> json::Material {
    json::Material {
        name: Some("body".to_string()),
        pbr_metallic_roughness: material::PbrMetallicRoughness {
            base_color_factor: material::PbrBaseColorFactor([0.58, 0.52, 0.48, 1.0]),
            metallic_factor: material::StrengthFactor(0.0),
            roughness_factor: material::StrengthFactor(0.8),
            ..Default::default()
        },
        ..Default::default()
    }
}

/// Rest rotations are identities, so an inverse bind matrix (column by column) only moves the joint to the origin.
fn skin(builder: &mut Builder, scene: &GlbScene, joints: &[Index<Node>]) -> Index<json::Skin> {
    let matrices: Vec<[f32; 16]> = rows(&scene.joints)
        .into_iter()
        .map(|[x, y, z]| {
            [
                1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0., -x, -y, -z, 1.,
            ]
        })
        .collect();
    let matrices = builder.floats(Type::Mat4, &matrices);
    builder.root.push(json::Skin {
        inverse_bind_matrices: Some(matrices),
        joints: joints.to_vec(),
        skeleton: Some(joints[0]),
        name: Some(scene.name.clone()),
        extensions: None,
        extras: Default::default(),
    })
}

fn animate(builder: &mut Builder, scene: &GlbScene, joints: &[Index<Node>]) {
    let frames = keyframes(scene);
    if frames.is_empty() {
        return;
    }
    let times: Vec<[f32; 1]> = frames
        .iter()
        .map(|&frame| [(frame as f64 / scene.rate) as f32])
        .collect();
    let input = builder.key_times(&times);
    let translations = rows(&scene.translations.select(Axis(0), &frames));
    let mut outputs = vec![(
        joints[0],
        Property::Translation,
        builder.floats(Type::Vec3, &translations),
    )];
    for (joint, &node) in joints.iter().enumerate() {
        let rotations = continuous_rotations(scene, joint, &frames);
        outputs.push((
            node,
            Property::Rotation,
            builder.floats(Type::Vec4, &rotations),
        ));
    }
    let mut channels = Vec::new();
    let mut samplers = Vec::new();
    for (node, property, output) in outputs {
        let sampler = Index::push(&mut samplers, sampler(input, output));
        channels.push(animation::Channel {
            sampler,
            target: animation::Target {
                node,
                path: Valid(property),
                extensions: None,
                extras: Default::default(),
            },
            extensions: None,
            extras: Default::default(),
        });
    }
    builder.root.push(json::Animation {
        name: Some(scene.name.clone()),
        channels,
        samplers,
        extensions: None,
        extras: Default::default(),
    });
}

fn sampler(input: Index<Accessor>, output: Index<Accessor>) -> animation::Sampler {
    animation::Sampler {
        input,
        output,
        interpolation: Valid(Interpolation::Linear),
        extensions: None,
        extras: Default::default(),
    }
}

/// The frames of which every number is finite and every quaternion has a direction.
fn keyframes(scene: &GlbScene) -> Vec<usize> {
    let frames = 0..scene.translations.nrows();
    frames
        .filter(|&frame| {
            let rotations = scene.rotations.index_axis(Axis(0), frame);
            let lengths = rotations.outer_iter().all(|q| q.dot(&q).is_normal());
            lengths
                && scene
                    .translations
                    .row(frame)
                    .iter()
                    .all(|value| value.is_finite())
        })
        .collect()
}

/// Unit quaternions of which each stands on the side of the one before, so that interpolation takes the short way.
fn continuous_rotations(scene: &GlbScene, joint: usize, frames: &[usize]) -> Vec<[f32; 4]> {
    let mut before = [0.0, 0.0, 0.0, 1.0];
    let turned = |&frame: &usize| {
        let mut q = [0, 1, 2, 3].map(|part| scene.rotations[[frame, joint, part]]);
        let dot = |a: [f64; 4], b: [f64; 4]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let scale = dot(q, q).sqrt().recip() * if dot(q, before) < 0.0 { -1.0 } else { 1.0 };
        q = q.map(|part| part * scale);
        before = q;
        q.map(|part| part as f32)
    };
    frames.iter().map(turned).collect()
}

/// Sums of the faces' normals, weighted by area; up where a vertex belongs to no face.
fn smooth_normals(vertices: &[[f32; 3]], faces: &Array2<u32>) -> Vec<[f32; 3]> {
    let mut sums = vec![[0f64; 3]; vertices.len()];
    for face in faces.outer_iter() {
        let [a, b, c] = [0, 1, 2].map(|corner| vertices[face[corner] as usize].map(f64::from));
        let [u, v] = [b, c].map(|end| [end[0] - a[0], end[1] - a[1], end[2] - a[2]]);
        let normal = [
            u[1] * v[2] - u[2] * v[1],
            u[2] * v[0] - u[0] * v[2],
            u[0] * v[1] - u[1] * v[0],
        ];
        for &vertex in face {
            let sum = &mut sums[vertex as usize];
            sum.iter_mut()
                .zip(normal)
                .for_each(|(sum, part)| *sum += part);
        }
    }
    let unit = |sum: [f64; 3]| {
        let length = sum.iter().map(|part| part * part).sum::<f64>().sqrt();
        match length.is_normal() {
            true => sum.map(|part| (part / length) as f32),
            false => [0.0, 1.0, 0.0],
        }
    };
    sums.into_iter().map(unit).collect()
}

fn rows(points: &Array2<f64>) -> Vec<[f32; 3]> {
    let rows = points.outer_iter();
    rows.map(|row| [row[0] as f32, row[1] as f32, row[2] as f32])
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::testing::real_data;
    use super::*;
    use ndarray::{Array, arr2};

    /// A square in the plane z = 0 on two joints; frame 1 is missing.
    pub(in crate::io) fn scene() -> GlbScene {
        let half = std::f64::consts::FRAC_1_SQRT_2;
        let mut rotations = Array3::zeros((3, 2, 4));
        rotations.index_axis_mut(Axis(2), 3).fill(1.0);
        rotations[[2, 1, 0]] = -2.0 * half;
        rotations[[2, 1, 3]] = -2.0 * half;
        let (joints4, weights4) =
            strongest_four(&arr2(&[[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.25, 0.25]]));
        GlbScene {
            name: "walk".to_string(),
            vertices: arr2(&[
                [0.0, 0.0, 0.0],
                [1.0, 0.0, 0.0],
                [1.0, 1.0, 0.0],
                [0.0, 1.0, 0.0],
            ]),
            faces: arr2(&[[0, 1, 2], [0, 2, 3]]),
            joints4,
            weights4,
            joints: arr2(&[[0.0, 0.5, 0.0], [1.0, 0.75, 0.0]]),
            parents: vec![None, Some(0)],
            joint_names: vec!["pelvis".to_string(), "left_hip".to_string()],
            rotations,
            translations: arr2(&[[0.0, 1.0, 0.0], [f64::NAN, 0.0, 0.0], [0.0, 1.0, 2.0]]),
            rate: 30.0,
        }
    }

    #[test]
    fn another_reader_finds_the_mesh_and_its_skin() {
        let (document, buffers, _) = gltf::import_slice(encode(&scene()).unwrap()).unwrap();
        let primitive = document
            .meshes()
            .next()
            .unwrap()
            .primitives()
            .next()
            .unwrap();
        let reader = primitive.reader(|buffer| Some(&buffers[buffer.index()]));
        assert_eq!(
            reader.read_positions().unwrap().nth(2).unwrap(),
            [1.0, 1.0, 0.0]
        );
        assert!(
            reader
                .read_normals()
                .unwrap()
                .all(|normal| normal == [0.0, 0.0, 1.0])
        );
        assert_eq!(
            reader
                .read_indices()
                .unwrap()
                .into_u32()
                .collect::<Vec<_>>(),
            [0, 1, 2, 0, 2, 3]
        );
        assert_eq!(
            reader.read_joints(0).unwrap().into_u16().nth(2).unwrap(),
            [1, 0, 0, 0]
        );
        assert_eq!(
            reader.read_weights(0).unwrap().into_f32().nth(3).unwrap(),
            [0.5, 0.5, 0.0, 0.0]
        );
        assert_eq!(primitive.bounding_box().max, [1.0, 1.0, 0.0]);

        let skin = document.skins().next().unwrap();
        let matrices = skin
            .reader(|buffer| Some(&buffers[buffer.index()]))
            .read_inverse_bind_matrices();
        assert_eq!(
            matrices.unwrap().nth(1).unwrap()[3],
            [-1.0, -0.75, 0.0, 1.0]
        );
        let hip = skin.joints().nth(1).unwrap();
        assert_eq!(
            (hip.name(), hip.transform().decomposed().0),
            (Some("left_hip"), [1.0, 0.25, 0.0])
        );
        assert_eq!(
            skin.joints()
                .next()
                .unwrap()
                .children()
                .next()
                .unwrap()
                .index(),
            hip.index()
        );
        assert_eq!(
            document.as_json().asset.generator.as_deref(),
            Some("fitrun")
        );
    }

    #[test]
    fn missing_frames_have_no_keyframe_and_signs_are_continuous() {
        let (document, buffers, _) = gltf::import_slice(encode(&scene()).unwrap()).unwrap();
        let animation = document.animations().next().unwrap();
        assert_eq!(animation.channels().count(), 3);
        let channel = animation.channels().nth(2).unwrap();
        let reader = channel.reader(|buffer| Some(&buffers[buffer.index()]));
        let times: Vec<f32> = reader.read_inputs().unwrap().collect();
        assert_eq!(times, [0.0, 2.0 / 30.0]);
        let half = std::f32::consts::FRAC_1_SQRT_2;
        match reader.read_outputs().unwrap() {
            gltf::animation::util::ReadOutputs::Rotations(rotations) => {
                let rotations: Vec<[f32; 4]> = rotations.into_f32().collect();
                assert_eq!(rotations, [[0.0, 0.0, 0.0, 1.0], [half, 0.0, 0.0, half]]);
            }
            _ => panic!("the channel of a joint holds rotations"),
        }
    }

    #[test]
    fn a_scene_without_a_finite_frame_stands_still() {
        let mut still = scene();
        still.translations.fill(f64::NAN);
        let (document, _, _) = gltf::import_slice(encode(&still).unwrap()).unwrap();
        assert_eq!(document.animations().count(), 0);
    }

    #[test]
    fn the_four_strongest_joints_are_kept_and_scaled() {
        let (joints, weights) = strongest_four(&arr2(&[[0.1, 0.0, 0.2, 0.3, 0.2, 0.2], [0.0; 6]]));
        assert_eq!(joints, [[3, 2, 4, 5], [0; 4]]);
        assert!((weights[0][0] - 0.3 / 0.9).abs() < 1e-6);
        assert!((weights[0].iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(weights[1], [1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn the_real_body_becomes_a_file_of_its_size() {
        let Some(data) = real_data() else { return };
        let body = super::super::body_fields::read(&data.join("body/body_mh_low.npz")).unwrap();
        let (joints4, weights4) = strongest_four(&body.weights);
        let mut rotations = Array::zeros((10, 24, 4));
        rotations.index_axis_mut(Axis(2), 3).fill(1.0);
        let scene = GlbScene {
            name: "rest".to_string(),
            joints: body.joints,
            vertices: body.v_template,
            faces: body.faces,
            joints4,
            weights4,
            parents: body.parents,
            joint_names: body.joint_names.unwrap(),
            rotations,
            translations: Array2::zeros((10, 3)),
            rate: 30.0,
        };
        let bytes = encode(&scene).unwrap();
        let (document, _, _) = gltf::import_slice(&bytes).unwrap();
        assert_eq!(document.skins().next().unwrap().joints().count(), 24);
        let vertex_bytes = 12 + 12 + 8 + 16;
        assert!(bytes.len() > 1502 * vertex_bytes + 3000 * 12);
        if let Some(kept) = std::env::var_os("FITIO_KEEP") {
            write(Path::new(&kept), &scene).unwrap();
        }
    }
}
