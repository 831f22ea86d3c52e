//! A skinned mesh from glTF 2.0: `.glb`, or `.gltf` with its `.bin` beside it.
//!
//! Format: <https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html>

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use gltf_json::accessor::{ComponentType, Type};
use gltf_json::mesh::{Mode, Primitive, Semantic};
use gltf_json::validation::Checked;
use gltf_json::{Accessor, Index, Node, Root, Skin};
use nalgebra::{Matrix4, Quaternion, Translation3, UnitQuaternion, Vector3, Vector4};
use ndarray::{Array2, Array3};

use super::error::FileError;
use super::read_bytes;
use super::rig::{MOST_JOINTS, Rig};

const MAGIC: &[u8] = b"glTF";
const JSON: u32 = 0x4E4F_534A;
/// Extensions that store the numbers in another way.
const PACKED: [&str; 3] = [
    "EXT_meshopt_compression",
    "KHR_meshopt_compression",
    "KHR_draco_mesh_compression",
];
const BIN: u32 = 0x004E_4942;

pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Of a file in memory, which messages call `path`, and whose buffers lie beside it.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Rig, FileError> {
    let wrong = |message: String| FileError::new(path, message);
    let (json, inside) = match is_binary(bytes) {
        true => chunks(bytes).map_err(wrong)?,
        false => (bytes, None),
    };
    let root = Root::from_slice(json).map_err(|e| wrong(format!("is no glTF: {e}")))?;
    let needs = root.extensions_required.iter();
    if let Some(packed) = needs.into_iter().find(|e| PACKED.contains(&e.as_str())) {
        let message = format!("it is compressed by {packed}, which is not read");
        return Err(wrong(message).with_hint("export it without compression"));
    }
    let mut buffers = Vec::new();
    for (number, buffer) in root.buffers.iter().enumerate() {
        buffers.push(match (&buffer.uri, inside) {
            (None, Some(inside)) if number == 0 => Cow::Borrowed(inside),
            (Some(uri), _) if !uri.contains(':') => Cow::Owned(beside(path, uri)?),
            _ => {
                let message = "its numbers are neither in the file nor in one beside it";
                return Err(wrong(message.into()).with_hint("save it as `.glb`"));
            }
        });
    }
    let rig = Document { root, buffers }.rig().map_err(wrong)?;
    rig.check().map_err(wrong)?;
    Ok(rig)
}

/// Files that the document at `path` names, for the record of what was read.
pub(crate) fn links(path: &Path) -> Vec<PathBuf> {
    let bytes = read_bytes(path).ok().filter(|b| !is_binary(b));
    let root = bytes.and_then(|b| Root::from_slice(&b).ok());
    let buffers = root.into_iter().flat_map(|r| r.buffers);
    let uris = buffers.filter_map(|b| b.uri);
    uris.filter_map(|uri| linked(path, &uri)).collect()
}

/// Where a file is that a document names, if that is in its folder or below.
fn linked(path: &Path, uri: &str) -> Option<PathBuf> {
    let name = PathBuf::from(decoded_uri(uri));
    let plain = name.components().all(|c| matches!(c, Component::Normal(_)));
    let file = path.parent().unwrap_or(Path::new(".")).join(&name);
    (plain && (file.is_file() || !file.exists())).then_some(file)
}

fn beside(path: &Path, uri: &str) -> Result<Vec<u8>, FileError> {
    match linked(path, uri) {
        Some(file) => read_bytes(&file),
        None => Err(FileError::new(
            path,
            format!("it names `{uri}`, which is no file beside it"),
        )),
    }
}

