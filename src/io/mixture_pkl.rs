//! Pickled mixtures of Gaussians: SMPLify's `gmm_08.pkl`, and the estimators of scikit-learn.

use super::pickle::arrays::{self, Array};
use super::pickle::{Id, Pickle};
use super::tensors::{Tensor, Tensors};

/// Names of weights, means and covariances in the files that there are.
const NAMES: [[&str; 3]; 4] = [
    ["weights", "means", "covars"],
    ["weights", "means", "covariances"],
    ["weights_", "means_", "covariances_"],
    ["weights_", "means_", "covars_"],
];

/// The mixture in a pickle, as the tensors `weights`, `means` and `covariances`; `None` where there is none.
pub(crate) fn mixture(pickle: &Pickle<'_>) -> Option<Result<Tensors, String>> {
    let inside = pickle.entries(pickle.root).unwrap_or_default();
    let places = std::iter::once(pickle.root).chain(inside.iter().map(|(_, value)| *value));
    for place in places.take(64) {
        for names in NAMES {
            if let [Some(weights), Some(means), Some(covariances)] =
                names.map(|name| pickle.get(place, name))
            {
                return Some(tensors(pickle, names, [weights, means, covariances]));
            }
        }
    }
    None
}

fn tensors(pickle: &Pickle<'_>, names: [&str; 3], ids: [Id; 3]) -> Result<Tensors, String> {
    let read = |at: usize| -> Result<Array, String> {
        arrays::array(pickle, ids[at]).map_err(|message| format!("`{}` {message}", names[at]))
    };
    let (weights, means, covariances) = (read(0)?, read(1)?, read(2)?);
    let &[components, d] = means.shape.as_slice() else {
        return Err(format!("`{}` should have two axes", names[1]));
    };
    if covariances.shape != [components, d, d] {
        let shape = super::error::shape_text(&covariances.shape);
        return Err(format!(
            "`{}` should have the shape ({components}, {d}, {d}), but has {shape}; only mixtures with full covariances are read",
            names[2]
        ));
    }
    let mut found = Tensors::default();
    let parts = [
        ("weights", weights),
        ("means", means),
        ("covariances", covariances),
    ];
    for (name, array) in parts {
        found.insert(name, Tensor::double(&array.shape, array.values));
    }
    Ok(found)
}
