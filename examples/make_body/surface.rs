//! A triangle surface that can be edited: edges split, collapsed and flipped.

use crate::joints::V3;

pub struct Surface {
    pub positions: Vec<V3>,
    /// A removed face holds three equal corners.
    pub faces: Vec<[usize; 3]>,
    /// The faces around each vertex; none around a removed one.
    pub fans: Vec<Vec<usize>>,
}

impl Surface {
    pub fn new(positions: Vec<V3>, faces: Vec<[usize; 3]>) -> Surface {
        let mut fans = vec![Vec::new(); positions.len()];
        for (f, face) in faces.iter().enumerate() {
            for &v in face {
                fans[v].push(f);
            }
        }
        Surface {
            positions,
            faces,
            fans,
        }
    }

    /// Every edge once, as it stands in one of its faces.
    pub fn edges(&self) -> Vec<[usize; 2]> {
        let mut edges: Vec<[usize; 2]> = self.living().flat_map(sides).collect();
        edges.iter_mut().for_each(|e| e.sort_unstable());
        edges.sort_unstable();
        edges.dedup();
        edges
    }

    pub fn living(&self) -> impl Iterator<Item = [usize; 3]> + '_ {
        self.faces.iter().copied().filter(|f| f[0] != f[1])
    }

    pub fn neighbours(&self, v: usize) -> Vec<usize> {
        let mut ring: Vec<usize> = self.fans[v]
            .iter()
            .flat_map(|&f| self.faces[f])
            .filter(|&w| w != v)
            .collect();
        ring.sort_unstable();
        ring.dedup();
        ring
    }

    pub fn faces_of_edge(&self, a: usize, b: usize) -> Vec<usize> {
        self.fans[a]
            .iter()
            .copied()
            .filter(|&f| self.faces[f].contains(&b))
            .collect()
    }

    pub fn normal(&self, [a, b, c]: [usize; 3]) -> V3 {
        let p = &self.positions;
        (p[b] - p[a]).cross(&(p[c] - p[a]))
    }

    pub fn vertex_normal(&self, v: usize) -> V3 {
        self.fans[v]
            .iter()
            .map(|&f| self.normal(self.faces[f]))
            .sum::<V3>()
            .normalize()
    }

    pub fn split(&mut self, a: usize, b: usize, at: V3) {
        let middle = self.positions.len();
        self.positions.push(at);
        self.fans.push(Vec::new());
        for f in self.faces_of_edge(a, b) {
            let old = self.faces[f];
            let new = self.faces.len();
            self.faces[f] = old.map(|v| if v == b { middle } else { v });
            self.faces
                .push(old.map(|v| if v == a { middle } else { v }));
            self.fans[b].retain(|&g| g != f);
            self.fans[b].push(new);
            self.fans[middle].extend([f, new]);
            let apex = old
                .into_iter()
                .find(|v| ![a, b].contains(v))
                .expect("a third corner");
            self.fans[apex].push(new);
        }
    }

    /// Merges `b` into `a` at `at`; refuses where that would pinch or fold the surface.
    pub fn collapse(&mut self, a: usize, b: usize, at: V3) -> bool {
        let shared = self.faces_of_edge(a, b);
        let ring = self.neighbours(b);
        let common = self
            .neighbours(a)
            .iter()
            .filter(|v| ring.contains(v))
            .count();
        if common != shared.len() || self.folds(a, b, &at) || self.folds(b, a, &at) {
            return false;
        }
        for f in shared {
            for v in self.faces[f] {
                self.fans[v].retain(|&g| g != f);
            }
            self.faces[f] = [a; 3];
        }
        for f in std::mem::take(&mut self.fans[b]) {
            self.faces[f] = self.faces[f].map(|v| if v == b { a } else { v });
            self.fans[a].push(f);
        }
        self.positions[a] = at;
        true
    }

    /// Whether a face around `v`, away from `other`, would turn by more than 60° when v moves.
    fn folds(&self, v: usize, other: usize, at: &V3) -> bool {
        self.fans[v]
            .iter()
            .map(|&f| self.faces[f])
            .filter(|f| !f.contains(&other))
            .any(|face| {
                let before = self.normal(face);
                let [a, b, c] = face.map(|w| if w == v { *at } else { self.positions[w] });
                let after = (b - a).cross(&(c - a));
                before.dot(&after) < 0.5 * before.norm() * after.norm()
            })
    }

    /// Turns the edge between two faces into their other diagonal.
    pub fn flip(&mut self, [f, g]: [usize; 2], [a, b, c, d]: [usize; 4]) {
        self.faces[f] = [a, d, c];
        self.faces[g] = [d, b, c];
        self.fans[a].retain(|&h| h != g);
        self.fans[b].retain(|&h| h != f);
        self.fans[c].push(g);
        self.fans[d].push(f);
    }
}

/// A face's three directed edges.
pub fn sides([a, b, c]: [usize; 3]) -> [[usize; 2]; 3] {
    [[a, b], [b, c], [c, a]]
}
