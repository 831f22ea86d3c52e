//! Pose priors: codes, poses, samples.

use std::path::PathBuf;

use fitrun::generate;
use numpy::{AllowTypeChange, IntoPyArray, PyArray1, PyArray2, PyArrayLike2, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// What NumPy makes a matrix of numbers of.
pub(super) type Rows<'py> = PyArrayLike2<'py, f64, AllowTypeChange>;

/// Codes that may be drawn at once.
const MOST: usize = 10_000_000;

/// A pose prior with the weights that fitrun ships, or of a file.
#[pyclass(frozen, module = "fitrun")]
pub(super) struct Prior {
    prior: fitrun::Prior,
    #[pyo3(get)]
    kind: String,
}

/// Weights (outputs, inputs) and biases of the decoder's layers, and the slope below zero.
type Layers<'py> = (
    Vec<(Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<f64>>)>,
    f64,
);

#[pymethods]
impl Prior {
    #[new]
    #[pyo3(signature = (kind, file=None))]
    fn new(kind: String, file: Option<PathBuf>) -> PyResult<Self> {
        let prior = match file {
            Some(file) => fitrun::Prior::from_file(&kind, &file)
                .map_err(|e| PyValueError::new_err(crate::said(&e)))?,
            None => fitrun::Prior::builtin(&kind).map_err(PyValueError::new_err)?,
        };
        Ok(Self { prior, kind })
    }

    #[getter]
    fn latent_dim(&self) -> usize {
        self.prior.latent_dim()
    }

    /// Poses (n, 63), axis-angle in rad, of codes (n, latent_dim).
    fn decode<'py>(
        &self,
        py: Python<'py>,
        codes: Rows<'py>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let codes = codes.as_array().to_owned();
        let poses = py.detach(|| generate::decode(&self.prior, codes.view()));
        Ok(poses.map_err(PyValueError::new_err)?.into_pyarray(py))
    }

    /// Codes (n, latent_dim) of poses (n, 63), axis-angle in rad.
    fn encode<'py>(
        &self,
        py: Python<'py>,
        poses: Rows<'py>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let poses = poses.as_array().to_owned();
        let codes = py.detach(|| generate::encode(&self.prior, poses.view()));
        Ok(codes.map_err(PyValueError::new_err)?.into_pyarray(py))
    }

    /// Codes (count, latent_dim) and their poses (count, 63); the same seed gives the same.
    #[pyo3(signature = (count, seed=0))]
    #[allow(clippy::type_complexity)]
    fn sample<'py>(
        &self,
        py: Python<'py>,
        count: usize,
        seed: u64,
    ) -> PyResult<(Bound<'py, PyArray2<f64>>, Bound<'py, PyArray2<f64>>)> {
        if count > MOST {
            let message = format!("at most {MOST} are drawn at once");
            return Err(PyValueError::new_err(message));
        }
        let drawn = py.detach(|| generate::sample(&self.prior, count, seed));
        let drawn = drawn.map_err(PyValueError::new_err)?;
        Ok((drawn.codes.into_pyarray(py), drawn.poses.into_pyarray(py)))
    }

    /// The decoder's layers, of a prior that has one.
    fn layers<'py>(&self, py: Python<'py>) -> PyResult<Layers<'py>> {
        let fitrun::Prior::Learned(learned) = &self.prior else {
            let message = format!("`{}` has no decoder", self.kind);
            return Err(PyValueError::new_err(message));
        };
        let mut layers = Vec::new();
        for dense in &learned.decoder.layers {
            let weight = dense.weight.clone().into_pyarray(py);
            let weight = weight.reshape([dense.outputs, dense.inputs])?;
            layers.push((weight, dense.bias.clone().into_pyarray(py)));
        }
        Ok((layers, learned.decoder.slope))
    }

    fn __repr__(&self) -> String {
        let dims = self.prior.latent_dim();
        format!("Prior('{}'): {dims} numbers", self.kind)
    }
}