/// Bytes that stand as `%20` in a link.
fn decoded_uri(uri: &str) -> String {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let pair = others.get(..2).and_then(|p| std::str::from_utf8(p).ok());
        let code = pair
            .and_then(|p| u8::from_str_radix(p, 16).ok())
            .filter(|_| *first == b'%');
        bytes.push(code.unwrap_or(*first));
        rest = &others[if code.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The JSON and the binary chunk of a `.glb`.
fn chunks(bytes: &[u8]) -> Result<(&[u8], Option<&[u8]>), String> {
    let cut = || "the file is truncated".to_string();
    let word = |at: usize| -> Option<u32> {
        let four = bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(four.try_into().ok()?))
    };
    match word(4) {
        Some(2) => {}
        Some(_) => return Err("only version 2 of glTF is read".into()),
        None => return Err(cut()),
    }
    let (mut at, mut json, mut inside) = (12, None, None);
    while at < bytes.len() {
        let (length, kind) = word(at).zip(word(at + 4)).ok_or_else(cut)?;
        let end = (at + 8).checked_add(length as usize).ok_or_else(cut)?;
        let chunk = bytes.get(at + 8..end).ok_or_else(cut)?;
        match kind {
            JSON => json = json.or(Some(chunk)),
            BIN => inside = inside.or(Some(chunk)),
            _ => {}
        }
        at = end.next_multiple_of(4);
    }
    Ok((json.ok_or_else(cut)?, inside))
}

struct Document<'a> {
    root: Root,
    buffers: Vec<Cow<'a, [u8]>>,
}

/// One part of a mesh.
#[derive(Default)]
struct Part {
    vertices: Vec<[f64; 3]>,
    faces: Vec<[u32; 3]>,
    weights: Vec<Vec<(usize, f64)>>,
}

