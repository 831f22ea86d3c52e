//! Marching tetrahedra over the left half of a field, cut exactly at x = 0.

use std::collections::HashMap;

use crate::field::Field;
use crate::joints::V3;
use crate::surface::Surface;

const PITCH: f64 = 0.003;
const BLOCK: usize = 8;
const LOW: V3 = V3::new(0.0, -0.975, -0.165);
const BLOCKS: [usize; 3] = [38, 74, 16];

/// The cube's corners as bits xyz; six tetrahedra around its long diagonal (Freudenthal).
#[rustfmt::skip]
const TETRAHEDRA: [[usize; 4]; 6] =
    [[0, 1, 3, 7], [0, 1, 5, 7], [0, 2, 3, 7], [0, 2, 6, 7], [0, 4, 5, 7], [0, 4, 6, 7]];

/// A fine triangle mesh of the surface where x ≥ 0; its only border lies in the plane x = 0.
pub fn march(field: &Field) -> Surface {
    let mut mesh = Marcher {
        field,
        positions: Vec::new(),
        faces: Vec::new(),
        cut: HashMap::new(),
    };
    for i in 0..BLOCKS[0] {
        for j in 0..BLOCKS[1] {
            for k in 0..BLOCKS[2] {
                mesh.block([i * BLOCK, j * BLOCK, k * BLOCK]);
            }
        }
    }
    Surface::new(mesh.positions, mesh.faces)
}

type Node = [usize; 3];

struct Marcher<'a> {
    field: &'a Field,
    positions: Vec<V3>,
    faces: Vec<[usize; 3]>,
    cut: HashMap<(Node, Node), usize>,
}

impl Marcher<'_> {
    /// Blocks far from the surface are left out; the field may be off by a factor of two.
    fn block(&mut self, first: Node) {
        let half = BLOCK as f64 / 2.0;
        let centre = place(first) + V3::repeat(half * PITCH);
        if self.field.at(&centre).abs() > 2.0 * 3f64.sqrt() * half * PITCH {
            return;
        }
        let side = BLOCK + 1;
        let values: Vec<f64> = (0..side * side * side)
            .map(|n| [n / side / side, n / side % side, n % side])
            .map(|n| self.field.at(&place(add(first, n))))
            .collect();
        for cell in 0..BLOCK * BLOCK * BLOCK {
            let base = [cell / BLOCK / BLOCK, cell / BLOCK % BLOCK, cell % BLOCK];
            for corners in TETRAHEDRA {
                let nodes = corners.map(|c| add(base, [c >> 2, c >> 1 & 1, c & 1]));
                let value = nodes.map(|n| values[(n[0] * side + n[1]) * side + n[2]]);
                self.tetrahedron(nodes.map(|n| add(first, n)), value);
            }
        }
    }

    fn tetrahedron(&mut self, nodes: [Node; 4], value: [f64; 4]) {
        let (inside, outside): (Vec<usize>, Vec<usize>) = (0..4).partition(|&c| value[c] < 0.0);
        let mut cut =
            |a: usize, b: usize| self.crossing((nodes[a], value[a]), (nodes[b], value[b]));
        let ring = match (inside.as_slice(), outside.as_slice()) {
            ([a], [b, c, d]) | ([b, c, d], [a]) => vec![cut(*a, *b), cut(*a, *c), cut(*a, *d)],
            ([a, b], [c, d]) => vec![cut(*a, *c), cut(*a, *d), cut(*b, *d), cut(*b, *c)],
            _ => return,
        };
        let mean =
            |set: &[usize]| set.iter().map(|&c| place(nodes[c])).sum::<V3>() / set.len() as f64;
        let outward = mean(&outside) - mean(&inside);
        self.polygon(&ring, &outward);
    }

    fn polygon(&mut self, ring: &[usize], outward: &V3) {
        let [a, b, c] = [0, 1, 2].map(|i| self.positions[ring[i]]);
        let forward = (b - a).cross(&(c - a)).dot(outward) > 0.0;
        for i in 1..ring.len() - 1 {
            let (next, last) = if forward { (i, i + 1) } else { (i + 1, i) };
            self.faces.push([ring[0], ring[next], ring[last]]);
        }
    }

    /// The vertex on a grid edge, kept off the edge's ends so that no triangle collapses.
    fn crossing(&mut self, a: (Node, f64), b: (Node, f64)) -> usize {
        let (a, b) = if a.0 < b.0 { (a, b) } else { (b, a) };
        let positions = &mut self.positions;
        *self.cut.entry((a.0, b.0)).or_insert_with(|| {
            let along = (a.1 / (a.1 - b.1)).clamp(0.05, 0.95);
            positions.push(place(a.0).lerp(&place(b.0), along));
            positions.len() - 1
        })
    }
}

fn add(a: Node, b: Node) -> Node {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

fn place(node: Node) -> V3 {
    LOW + V3::new(node[0] as f64, node[1] as f64, node[2] as f64) * PITCH
}
