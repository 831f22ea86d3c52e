//! Poses to train on and to validate on: found, read, checked, thinned and split.

mod duplicates;
mod file;
mod files;
mod mirror;
mod settings;
mod split;
mod store;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Diagnostics, Origin};
use crate::io::FileError;
use file::{PoseFile, Trouble};
pub(crate) use mirror::{mirror, mirror_some};
pub(crate) use settings::{DataSettings, HoldOut};
pub(crate) use store::Shuffled;
use store::Store;

pub(crate) use crate::io::poses::POSE;

/// What a training works on.
#[derive(Debug)]
pub(crate) struct PoseData {
    pub train: Shuffled,
    /// (rows, 63).
    pub val: Vec<f32>,
    pub files: Vec<DataFile>,
    pub counts: Counts,
    /// Remarks of the reading, for the record.
    pub remarks: Vec<String>,
}

/// A file that was read, with the digest of its bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DataFile {
    pub path: PathBuf,
    pub sha256: String,
    /// Poses that were taken from it.
    pub poses: usize,
}

/// What became of the rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub rows: usize,
    /// Left out by the array of rows, or by the mask `valid`.
    pub not_taken: usize,
    pub not_finite: usize,
    pub near_duplicates: usize,
    pub train: usize,
    pub val: usize,
    pub train_subjects: Vec<String>,
    pub val_subjects: Vec<String>,
    /// Files of folders that were passed over, by the reason.
    pub skipped: BTreeMap<String, usize>,
}

/// Rows of one sequence in a store.
#[derive(Clone, Debug)]
struct Group {
    subject: Option<String>,
    sequence: String,
    rows: Range<usize>,
}

/// One side of the split while it is read.
struct Side {
    store: Store,
    groups: Vec<Group>,
    files: Vec<DataFile>,
}

/// Reads both sides; mistakes go to `diagnostics`. A store too large for memory spills into `scratch`.
pub(crate) fn read(
    settings: &DataSettings,
    seed: u64,
    scratch: &Path,
    diagnostics: &mut Diagnostics,
) -> Option<PoseData> {
    let mut reader = Reader {
        settings,
        scratch,
        counts: Counts::default(),
        remarks: Vec::new(),
        diagnostics,
    };
    let side = reader.side(&settings.train, &settings.train_origin)?;
    let other = match settings.val.is_empty() {
        false => Some(reader.side(&settings.val, &settings.val_origin)?),
        true => None,
    };
    if let Some(other) = &other {
        reader.refuse_common_files(&side, other)?;
    }
    let held = match &other {
        Some(_) => vec![false; side.groups.len()],
        None => reader.hold_out(&side, seed)?,
    };
    let part = |wanted: bool| -> Vec<Group> {
        let both = side.groups.iter().zip(&held);
        both.filter(|(_, held)| **held == wanted)
            .map(|(group, _)| group.clone())
            .collect()
    };
    let train = part(false);
    let (val, store) = match &other {
        Some(other) => (other.groups.clone(), &other.store),
        None => (part(true), &side.store),
    };
    reader.count(&train, &val);
    let val = store.evenly(&ranges(&val), settings.val_poses);
    let val = reader.read_or_complain(val)?;
    reader.counts.val = val.len() / POSE;
    let Reader {
        counts, remarks, ..
    } = reader;
    let more = other.map(|other| other.files).unwrap_or_default();
    Some(PoseData {
        files: side.files.into_iter().chain(more).collect(),
        train: Shuffled::new(side.store, ranges(&train)),
        val,
        counts,
        remarks,
    })
}

fn ranges(groups: &[Group]) -> Vec<Range<usize>> {
    groups.iter().map(|g| g.rows.clone()).collect()
}

fn subjects(groups: &[Group]) -> Vec<String> {
    let names: BTreeSet<String> = groups.iter().filter_map(|g| g.subject.clone()).collect();
    names.into_iter().collect()
}