impl Document<'_> {
    /// All meshes on the skin with the most joints, and on those that share joints with it, in their bind pose.
    fn rig(&self) -> Result<Rig, String> {
        let nodes = self.parents()?;
        let skins = self.skins(nodes.len())?;
        let world = self.world(&nodes);
        let (mut joints, mut heads): (Vec<usize>, Vec<f64>) = (Vec::new(), Vec::new());
        let mut all = Part::default();
        for (skin, own) in skins {
            let back = self.inverse_bind(&self.root.skins[skin], &own, &world)?;
            // What the bind pose of the highest joint, moved to where its node is, does to the mesh.
            let depth = |k: &usize| std::iter::successors(nodes[own[*k]], |n| nodes[*n]).count();
            let top = (0..own.len()).min_by_key(depth).unwrap_or(0);
            let place = world[own[top]] * back[top];
            for (node, back) in own.iter().zip(&back) {
                if !joints.contains(node) {
                    let bind = back.try_inverse().ok_or_else(|| {
                        format!("the bind matrix of `{}` has no inverse", self.name(*node))
                    })?;
                    joints.push(*node);
                    heads.extend((place * bind).column(3).iter().take(3));
                }
            }
            let known = |node: &usize| joints.iter().position(|j| j == node).unwrap_or(0);
            let places: Vec<usize> = own.iter().map(known).collect();
            let hang = |n: &&Node| n.skin.is_some_and(|s| s.value() == skin);
            for node in self.root.nodes.iter().filter(hang) {
                let mesh = node.mesh.and_then(|m| self.root.get(m));
                for primitive in mesh.iter().flat_map(|m| &m.primitives) {
                    self.add(primitive, (&places, top, &place), &mut all)?;
                }
            }
        }
        if all.faces.is_empty() {
            return Err("no triangles hang on its skin".into());
        }
        let (v, f, j) = (all.vertices.len(), all.faces.len(), joints.len());
        let shaped = |e: ndarray::ShapeError| e.to_string();
        Ok(Rig {
            joint_names: joints.iter().map(|n| self.name(*n)).collect(),
            parents: joints.iter().map(|n| above(*n, &nodes, &joints)).collect(),
            heads: Array2::from_shape_vec((j, 3), heads).map_err(shaped)?,
            vertices: Array2::from_shape_vec((v, 3), all.vertices.concat()).map_err(shaped)?,
            faces: Array2::from_shape_vec((f, 3), all.faces.concat()).map_err(shaped)?,
            weights: all.weights,
            shapes: Array3::zeros((v, 3, 0)),
            head_shapes: Array3::zeros((j, 3, 0)),
        })
    }

    /// The skins of one figure, with the nodes that are their joints.
    fn skins(&self, nodes: usize) -> Result<Vec<(usize, Vec<usize>)>, String> {
        let joints = |skin: &Skin| {
            skin.joints
                .iter()
                .map(|j| j.value())
                .collect::<Vec<usize>>()
        };
        let all: Vec<(usize, Vec<usize>)> =
            self.root.skins.iter().map(joints).enumerate().collect();
        if all.iter().map(|(_, joints)| joints.len()).sum::<usize>() > 16 * MOST_JOINTS {
            return Err("it has too many joints".into());
        }
        if all
            .iter()
            .flat_map(|(_, joints)| joints)
            .any(|j| *j >= nodes)
        {
            return Err("its skin names nodes that are not there".into());
        }
        let used = |skin: usize| {
            let mut nodes = self.root.nodes.iter();
            nodes.any(|n| n.mesh.is_some() && n.skin.is_some_and(|s| s.value() == skin))
        };
        let worn = all.iter().filter(|(skin, _)| used(*skin));
        let largest = worn.map(|(_, joints)| joints).max_by_key(|j| j.len());
        let Some(largest) = largest.filter(|j| !j.is_empty()).cloned() else {
            return Err(
                "it has no skin: a mesh without a skeleton is no body; export it with its armature"
                    .into(),
            );
        };
        let shares = |(_, joints): &(usize, Vec<usize>)| joints.iter().any(|j| largest.contains(j));
        Ok(all.into_iter().filter(shares).collect())
    }

    fn name(&self, node: usize) -> String {
        let name = self.root.nodes[node].name.clone();
        name.unwrap_or_else(|| format!("node{node}"))
    }

    /// The parent of each node.
    fn parents(&self) -> Result<Vec<Option<usize>>, String> {
        let nodes = &self.root.nodes;
        let mut parents = vec![None; nodes.len()];
        for (k, node) in nodes.iter().enumerate() {
            for child in node.children.iter().flatten() {
                match parents.get_mut(child.value()) {
                    Some(parent @ None) => *parent = Some(k),
                    _ => return Err("its nodes are no tree".into()),
                }
            }
        }
        match ordered(&parents).len() == nodes.len() {
            true => Ok(parents),
            false => Err("its nodes go in a circle".into()),
        }
    }

    fn world(&self, parents: &[Option<usize>]) -> Vec<Matrix4<f64>> {
        let mut world = vec![Matrix4::identity(); parents.len()];
        for k in ordered(parents) {
            let own = local(&self.root.nodes[k]);
            world[k] = parents[k].map_or(own, |p| world[p] * own);
        }
        world
    }

    /// From the mesh to each joint.
    fn inverse_bind(
        &self,
        skin: &Skin,
        joints: &[usize],
        world: &[Matrix4<f64>],
    ) -> Result<Vec<Matrix4<f64>>, String> {
        let Some(accessor) = skin.inverse_bind_matrices else {
            // Applied already: joints are bound where they are.
            let inverse = |k: &usize| world[*k].try_inverse();
            let all: Option<Vec<_>> = joints.iter().map(inverse).collect();
            return all.ok_or_else(|| "its joints have no size".into());
        };
        let numbers = self.numbers(accessor, Type::Mat4)?;
        match numbers.len() >= 16 * joints.len() {
            true => Ok(numbers
                .chunks_exact(16)
                .map(Matrix4::from_column_slice)
                .collect()),
            false => Err("it has fewer bind matrices than joints".into()),
        }
    }

    /// Adds triangles whose joints and vertices are placed so; what nothing moves, the `top` joint does.
    fn add(
        &self,
        primitive: &Primitive,
        (places, top, place): (&[usize], usize, &Matrix4<f64>),
        to: &mut Part,
    ) -> Result<(), String> {
        let joints = places.len();
        match primitive.mode {
            Checked::Valid(Mode::Triangles) => {}
            Checked::Valid(Mode::TriangleStrip | Mode::TriangleFan) => {
                return Err("it has strips or fans of triangles; export plain triangles".into());
            }
            _ => return Ok(()),
        }
        let find =
            |semantic: Semantic| primitive.attributes.get(&Checked::Valid(semantic)).copied();
        let Some(positions) = find(Semantic::Positions) else {
            return Ok(());
        };
        let positions = self.numbers(positions, Type::Vec3)?;
        let count = positions.len() / 3;
        let mut weights: Vec<Vec<(usize, f64)>> = vec![Vec::new(); count];
        for set in 0.. {
            let both = find(Semantic::Joints(set)).zip(find(Semantic::Weights(set)));
            let Some((of, weigh)) = both else { break };
            let (of, weigh) = (
                self.numbers(of, Type::Vec4)?,
                self.numbers(weigh, Type::Vec4)?,
            );
            if of.len() != 4 * count || weigh.len() != 4 * count {
                return Err("it has other numbers of weights than of vertices".into());
            }
            for (k, (joint, weight)) in of.iter().zip(weigh).enumerate() {
                let joint = *joint as usize;
                if !weight.is_finite() || weight < 0.0 {
                    return Err("it holds skinning weights that are no shares".into());
                }
                if weight > 0.0 && joint >= joints {
                    return Err(format!("a vertex hangs on joint {joint} of {joints}"));
                }
                if weight > 0.0 {
                    weights[k / 4].push((places[joint], weight));
                }
            }
        }
        for row in &mut weights {
            let sum: f64 = row.iter().map(|(_, w)| w).sum();
            match sum > 0.0 {
                true => row.iter_mut().for_each(|(_, w)| *w /= sum),
                false => row.push((places[top], 1.0)),
            }
        }
        let first = to.vertices.len() as u32;
        let corners: Vec<f64> = match primitive.indices {
            Some(indices) => self.numbers(indices, Type::Scalar)?,
            None => (0..count).map(|k| k as f64).collect(),
        };
        if corners.iter().any(|c| *c >= count as f64) {
            return Err("a triangle has corners that are not there".into());
        }
        let faces = corners.chunks_exact(3);
        to.faces
            .extend(faces.map(|f| [0, 1, 2].map(|k| first + f[k] as u32)));
        let moved = |p: &[f64]| (place * Vector4::new(p[0], p[1], p[2], 1.0)).xyz().data.0[0];
        to.vertices.extend(positions.chunks_exact(3).map(moved));
        to.weights.extend(weights);
        Ok(())
    }

    /// An accessor's numbers, each held against the size of what it lies in.
    fn numbers(&self, index: Index<Accessor>, kind: Type) -> Result<Vec<f64>, String> {
        let accessor = self
            .root
            .get(index)
            .ok_or("it names numbers that are not there")?;
        if accessor.sparse.is_some() {
            return Err("it stores numbers sparsely, which is not read; export it anew".into());
        }
        let component = match accessor.component_type {
            Checked::Valid(component) => component.0,
            Checked::Invalid => return Err("it has numbers of an unknown type".into()),
        };
        if accessor.type_ != Checked::Valid(kind) {
            return Err("it has vectors of another size than their use".into());
        }
        let cut = || "its numbers reach beyond the file".to_string();
        let view = accessor
            .buffer_view
            .and_then(|v| self.root.get(v))
            .ok_or_else(cut)?;
        let buffer = self.buffers.get(view.buffer.value()).ok_or_else(cut)?;
        let begin = view.byte_offset.map_or(0, |o| o.0 as usize);
        let end = begin
            .checked_add(view.byte_length.0 as usize)
            .ok_or_else(cut)?;
        let bytes = buffer.get(begin..end).ok_or_else(cut)?;
        let (size, width) = (component.size(), kind.multiplicity());
        let stride = view.byte_stride.map_or(size * width, |s| s.0);
        let offset = accessor.byte_offset.map_or(0, |o| o.0 as usize);
        let count = accessor.count.0 as usize;
        if count > bytes.len() {
            return Err(cut());
        }
        let mut found = Vec::with_capacity(count * width);
        for k in 0..count {
            for c in 0..width {
                let at = offset + k * stride + c * size;
                let number = bytes.get(at..at + size).ok_or_else(cut)?;
                found.push(decoded(number, component, accessor.normalized));
            }
        }
        Ok(found)
    }
}

