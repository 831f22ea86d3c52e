//! A skinned mesh on a skeleton of any kind, as files hold it.

use ndarray::{Array2, Array3};

/// V vertices on J joints, S shapes; metres, y up, facing +z.
#[derive(Clone, Debug)]
pub(crate) struct Rig {
    pub joint_names: Vec<String>,
    /// None for roots; in any order.
    pub parents: Vec<Option<usize>>,
    /// (J, 3), where joints are at rest.
    pub heads: Array2<f64>,
    /// (V, 3), at rest.
    pub vertices: Array2<f64>,
    /// (F, 3), below V.
    pub faces: Array2<u32>,
    /// (V) of joints and weights, which sum to 1.
    pub weights: Vec<Vec<(usize, f64)>>,
    /// (V, 3, S), and (J, 3, S): what a standard deviation of each shape moves.
    pub shapes: Array3<f64>,
    pub head_shapes: Array3<f64>,
}

/// No figure has more, hair and cloth included.
pub(super) const MOST_JOINTS: usize = 4096;

impl Rig {
    /// The first mistake that makes it no rig: a parent that is none, or joints in a circle.
    pub fn check(&self) -> Result<(), String> {
        let count = self.joint_names.len();
        if count > MOST_JOINTS {
            return Err(format!(
                "it has {count} joints; {MOST_JOINTS} are the most that are read"
            ));
        }
        for (joint, name) in self.joint_names.iter().enumerate() {
            let mut at = joint;
            for step in 0.. {
                match self.parents[at] {
                    None => break,
                    Some(parent) if parent < count && step < count => at = parent,
                    Some(_) => return Err(format!("the parents of joint `{name}` go in a circle")),
                }
            }
        }
        let numbers = self.heads.iter().chain(&self.vertices);
        if !numbers.into_iter().all(|x| x.is_finite()) {
            return Err("it holds positions that are no numbers".into());
        }
        let mut weights = self.weights.iter().flatten();
        match weights.all(|(bone, w)| *bone < count && w.is_finite() && *w >= 0.0) {
            true => Ok(()),
            false => Err("it holds skinning weights that are no shares".into()),
        }
    }
}
