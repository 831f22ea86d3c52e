//! A prior of one's own: poses as a mean and principal axes, z their standard deviations.
//!
//! `cargo run --release --example own_prior`

use fitrun::nalgebra::{DMatrix, Matrix3, Vector3};
use fitrun::own::{Arrays, PosePrior, Registry, Symbol};
use fitrun::{BodyModel, Prior, check_text, fit, point_errors};

/// pose = mean + z · axes, with z standard normal.
struct Pca {
    mean: Vec<f64>,
    axes: DMatrix<f64>,
}

impl Pca {
    /// The longest axes of some poses of 63 numbers.
    fn of(poses: &[f64], count: usize) -> Self {
        let mut rows = DMatrix::from_row_slice(poses.len() / 63, 63, poses);
        let mean = rows.row_mean();
        rows.row_iter_mut().for_each(|mut row| row -= &mean);
        let scale = 1.0 / (rows.nrows() as f64).sqrt();
        let svd = rows.svd(false, true);
        let axes = DMatrix::from_diagonal(&svd.singular_values) * svd.v_t.unwrap_or_default();
        Self {
            mean: mean.iter().copied().collect(),
            axes: axes.rows(0, count) * scale,
        }
    }
}

impl PosePrior for Pca {
    fn name(&self) -> &'static str {
        "pca"
    }

    fn code(&self) -> Option<usize> {
        Some(self.axes.nrows())
    }

    fn pose<'t>(&self, z: &[Symbol<'t>]) -> Vec<Symbol<'t>> {
        let axes = self.axes.column_iter().zip(&self.mean);
        axes.map(|(axis, mean)| {
            let along = z.iter().zip(&axis).map(|(z, a)| *z * *a);
            along.fold(z[0].constant(*mean), |sum, x| sum + x)
        })
        .collect()
    }

    fn residual<'t>(&self, z: &[Symbol<'t>]) -> Vec<Symbol<'t>> {
        z.to_vec()
    }
}

const SPEC: &str = r#"
    fitrun = 1
    prior = "pca"
    data.seen = { axes = ["frame", "joint", "xyz"], keypoints = "SMPL_22" }
    terms.data = { source = "joints", target = "seen", sigma = "1 cm" }
"#;

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let poses = Prior::builtin("gmm")?.sample(2000, 7).ok_or("no poses")?;
    let body = BodyModel::builtin(None)?;
    let (rest, nowhere) = (body.rest_joints(&[0.0; 10]), Vector3::zeros());
    let posed = |p: &[f64]| body.transforms(&rest, &Matrix3::identity(), p, &nowhere);
    let first = poses.chunks_exact(63).take(20);
    let places = first.flat_map(|p| posed(p)[..22].to_vec());
    let seen: Vec<f64> = places.flat_map(|(_, p)| [p.x, p.y, p.z]).collect();
    let seen = Arrays::default().numbers("joints", &[20, 22, 3], &seen);
    let pca = Pca::of(&poses, 40);
    let registry = Registry::default().prior(pca).data("seen", seen);
    let checked = check_text("pca.toml".as_ref(), SPEC, &registry.into())?;
    let found = fit(&checked.problem, &mut |_| true);
    let errors = point_errors(&checked.problem, &found)[0].all();
    let mean = errors.iter().sum::<f64>() / 440.0;
    println!("the joints of 20 poses are met to {mean:.1} mm");
    assert!(mean < 15.0);
    Ok(())
}