/// Nodes behind their parents, without those that are in a circle.
fn ordered(parents: &[Option<usize>]) -> Vec<usize> {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); parents.len()];
    let mut order = Vec::with_capacity(parents.len());
    for (k, parent) in parents.iter().enumerate() {
        match parent {
            Some(parent) => children[*parent].push(k),
            None => order.push(k),
        }
    }
    let mut at = 0;
    while let Some(k) = order.get(at).copied() {
        order.extend(&children[k]);
        at += 1;
    }
    order
}

/// The nearest joint above a node, as its place among the joints.
fn above(node: usize, nodes: &[Option<usize>], joints: &[usize]) -> Option<usize> {
    let mut way = std::iter::successors(nodes[node], |k| nodes[*k]);
    way.find_map(|k| joints.iter().position(|j| *j == k))
}

fn local(node: &Node) -> Matrix4<f64> {
    if let Some(matrix) = node.matrix {
        return Matrix4::from_iterator(matrix.iter().map(|x| f64::from(*x)));
    }
    let vector = |v: Option<[f32; 3]>, x: f32| Vector3::from(v.unwrap_or([x; 3])).map(f64::from);
    let [x, y, z, w] = node
        .rotation
        .map_or([0.0, 0.0, 0.0, 1.0], |r| r.0)
        .map(f64::from);
    let turn = UnitQuaternion::from_quaternion(Quaternion::new(w, x, y, z));
    Translation3::from(vector(node.translation, 0.0)).to_homogeneous()
        * turn.to_homogeneous()
        * Matrix4::new_nonuniform_scaling(&vector(node.scale, 1.0))
}

