//! Exact nearest neighbours in mean vertex distance, by bound and prune.
//!
//! The mean distance of a group's vertices is at least the distance of their means, so that
//! mean_v ‖a_v − b_v‖ ≥ Σ_g share_g ‖ā_g − b̄_g‖ for any groups g. Coarse groups order the candidates,
//! fine groups sort most of the rest out, and what is left is posed and measured in full.

use rayon::prelude::*;

use crate::measure::surface::{Surface, distance, weighted};

/// A bound in f32 may be this much too high, metres: rounding of points within two metres.
const ROUNDING: f64 = 4e-6;

/// Vertices of a coarse and of a fine group at most.
const COARSE: usize = 400;
const FINE: usize = 16;

/// Poses with the means of their groups of vertices.
pub(super) struct Cloud {
    /// (poses, 21·9).
    rotations: Vec<f64>,
    coarse: Vec<Vec<f32>>,
    fine: Vec<Vec<f32>>,
}

/// The groups of a body's vertices, and what each weighs.
pub(super) struct Search<'a> {
    pub surface: &'a Surface,
    coarse: Groups,
    fine: Groups,
}

struct Groups {
    members: Vec<Vec<usize>>,
    shares: Vec<f32>,
}

/// What a search found and what it took.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// For each pose the distance to its nearest neighbour, metres.
    pub distances: Vec<f64>,
    /// Pairs whose distance was computed in full.
    pub exact: usize,
    pub pairs: usize,
}

impl Groups {
    fn new(surface: &Surface, most: usize) -> Self {
        let members = surface.groups(most);
        let all = surface.vertices() as f32;
        let shares = members.iter().map(|m| m.len() as f32 / all).collect();
        Self { members, shares }
    }

    fn means(&self, skin: &[f32]) -> Vec<f32> {
        let n = skin.len() / 3;
        let along = |k: usize| {
            self.members.iter().map(move |m| {
                let sum: f64 = m.iter().map(|v| f64::from(skin[k * n + v])).sum();
                (sum / m.len() as f64) as f32
            })
        };
        (0..3).flat_map(along).collect()
    }

    fn bound(&self, a: &[f32], b: &[f32]) -> f64 {
        weighted(a, b, Some(&self.shares)) - ROUNDING
    }
}

impl<'a> Search<'a> {
    pub fn new(surface: &'a Surface) -> Self {
        Self {
            surface,
            coarse: Groups::new(surface, COARSE),
            fine: Groups::new(surface, FINE),
        }
    }

    pub fn cloud(&self, rotations: Vec<f64>) -> Cloud {
        let rows = rotations.par_chunks_exact(9 * 21);
        let means = rows.map(|r| {
            let skin = self.surface.pose(r);
            (self.coarse.means(&skin), self.fine.means(&skin))
        });
        let (coarse, fine) = means.unzip();
        Cloud {
            rotations,
            coarse,
            fine,
        }
    }

    /// For each pose of `from` the distance to the nearest of `to`.
    pub fn nearest(&self, from: &Cloud, to: &Cloud) -> Found {
        let each = (0..from.coarse.len()).into_par_iter();
        let found: Vec<(f64, usize)> = each.map(|q| self.nearest_of(from, q, to)).collect();
        Found {
            exact: found.iter().map(|(_, exact)| exact).sum(),
            distances: found.into_iter().map(|(d, _)| d).collect(),
            pairs: from.coarse.len() * to.coarse.len(),
        }
    }

    fn nearest_of(&self, from: &Cloud, q: usize, to: &Cloud) -> (f64, usize) {
        let skin = self.surface.pose(from.pose(q));
        let coarse = |i: usize| self.coarse.bound(&from.coarse[q], &to.coarse[i]);
        let mut order: Vec<(f64, usize)> = (0..to.coarse.len()).map(|i| (coarse(i), i)).collect();
        let first = self.most_promising(&from.fine[q], to, &mut order);
        let measure = |i: usize| distance(&skin, &self.surface.pose(to.pose(i)));
        let Some(first) = first else {
            return (f64::INFINITY, 0);
        };
        let (mut best, mut exact) = (measure(first), 1);
        order.retain(|(bound, i)| *bound < best && *i != first);
        let fine = |&(_, i): &(f64, usize)| (self.fine.bound(&from.fine[q], &to.fine[i]), i);
        let mut left: Vec<(f64, usize)> = order.iter().map(fine).collect();
        left.retain(|(bound, _)| *bound < best);
        left.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (bound, i) in left {
            if bound >= best {
                break;
            }
            best = best.min(measure(i));
            exact += 1;
        }
        (best, exact)
    }

    /// Of the candidates with the least coarse bounds the one with the least fine bound.
    fn most_promising(
        &self,
        query: &[f32],
        to: &Cloud,
        order: &mut [(f64, usize)],
    ) -> Option<usize> {
        const LOOKED_AT: usize = 32;
        if order.len() > LOOKED_AT {
            order.select_nth_unstable_by(LOOKED_AT, |a, b| a.0.total_cmp(&b.0));
        }
        let fine = |i: usize| self.fine.bound(query, &to.fine[i]);
        let head = order.iter().take(LOOKED_AT).map(|(_, i)| (fine(*i), *i));
        head.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, i)| i)
    }
}

impl Cloud {
    fn pose(&self, i: usize) -> &[f64] {
        &self.rotations[9 * 21 * i..9 * 21 * (i + 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::BodyModel;
    use crate::prior::Prior;

    #[test]
    fn pruning_gives_the_minima_of_brute_force_to_the_last_bit() {
        let surface = Surface::new(&BodyModel::builtin(None).unwrap());
        let search = Search::new(&surface);
        let prior = Prior::builtin("gmm").unwrap();
        let drawn = |n, seed| prior.rotations(&prior.sample(n, seed).unwrap());
        let (a, b) = (drawn(25, 1), drawn(300, 2));
        let (near, far) = (surface.poses(&a), surface.poses(&b));
        let brute = |q: &Vec<f32>| {
            let all = far.iter().map(|s| distance(q, s));
            all.fold(f64::INFINITY, f64::min)
        };
        let expected: Vec<f64> = near.iter().map(brute).collect();
        let found = search.nearest(&search.cloud(a), &search.cloud(b));
        assert_eq!(found.distances, expected);
        assert!(
            found.exact * 4 < found.pairs,
            "{} of {}",
            found.exact,
            found.pairs
        );
    }

    #[test]
    fn a_pose_is_its_own_nearest_neighbour() {
        let surface = Surface::new(&BodyModel::builtin(None).unwrap());
        let search = Search::new(&surface);
        let prior = Prior::builtin("gmm").unwrap();
        let cloud = search.cloud(prior.rotations(&prior.sample(20, 1).unwrap()));
        let found = search.nearest(&cloud, &cloud);
        assert!(found.distances.iter().all(|d| *d == 0.0));
    }
}
