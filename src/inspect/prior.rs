//! Mixtures of Gaussians over poses.

use std::path::Path;

use super::Inspection;
use crate::io::FileError;
use crate::io::tensors::Tensors;
use crate::prior::Mixture;

pub(super) fn inspect(path: &Path) -> Result<Inspection, FileError> {
    let tensors = Tensors::read(path)?;
    let mixture =
        Mixture::from_tensors(&tensors).map_err(|message| FileError::new(path, message))?;
    let mut found = Inspection::new("mixture of Gaussians over poses (safetensors)");
    found.fact("components", mixture.means.len().to_string());
    found.fact(
        "dims",
        match mixture.dims {
            63 => "63, the joints 1 to 21".to_string(),
            dims => format!("{dims}; a prior over poses has 63"),
        },
    );
    found.snippet("prior", "file", path);
    found.line("kind", "\"gmm\"", "");
    Ok(found)
}
