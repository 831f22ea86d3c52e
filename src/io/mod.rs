//! File formats only, a file per format: each reader checks what it is given and knows nothing of what the numbers are for.
//!
//! Damaged files end in a [`FileError`], never in a panic, and nothing that a file holds is executed or trusted with memory.

pub(crate) mod amass;
mod anny;
pub(crate) mod atomic;
pub(crate) mod body_fields;
pub(crate) mod body_npz;
mod body_pkl;
pub(crate) mod bvh;
pub(crate) mod bvh_reader;
pub(crate) mod c3d;
mod camera_record;
mod camera_xml;
pub(crate) mod cameras_json;
mod coco_results;
pub(crate) mod csv;
pub(crate) mod detection_json;
pub(crate) mod detections;
mod error;
mod file_storage;
pub(crate) mod foreign;
pub(crate) mod g2o;
pub(crate) mod glb;
mod glb_buffer;
mod glob;
pub(crate) mod gltf_rig;
pub(crate) mod markers;
mod memory;
mod mixture_pkl;
mod mmpose;
mod npy;
mod npy_element;
pub(crate) mod npz;
mod npz_source;
mod npz_writer;
pub(crate) mod obj;
pub(crate) mod opencv;
pub(crate) mod openpose;
mod pickle;
pub(crate) mod ply;
pub(crate) mod pose2sim;
pub(crate) mod pose2sim_writer;
pub(crate) mod poses;
pub(crate) mod published;
pub(crate) mod qualisys;
pub(crate) mod rig;
pub(crate) mod rigs;
pub(crate) mod tensors;
mod torch;
pub(crate) mod trc;
pub(crate) mod trc_writer;
pub(crate) mod vicon;
pub(crate) mod weights;
mod zip_archive;

pub(crate) use camera_record::{Calibration, CameraRecord, Draft, Field, Turn, Unit};
pub use error::FileError;
pub(crate) use error::{read_text, shape_text};
pub(crate) use glob::files_below;
pub use memory::Arrays;
pub use npz_writer::NpzWriter;

#[cfg(test)]
pub(crate) mod testing;

/// One numeric array of an `.npz` or `.npy` file, of any number of axes.
pub fn read_array(
    path: impl AsRef<std::path::Path>,
    name: &str,
) -> Result<ndarray::ArrayD<f64>, FileError> {
    npz::Npz::open(path)?.floats(name)
}

/// All bytes of a file whose format is another module's.
pub(crate) fn read_bytes(path: &std::path::Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(|error| FileError::reading(path, &error))
}
