//! Isotropic remeshing to a wanted edge length (Botsch & Kobbelt 2004), on the implicit surface.

use crate::density::edge_length;
use crate::field::Field;
use crate::joints::V3;
use crate::surface::{Surface, sides};

const ROUNDS: usize = 14;

/// Vertices in the plane x = 0 stay in it, so the half can be mirrored without a seam.
pub fn remesh(mesh: &mut Surface, field: &Field) {
    for _ in 0..4 {
        collapse_short(mesh);
    }
    for round in 0..ROUNDS {
        split_long(mesh);
        collapse_short(mesh);
        flip_to_even(mesh);
        relax(mesh, field);
        if round + 3 > ROUNDS {
            flip_to_even(mesh);
            relax(mesh, field);
        }
    }
}

/// An edge's length in units of the wanted one.
fn stretch(mesh: &Surface, a: usize, b: usize) -> f64 {
    let (p, q) = (mesh.positions[a], mesh.positions[b]);
    (p - q).norm() / edge_length(&((p + q) / 2.0))
}

fn split_long(mesh: &mut Surface) {
    for [a, b] in mesh.edges() {
        if stretch(mesh, a, b) > 4.0 / 3.0 {
            let middle = (mesh.positions[a] + mesh.positions[b]) / 2.0;
            mesh.split(a, b, middle);
        }
    }
}

fn collapse_short(mesh: &mut Surface) {
    for [a, b] in mesh.edges() {
        let gone = mesh.fans[a].is_empty() || mesh.fans[b].is_empty();
        if gone || mesh.faces_of_edge(a, b).is_empty() || stretch(mesh, a, b) > 0.8 {
            continue;
        }
        let Some((keep, lose, at)) = merged(mesh, a, b) else {
            continue;
        };
        let stays_short = |v: usize| (mesh.positions[v] - at).norm() < 4.0 / 3.0 * edge_length(&at);
        if mesh
            .neighbours(a)
            .into_iter()
            .chain(mesh.neighbours(b))
            .all(stays_short)
        {
            mesh.collapse(keep, lose, at);
        }
    }
}

/// Which end stays and where; none where the collapse would pinch the border.
fn merged(mesh: &Surface, a: usize, b: usize) -> Option<(usize, usize, V3)> {
    let (p, q) = (mesh.positions[a], mesh.positions[b]);
    match (p.x == 0.0, q.x == 0.0) {
        (true, true) if mesh.faces_of_edge(a, b).len() > 1 => None,
        (true, false) => Some((a, b, p)),
        (false, true) => Some((b, a, q)),
        _ => Some((a, b, (p + q) / 2.0)),
    }
}

/// Flips an edge where that brings the four corners nearer to six neighbours (four on the border).
fn flip_to_even(mesh: &mut Surface) {
    for [a, b] in mesh.edges() {
        let &[f, g] = mesh.faces_of_edge(a, b).as_slice() else {
            continue;
        };
        let (f, g) = if sides(mesh.faces[f]).contains(&[a, b]) {
            (f, g)
        } else {
            (g, f)
        };
        let apex = |h: usize| mesh.faces[h].into_iter().find(|v| ![a, b].contains(v));
        let (Some(c), Some(d)) = (apex(f), apex(g)) else {
            continue;
        };
        let gain =
            unevenness(mesh, [a, b, c, d], [0; 4]) - unevenness(mesh, [a, b, c, d], [-1, -1, 1, 1]);
        if gain > 0 && mesh.faces_of_edge(c, d).is_empty() && convex(mesh, [a, b, c, d]) {
            mesh.flip([f, g], [a, b, c, d]);
        }
    }
}

fn unevenness(mesh: &Surface, corners: [usize; 4], change: [i32; 4]) -> i32 {
    let deviation = |v: usize| {
        let wanted = if mesh.positions[v].x == 0.0 { 4 } else { 6 };
        mesh.neighbours(v).len() as i32 - wanted
    };
    corners
        .iter()
        .zip(change)
        .map(|(&v, c)| (deviation(v) + c).pow(2))
        .sum()
}

/// Whether both new triangles face the way the old ones did.
fn convex(mesh: &Surface, [a, b, c, d]: [usize; 4]) -> bool {
    let old = mesh.normal([a, b, c]).normalize() + mesh.normal([b, a, d]).normalize();
    [[a, d, c], [d, b, c]].iter().all(|face| {
        let normal = mesh.normal(*face);
        normal.dot(&old) > 1.4 * normal.norm()
    })
}

/// Moves every vertex to the middle of its neighbours along the surface, then back onto it.
fn relax(mesh: &mut Surface, field: &Field) {
    let moved: Vec<V3> = (0..mesh.positions.len())
        .map(|v| relaxed(mesh, field, v))
        .collect();
    mesh.positions = moved;
}

fn relaxed(mesh: &Surface, field: &Field, v: usize) -> V3 {
    let here = mesh.positions[v];
    if mesh.fans[v].is_empty() {
        return here;
    }
    let in_plane = here.x == 0.0;
    let ring = mesh.neighbours(v).into_iter().map(|w| mesh.positions[w]);
    let ring: Vec<V3> = ring.filter(|p| !in_plane || p.x == 0.0).collect();
    let offset = ring.iter().sum::<V3>() / ring.len() as f64 - here;
    let normal = mesh.vertex_normal(v);
    let mut there = field.project(&(here + 0.7 * (offset - normal * normal.dot(&offset))));
    there.x = if in_plane { 0.0 } else { there.x.max(5e-4) };
    there
}