struct Reader<'a> {
    settings: &'a DataSettings,
    scratch: &'a Path,
    counts: Counts,
    remarks: Vec<String>,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    /// All files of one side.
    fn side(&mut self, paths: &[PathBuf], origin: &Origin) -> Option<Side> {
        let mut side = Side {
            store: Store::new(self.settings.in_memory, self.scratch),
            groups: Vec::new(),
            files: Vec::new(),
        };
        let found = match files::find(paths, &mut self.counts.skipped) {
            Ok(found) => found,
            Err(error) => return self.fail("F0401", &error, origin),
        };
        for found in &found {
            match file::read(found, self.settings) {
                Ok(file) => self.take(&mut side, found, file)?,
                Err(Trouble::NoPoses(_)) if found.from_folder => {
                    let reason = "without an array of poses".to_string();
                    *self.counts.skipped.entry(reason).or_default() += 1;
                }
                Err(Trouble::NoPoses(error) | Trouble::File(error)) => {
                    return self.fail("F0401", &error, origin);
                }
                Err(Trouble::Degrees(error)) => return self.fail("F0602", &error, origin),
            }
        }
        if side.store.len() == 0 {
            let message = format!("there are no poses in {}", named(paths));
            let diagnostic = Diagnostic::error("F0601", message, origin);
            let skipped = self.counts.skipped.iter();
            let skipped: Vec<String> = skipped.map(|(why, n)| format!("{n} {why}")).collect();
            self.diagnostics.push(match skipped.is_empty() {
                true => diagnostic,
                false => diagnostic.hint(format!("files passed over: {}", skipped.join(", "))),
            });
            return None;
        }
        Some(side)
    }

    /// Thins a file's sequences and puts them into the store.
    fn take(&mut self, side: &mut Side, found: &files::Found, file: PoseFile) -> Option<()> {
        self.counts.rows += file.rows;
        self.counts.not_taken += file.not_taken;
        self.counts.not_finite += file.not_finite;
        self.remarks.extend(file.remark);
        let before = side.store.len();
        for sequence in file.sequences {
            let kept = duplicates::thin(&sequence.poses, self.settings.near_duplicates);
            let rows = sequence.poses.len() / POSE;
            self.counts.near_duplicates += rows - kept.len() / POSE;
            let appended = side.store.append(&kept);
            let rows = self.read_or_complain(appended)?;
            side.groups.push(Group {
                subject: sequence.subject,
                sequence: sequence.name,
                rows,
            });
        }
        side.files.push(DataFile {
            path: found.path.clone(),
            sha256: file.sha256,
            poses: side.store.len() - before,
        });
        Some(())
    }

    fn refuse_common_files(&mut self, train: &Side, val: &Side) -> Option<()> {
        let digests: BTreeSet<&str> = train.files.iter().map(|f| f.sha256.as_str()).collect();
        let common = |f: &&DataFile| digests.contains(f.sha256.as_str());
        let Some(both) = val.files.iter().find(common) else {
            return Some(());
        };
        let message = format!(
            "`{}` is among the training's files too",
            both.path.display()
        );
        let diagnostic = Diagnostic::error("F0603", message, &self.settings.val_origin);
        self.diagnostics
            .push(diagnostic.hint("`hold_out` keeps subjects of the training's files apart"));
        None
    }

    /// Which groups of the side are validated on.
    fn hold_out(&mut self, side: &Side, seed: u64) -> Option<Vec<bool>> {
        match split::choose(&side.groups, &self.settings.hold_out, seed) {
            Ok(held) => Some(held),
            Err(message) => {
                let origin = &self.settings.val_origin;
                self.diagnostics
                    .push(Diagnostic::error("F0601", message, origin));
                None
            }
        }
    }

    fn count(&mut self, train: &[Group], val: &[Group]) {
        self.counts.train = train.iter().map(|g| g.rows.len()).sum();
        self.counts.train_subjects = subjects(train);
        self.counts.val_subjects = subjects(val);
        let trained = &self.counts.train_subjects;
        let shared = self.counts.val_subjects.iter();
        let shared: Vec<&String> = shared.filter(|s| trained.contains(s)).collect();
        if !shared.is_empty() {
            self.remarks.push(format!(
                "subjects of the validation are trained on too ({}): its figures will flatter",
                crate::diagnostic::list(&shared)
            ));
        }
    }

    fn read_or_complain<T>(&mut self, result: Result<T, FileError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => self.fail("F0401", &error, &self.settings.train_origin.clone()),
        }
    }

    fn fail<T>(&mut self, code: &'static str, error: &FileError, origin: &Origin) -> Option<T> {
        let diagnostic = Diagnostic::error(code, error.to_string(), origin);
        self.diagnostics.push(match &error.hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        });
        None
    }
}

fn named(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
    crate::diagnostic::list(&names)
}
