//! Weights of pose priors, and of anything else.

use std::path::Path;

use super::Inspection;
use super::table::{Table, range};
use crate::io::FileError;
use crate::io::published::{Published, published};
use crate::io::tensors::Tensors;
use crate::io::weights::{self, Container};
use crate::prior::{CODES, LearnedKind, Mixture, layout};

pub(super) fn inspect(path: &Path) -> Result<Inspection, FileError> {
    let all = weights::read(path)?;
    let kind = Published::of(&all);
    let container = match path.is_dir() {
        true => "folder",
        false => match weights::container(path)? {
            Container::Safetensors => "safetensors",
            Container::Torch => "PyTorch",
            Container::Pickle => "pickle",
        },
    };
    let title = kind.map_or("weights of no network that fitrun knows", Published::title);
    let mut found = Inspection::new(format!("{title} ({container})"));
    if let Some(file) = all.metadata.get("file") {
        found.fact("snapshot", file);
    }
    match kind {
        Some(Published::Mixture) => mixture(&mut found, path, &all)?,
        Some(kind) => network(&mut found, path, kind, &published(&all)),
        None => found.contents = listed(&all),
    }
    Ok(found)
}

fn mixture(found: &mut Inspection, path: &Path, tensors: &Tensors) -> Result<(), FileError> {
    let mixture = Mixture::from_tensors(tensors).map_err(|m| FileError::new(path, m))?;
    found.fact("components", mixture.means.len().to_string());
    let held = tensors
        .arrays
        .get("means")
        .and_then(|means| means.shape.last());
    found.fact(
        "dims",
        match (mixture.dims, held) {
            (63, Some(69)) => {
                "69, the joints 1 to 23; a prior over poses takes 1 to 21".to_string()
            }
            (63, _) => "63, the joints 1 to 21".to_string(),
            (dims, _) => format!("{dims}; a prior over poses has 63"),
        },
    );
    found.snippet("prior", "file", path);
    found.line("kind", "\"gmm\"", "");
    Ok(())
}

fn network(found: &mut Inspection, path: &Path, kind: Published, tensors: &Tensors) {
    if let Err(message) = layout::check(tensors) {
        found.fact("not usable", message);
    }
    let numbers: usize = tensors.arrays.values().map(|t| t.data.len()).sum();
    found.fact("numbers", numbers.to_string());
    found.contents = listed(tensors);
    found.snippet("prior", "file", path);
    let said = LearnedKind::said(tensors).map(LearnedKind::name);
    let codes = tensors.arrays.keys().any(|name| name.starts_with(CODES));
    let (name, remark) = match kind {
        Published::Gan => (
            said.unwrap_or("gan-s"),
            match said {
                Some(_) => "",
                None => "or gan-u, gan-n: the file does not say which codes it was trained with",
            },
        ),
        _ if codes => ("vposer-gmm", "or vposer, without its mixture over codes"),
        _ => ("vposer", ""),
    };
    found.line("kind", &format!("\"{name}\""), remark);
}

fn listed(tensors: &Tensors) -> String {
    let mut table = Table::default();
    table.row(["tensor", "shape", "holds"]);
    for (name, tensor) in &tensors.arrays {
        let dims: Vec<String> = tensor.shape.iter().map(usize::to_string).collect();
        let shape = format!("({})", dims.join(", "));
        table.row([name.clone(), shape, range(tensor.data.iter())]);
    }
    table.text()
}
