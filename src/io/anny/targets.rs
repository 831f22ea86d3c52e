//! Displacements of the base mesh, and the phenotypes that they are of.

use std::io::Read;

use flate2::read::GzDecoder;

use super::{Archive, DATA, LARGEST, bytes};

/// Anchors of phenotypes, in the order of their coordinates; an adult is young or old.
pub(super) const PHENOTYPES: [&[&str]; 7] = [
    &["female", "male"],
    &["young", "old"],
    &["minmuscle", "averagemuscle", "maxmuscle"],
    &["minweight", "averageweight", "maxweight"],
    &["minheight", "maxheight"],
    &["idealproportions", "uncommonproportions"],
    &["african", "asian", "caucasian"],
];
/// Names that say nothing of a phenotype.
const UNIVERSAL: &str = "universal";

/// A displacement that counts as the product of its anchors' weights.
pub(super) struct Target {
    /// Phenotype and anchor.
    pub anchors: Vec<(usize, usize)>,
    /// Vertex and displacement, decimetres.
    pub moves: Vec<(usize, [f64; 3])>,
}

/// Those that make up adults.
pub(super) fn read(archive: &mut Archive<'_>, vertices: usize) -> Result<Vec<Target>, String> {
    let folder = format!("{DATA}targets/macrodetails/");
    let mut names: Vec<String> = archive
        .file_names()
        .filter(|n| n.starts_with(&folder) && n.ends_with(".target.gz"))
        .map(String::from)
        .collect();
    names.sort();
    let mut found = Vec::new();
    for name in names {
        if let Some(anchors) = anchors(&name) {
            let packed = bytes(archive, &name)?;
            let moves = moves(&packed, vertices).map_err(|e| format!("`{name}`: {e}"))?;
            found.push(Target { anchors, moves });
        }
    }
    match found.is_empty() {
        true => Err(format!("there are no targets in `{folder}`")),
        false => Ok(found),
    }
}

/// None where a part of the name is of children, or unknown.
fn anchors(name: &str) -> Option<Vec<(usize, usize)>> {
    let stem = name.rsplit('/').next()?.strip_suffix(".target.gz")?;
    let known = |word: &str| {
        let mut all = PHENOTYPES.iter().enumerate();
        all.find_map(|(p, names)| Some((p, names.iter().position(|n| *n == word)?)))
    };
    stem.split('-')
        .filter(|w| *w != UNIVERSAL)
        .map(known)
        .collect()
}

fn moves(packed: &[u8], vertices: usize) -> Result<Vec<(usize, [f64; 3])>, String> {
    let mut text = String::new();
    let read = GzDecoder::new(packed)
        .take(LARGEST)
        .read_to_string(&mut text);
    read.map_err(|e| format!("damaged: {e}"))?;
    let lines = text
        .lines()
        .filter(|l| !l.starts_with('#') && !l.trim().is_empty());
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let vertex = words.next()?.parse().ok().filter(|v| *v < vertices)?;
        let numbers: Option<Vec<f64>> = words.map(|w| w.parse().ok()).collect();
        Some((vertex, numbers?.try_into().ok()?))
    };
    lines
        .map(|line| row(line).ok_or_else(|| format!("`{line}`")))
        .collect()
}
