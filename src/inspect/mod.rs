//! What a file is and what is in it, for every format that fitrun reads.

mod arrays;
mod cameras;
mod catalog;
mod graphs;
mod layouts;
mod markers;
mod people;
mod runs;
mod table;
mod tables;
mod weights;

use std::fmt;
use std::path::Path;

use crate::io::weights as files;
use crate::io::{FileError, detection_json, opencv, qualisys};
use crate::spec::{Dimension, Value, parse_unit};
pub use catalog::{TOPICS, list};
use table::Table;

/// A file in words; its [`Display`](fmt::Display) is what `fitrun inspect` prints.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// What kind of file it is, such as `optical markers (c3d)`.
    pub kind: String,
    /// What holds for the whole: a name, and what is said of it.
    pub facts: Vec<(String, String)>,
    /// What it holds, as lines of text.
    pub contents: String,
    /// The table of a spec that reads it.
    pub snippet: String,
}

/// Reads a whole file and says what it holds.
///
/// ```
/// let inspection = fitrun::inspect("specs/fit/walk.npz")?;
/// assert_eq!(inspection.kind, "arrays (npz)");
/// assert!(inspection.snippet.starts_with("[data."));
/// # Ok::<(), fitrun::FileError>(())
/// ```
pub fn inspect(path: impl AsRef<Path>) -> Result<Inspection, FileError> {
    let path = path.as_ref();
    let name = path.to_string_lossy();
    if let Some(topic) = catalog::topic_of(&name).filter(|_| !path.exists()) {
        let mut found = Inspection::new(format!("`fitrun list {topic} {name}`"));
        found.contents = list(topic, Some(&name)).unwrap_or_default();
        return Ok(found);
    }
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    match extension.to_lowercase().as_str() {
        "c3d" | "trc" | "bvh" => markers::inspect(path),
        "csv" => tables::inspect(path),
        "g2o" => graphs::inspect(path),
        "npz" | "npy" => arrays::inspect(path),
        _ if runs::is_run(path) => runs::inspect(path),
        "toml" if runs::is_spec(path) => runs::spec(path),
        "toml" | "json" if layouts::is_layout(path) => layouts::inspect(path),
        "json" if detection_json::kind(&path.to_string_lossy()).is_some() => people::inspect(path),
        "toml" => cameras::inspect(path, "pose2sim").map_err(no_layout),
        "json" => cameras::inspect(path, "cameras-json").map_err(no_layout),
        "xcp" => cameras::inspect(path, "vicon"),
        _ if qualisys::is_named(path) => cameras::inspect(path, "qualisys"),
        "yml" | "yaml" => cameras::inspect(path, "opencv"),
        _ if opencv::is_folder(path) => cameras::inspect(path, "opencv"),
        "glb" | "gltf" | "whl" => arrays::rig(path),
        "safetensors" | "ckpt" | "pt" | "pth" => weights::inspect(path),
        "pkl" if files::is_body(path) => arrays::body(path, "pkl"),
        "pkl" => weights::inspect(path),
        _ if files::is_folder(path) => weights::inspect(path),
        _ => people::inspect(path),
    }
}

/// A file that is neither a marker layout nor cameras.
fn no_layout(error: FileError) -> FileError {
    let message = format!("no marker layout, and as cameras: {}", error.message);
    FileError { message, ..error }
}

impl Inspection {
    fn new(kind: impl Into<String>) -> Self {
        Inspection {
            kind: kind.into(),
            facts: Vec::new(),
            contents: String::new(),
            snippet: String::new(),
        }
    }

    fn fact(&mut self, name: &str, value: impl Into<String>) {
        self.facts.push((name.into(), value.into()));
    }

    /// Begins the snippet: a table of the spec, with the file as its first key.
    fn snippet(&mut self, table: &str, key: &str, path: &Path) {
        self.snippet = format!("[{table}]\n");
        self.line(key, &quoted(&path.display().to_string()), "");
    }

    /// One more key of the snippet, with a remark beside it.
    fn line(&mut self, key: &str, value: &str, remark: &str) {
        let remark = match remark {
            "" => String::new(),
            _ => format!("  # {remark}"),
        };
        self.snippet += &format!("{key} = {value}{remark}\n");
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.kind)?;
        let mut facts = Table::default();
        for (name, value) in &self.facts {
            facts.row([name.clone(), value.clone()]);
        }
        write!(f, "{}", facts.text())?;
        for part in [&self.contents, &self.snippet] {
            if !part.is_empty() {
                write!(f, "\n{part}")?;
            }
        }
        Ok(())
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    Value::Text(text.into()).to_toml()
}

/// Whether a spec can name the unit.
fn is_length(unit: &str) -> bool {
    parse_unit(unit).is_ok_and(|(_, dimension)| dimension == Dimension::LENGTH)
}

#[cfg(test)]
mod tests;
