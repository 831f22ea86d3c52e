//! fitrun for Python: specs are checked and run, files inspected, priors and bodies used with NumPy's arrays.

mod body;
mod prior;
mod runs;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// What a file is and what is in it, with the lines that a spec needs for it.
#[pyfunction]
fn inspect(path: std::path::PathBuf) -> PyResult<String> {
    let found = fitrun::inspect(path).map_err(|e| PyValueError::new_err(said(&e)))?;
    Ok(found.to_string())
}

/// All of a topic, or the whole of one.
#[pyfunction]
#[pyo3(signature = (topic, name=None))]
fn list(topic: &str, name: Option<&str>) -> PyResult<String> {
    fitrun::list(topic, name).map_err(PyValueError::new_err)
}

/// An error with its hint.
fn said(error: &fitrun::FileError) -> String {
    match &error.hint {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}

#[pymodule]
fn _fitrun(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("FitError", module.py().get_type::<runs::FitError>())?;
    module.add_function(wrap_pyfunction!(runs::run, module)?)?;
    module.add_function(wrap_pyfunction!(runs::check, module)?)?;
    module.add_function(wrap_pyfunction!(inspect, module)?)?;
    module.add_function(wrap_pyfunction!(list, module)?)?;
    module.add_class::<prior::Prior>()?;
    module.add_class::<body::Body>()
}