fn decoded(bytes: &[u8], component: ComponentType, normalized: bool) -> f64 {
    let byte = |k: usize| bytes.get(k).copied().unwrap_or(0);
    let short = u16::from_le_bytes([byte(0), byte(1)]);
    let long = u32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)]);
    let (value, most) = match component {
        ComponentType::I8 => (f64::from(byte(0) as i8), 127.0),
        ComponentType::U8 => (f64::from(byte(0)), 255.0),
        ComponentType::I16 => (f64::from(short as i16), 32767.0),
        ComponentType::U16 => (f64::from(short), 65535.0),
        ComponentType::U32 => (f64::from(long), 1.0),
        ComponentType::F32 => (f64::from(f32::from_bits(long)), 1.0),
    };
    if normalized { value / most } else { value }
}

#[cfg(test)]
mod tests {
    use super::super::glb::{self, tests::scene};
    use super::super::testing::damage;
    use super::*;

    fn file() -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("walk.glb");
        glb::write(&path, &scene()).unwrap();
        std::fs::read(path).unwrap()
    }

    #[test]
    fn what_fitrun_writes_it_reads() {
        let (rig, wanted) = (parse(Path::new("walk.glb"), &file()).unwrap(), scene());
        assert_eq!(rig.joint_names, wanted.joint_names);
        assert_eq!(rig.parents, wanted.parents);
        let near = |a: &Array2<f64>, b: &Array2<f64>| {
            assert_eq!(a.dim(), b.dim());
            a.iter()
                .zip(b)
                .for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{a} {b}"));
        };
        // The scene moves its root; the rig is where the nodes put it.
        let shift = &rig.heads.row(0) - &wanted.joints.row(0);
        near(&(&rig.heads - &shift), &wanted.joints);
        near(&(&rig.vertices - &shift), &wanted.vertices);
        assert_eq!(rig.faces, wanted.faces);
        assert_eq!(rig.weights[1], [(0, 0.5), (1, 0.5)]);
    }

    #[test]
    fn damage_ends_in_errors() {
        damage(&file(), |bytes| {
            let _ = parse(Path::new("walk.glb"), bytes);
        });
    }

    #[test]
    fn what_is_not_read_is_said() {
        let said = |json: &str| {
            parse(Path::new("a.gltf"), json.as_bytes())
                .unwrap_err()
                .message
        };
        let asset = "\"asset\": { \"version\": \"2.0\" }";
        assert!(said(&format!("{{ {asset} }}")).starts_with("it has no skin"));
        let packed = "\"extensionsRequired\": [\"KHR_draco_mesh_compression\"]";
        let message = said(&format!("{{ {asset}, {packed} }}"));
        assert_eq!(
            message,
            "it is compressed by KHR_draco_mesh_compression, which is not read"
        );
    }
}
