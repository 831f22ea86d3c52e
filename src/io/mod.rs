//! File formats only, a file per format: each reader checks what it is given and knows nothing of what the numbers are for.
//!
//! Damaged files end in a [`FileError`], never in a panic, and nothing that a file holds is executed or trusted with memory.

pub(crate) mod amass;
pub(crate) mod atomic;
pub(crate) mod body_npz;
mod camera_record;
pub(crate) mod cameras_json;
pub(crate) mod csv;
mod error;
mod file_storage;
pub(crate) mod glb;
mod glb_buffer;
mod glob;
mod npy;
mod npy_element;
pub(crate) mod npz;
mod npz_source;
mod npz_writer;
pub(crate) mod obj;
pub(crate) mod opencv;
pub(crate) mod openpose;
pub(crate) mod pose2sim;

pub(crate) use camera_record::{CameraRecord, Turn};
pub use error::FileError;
pub use npz_writer::NpzWriter;

#[cfg(test)]
mod testing;

/// One numeric array of an `.npz` or `.npy` file, of any number of axes.
pub fn read_array(
    path: impl AsRef<std::path::Path>,
    name: &str,
) -> Result<ndarray::ArrayD<f64>, FileError> {
    npz::Npz::open(path)?.floats(name)
}
