//! From a solved problem to what a person reads: numbers, files, plots, pictures.

mod bodies;
mod cameras;
mod curves;
mod graphs;
pub mod judge;
pub mod measures;
pub mod metrics;
pub(crate) mod one_camera;
mod outputs;
mod overlays;
mod params;
mod picture;
pub(crate) mod plot;
mod plots;
mod points;
mod record;
pub(crate) mod render;
mod residuals;
mod skeleton;
pub(crate) mod table;
mod trace;

pub(crate) use cameras::record as camera_record;
pub(crate) use outputs::write;
pub(crate) use params::write_motion;
pub(crate) use record::{
    Circumstances, Seconds, digests, forget_peak_memory, identity, sha256, spec_sha256,
};
pub use record::{Parameter, Record, parameters, peak_memory_mb};

/// The name of a term's own file: `stem`, or `stem_<term>` where several terms compare points.
fn term_file(stem: &str, errors: &[metrics::PointErrors], term: &str) -> String {
    match errors.len() {
        1 => stem.into(),
        _ => format!("{stem}_{}", file_part(term)),
    }
}

/// A name that can be part of a file's name on every system.
fn file_part(name: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    name.replace(|c| !safe(c), "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_hold_no_separators() {
        assert_eq!(file_part("cam 1/left:ä.b"), "cam_1_left_ä.b");
    }
}
