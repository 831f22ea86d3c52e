//! Writing that leaves either the whole file or folder, or none of it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::FileError;

/// Writes a file beside its place and renames it there; a file of that name is replaced.
pub(crate) fn write(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), FileError> {
    let path = path.as_ref();
    let (pending, mut file) = Pending::create(path)?;
    let written = file.write_all(bytes);
    written.map_err(|error| FileError::writing(path, &error))?;
    pending.commit(&file)
}

/// A file under a temporary name: it takes its own only when it is complete.
#[derive(Debug)]
pub(crate) struct Pending {
    target: PathBuf,
    temporary: PathBuf,
}

impl Pending {
    pub(crate) fn create(path: &Path) -> Result<(Self, File), FileError> {
        if path.is_dir() {
            return Err(FileError::new(path, "a folder of this name exists"));
        }
        let temporary = sibling(path)?;
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).open(&temporary);
        let file = file.map_err(|error| FileError::writing(path, &error))?;
        let target = path.to_path_buf();
        Ok((Self { target, temporary }, file))
    }

    pub(crate) fn commit(self, file: &File) -> Result<(), FileError> {
        let written = file.sync_all();
        let named = written.and_then(|()| fs::rename(&self.temporary, &self.target));
        named.map_err(|error| FileError::writing(&self.target, &error))?;
        sync_folder_of(&self.target);
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // Gone already where it has its name.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// A folder under a temporary name: it takes its own only when it is complete.
#[derive(Debug)]
pub(crate) struct AtomicDir {
    target: PathBuf,
    temporary: PathBuf,
    committed: bool,
    /// Locked while the process lives.
    _alive: File,
}

/// The file of a temporary folder that says whether its process lives.
const ALIVE: &str = ".alive";

impl AtomicDir {
    /// Makes the temporary folder beside `target`, and the folders above it where they are missing.
    pub(crate) fn create(target: impl AsRef<Path>) -> Result<AtomicDir, FileError> {
        let target = target.as_ref();
        let temporary = sibling(target)?;
        fs::create_dir_all(folder_of(target))
            .and_then(|()| fs::create_dir(&temporary))
            .map_err(|error| FileError::writing(target, &error))?;
        // Where a file system knows no locks, what is left behind stays.
        let alive = File::create(temporary.join(ALIVE));
        let alive = alive.map_err(|error| FileError::writing(target, &error))?;
        let _ = alive.try_lock();
        Ok(AtomicDir {
            target: target.to_path_buf(),
            temporary,
            committed: false,
            _alive: alive,
        })
    }

    /// The temporary folders of a target that processes left when they were killed, oldest first.
    pub(crate) fn left_behind(target: &Path) -> Vec<PathBuf> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let (first, last) = (format!(".{name}."), ".tmp");
        let of_target = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let middle = name.strip_prefix(&first).and_then(|n| n.strip_suffix(last));
            let numbers = |m: &str| m.chars().all(|c| c.is_ascii_digit() || c == '-');
            middle.is_some_and(numbers)
        };
        let dead = |path: &PathBuf| {
            let alive = File::open(path.join(ALIVE));
            alive.is_ok_and(|file| file.try_lock().is_ok())
        };
        let entries = fs::read_dir(folder_of(target)).into_iter().flatten();
        let paths = entries.filter_map(|e| Some(e.ok()?.path()));
        let mut found: Vec<PathBuf> = paths.filter(of_target).filter(dead).collect();
        found.sort_by_key(|path| path.metadata().and_then(|m| m.modified()).ok());
        found
    }

    /// Where to write until the commit.
    pub(crate) fn path(&self) -> &Path {
        &self.temporary
    }

    /// Gives the folder its name, or the next free one (`walk-2`, `walk-3`, …), and returns it.
    pub(crate) fn commit(mut self) -> Result<PathBuf, FileError> {
        let wanted = self.target.clone();
        loop {
            self.target = free_name(&wanted);
            match self.rename() {
                Ok(()) => return Ok(self.target.clone()),
                // Another run took the name between the look and the renaming.
                Err(_) if self.target.symlink_metadata().is_ok() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// As [`AtomicDir::commit`], but a target that exists is replaced.
    pub(crate) fn replace(mut self) -> Result<PathBuf, FileError> {
        if self.target.symlink_metadata().is_err() {
            return self.rename().map(|()| self.target.clone());
        }
        let old = sibling(&self.target)?;
        fs::rename(&self.target, &old).map_err(|error| FileError::writing(&self.target, &error))?;
        if let Err(error) = self.rename() {
            let _ = fs::rename(&old, &self.target);
            return Err(error);
        }
        let removed = if old.is_dir() {
            fs::remove_dir_all(&old)
        } else {
            fs::remove_file(&old)
        };
        removed.map_err(|error| FileError::writing(&old, &error))?;
        Ok(self.target.clone())
    }

    fn rename(&mut self) -> Result<(), FileError> {
        let _ = fs::remove_file(self.temporary.join(ALIVE));
        fs::rename(&self.temporary, &self.target)
            .map_err(|error| FileError::writing(&self.target, &error))?;
        self.committed = true;
        sync_folder_of(&self.target);
        Ok(())
    }
}

/// `walk`, `walk-2`, `walk-3`, …
fn names(wanted: &Path) -> impl Iterator<Item = PathBuf> {
    let name = wanted.file_name().unwrap_or_default();
    let numbered = (2..).map(move |n| {
        let mut name = name.to_os_string();
        name.push(format!("-{n}"));
        wanted.with_file_name(name)
    });
    std::iter::once(wanted.to_path_buf()).chain(numbered)
}

/// The names before the first free one, oldest first.
pub(crate) fn taken_names(wanted: &Path) -> Vec<PathBuf> {
    let taken = |path: &PathBuf| path.symlink_metadata().is_ok();
    names(wanted).take_while(taken).collect()
}

fn free_name(wanted: &Path) -> PathBuf {
    names(wanted)
        .find(|path| path.symlink_metadata().is_err())
        .unwrap_or(wanted.to_path_buf())
}

impl Drop for AtomicDir {
    fn drop(&mut self) {
        if !self.committed {
            let _ = fs::remove_dir_all(&self.temporary);
        }
    }
}

/// `runs/.walk.4711-0.tmp` for `runs/walk`: the same file system, so that a rename is enough.
fn sibling(path: &Path) -> Result<PathBuf, FileError> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or_else(|| {
        let error = std::io::Error::from(ErrorKind::IsADirectory);
        FileError::writing(path, &error)
    })?;
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = format!(
        ".{}.{}-{number}.tmp",
        name.to_string_lossy(),
        std::process::id()
    );
    Ok(folder_of(path).join(name))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A rename survives a power cut only when its folder is synced; not every file system can.
fn sync_folder_of(path: &Path) {
    if let Ok(folder) = File::open(folder_of(path)) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_written_file_replaces_the_old_one_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write(&path, b"old, and longer").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_missing_folder_and_a_folder_in_the_way_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let shown = folder.path().display();
        let error = write(folder.path().join("b/c.txt"), b"").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{shown}/b/c.txt`: the folder `{shown}/b` does not exist")
        );
        let error = write(folder.path(), b"").unwrap_err();
        assert_eq!(error.message, "a folder of this name exists");
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn the_causes_of_failure_have_plain_words() {
        let said = |kind: ErrorKind| FileError::writing("a", &kind.into()).message;
        assert_eq!(said(ErrorKind::StorageFull), "the disk is full");
        assert_eq!(
            said(ErrorKind::ReadOnlyFilesystem),
            "the file system is read-only"
        );
        assert_eq!(
            said(ErrorKind::PermissionDenied),
            "no permission to write it"
        );
    }

    #[test]
    fn a_folder_appears_only_when_it_is_committed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("runs/walk");
        let dropped = AtomicDir::create(&target).unwrap();
        write(dropped.path().join("run.json"), b"{}").unwrap();
        assert!(!target.exists());
        drop(dropped);
        assert!(names(&folder.path().join("runs")).is_empty());

        let kept = AtomicDir::create(&target).unwrap();
        write(kept.path().join("run.json"), b"{}").unwrap();
        kept.commit().unwrap();
        assert_eq!(names(&target), ["run.json"]);
        assert_eq!(names(&folder.path().join("runs")), ["walk"]);
    }

    #[test]
    fn an_existing_folder_stays_unless_it_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("walk");
        fs::create_dir(&target).unwrap();
        fs::write(target.join("old"), b"").unwrap();
        let second = AtomicDir::create(&target).unwrap().commit().unwrap();
        assert_eq!(second, folder.path().join("walk-2"));
        assert_eq!(names(&target), ["old"]);
        AtomicDir::create(&target).unwrap().replace().unwrap();
        assert!(names(&target).is_empty());
        assert_eq!(names(folder.path()), ["walk", "walk-2"]);
    }
}
