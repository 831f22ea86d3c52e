//! Paths with `*` in their parts, expanded to the folders that exist.

use std::path::{Component, Path, PathBuf};

use super::error::{FileError, listed};
use super::foreign;

/// The folders that a pattern names, in natural order; at least one.
pub(super) fn folders(pattern: &str) -> Result<Vec<PathBuf>, FileError> {
    let mut found = paths(pattern)?;
    found.retain(|path| !path.is_file());
    match found.is_empty() {
        true => Err(foreign::refused(pattern)),
        false => Ok(found),
    }
}

/// The files and folders that a pattern names, in natural order; at least one.
pub(super) fn paths(pattern: &str) -> Result<Vec<PathBuf>, FileError> {
    let mut found = vec![PathBuf::new()];
    for part in Path::new(pattern).components() {
        let Component::Normal(name) = part else {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        };
        let name = name.to_string_lossy();
        let mut next = Vec::new();
        for path in &found {
            next.extend(step(path, &name)?);
        }
        if next.is_empty() {
            return Err(no_match(pattern, &found, &name));
        }
        found = next;
    }
    Ok(found)
}

/// All files that a pattern names or that lie below what it names, in natural order.
pub(crate) fn files_below(pattern: &Path) -> Result<Vec<PathBuf>, FileError> {
    const DEEPEST: usize = 8;
    let mut files = Vec::new();
    let mut open: Vec<(PathBuf, usize)> = Vec::new();
    let named = paths(&pattern.to_string_lossy())?;
    open.extend(named.into_iter().rev().map(|path| (path, 0)));
    while let Some((path, depth)) = open.pop() {
        if path.is_dir() && depth < DEEPEST {
            let inner = entries(&path)?.into_iter().rev();
            open.extend(inner.map(|path| (path, depth + 1)));
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

/// What a folder holds, in natural order.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let failed = |error: std::io::Error| FileError::reading(folder, &error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(here).map_err(failed)? {
        paths.push(folder.join(entry.map_err(failed)?.file_name()));
    }
    paths.sort_by_cached_key(|path| natural_key(&path.to_string_lossy()));
    Ok(paths)
}

fn step(folder: &Path, name: &str) -> Result<Vec<PathBuf>, FileError> {
    if !name.contains('*') {
        let path = folder.join(name);
        return Ok(if path.exists() {
            vec![path]
        } else {
            Vec::new()
        });
    }
    if folder.is_file() {
        return Ok(Vec::new());
    }
    let mut paths = entries(folder)?;
    paths.retain(|path| {
        path.file_name()
            .is_some_and(|found| matches(name, &found.to_string_lossy()))
    });
    Ok(paths)
}

/// `*` is any run of letters; greedy from the left is enough where that is the only wildcard.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(first) else {
        return false;
    };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        match name.find(part) {
            Some(place) => name = &name[place + part.len()..],
            None => return false,
        }
    }
    name.ends_with(last)
}

fn no_match(pattern: &str, folders: &[PathBuf], name: &str) -> FileError {
    let folder = folders.iter().find(|path| !path.is_file());
    let Some(folder) = folder else {
        let file = folders
            .first()
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        return FileError::new(
            pattern,
            format!("`{file}` is a file; expected a folder that holds `{name}`"),
        );
    };
    let mut names: Vec<String> = entries(folder)
        .unwrap_or_default()
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    names.sort_by_cached_key(|other| strsim::levenshtein(name, other));
    let here = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let missing = match name.contains('*') {
        true => format!("nothing matches `{name}` in `{}`", here.display()),
        false => format!("there is no `{name}` in `{}`", here.display()),
    };
    match names.is_empty() {
        true => FileError::new(pattern, format!("{missing}; it is empty")),
        false => FileError::new(pattern, format!("{missing}; it holds {}", listed(&names))),
    }
}

/// Runs of digits count as numbers: `cam2` stands before `cam10`.
fn natural_key(name: &str) -> Vec<(u128, String)> {
    let mut key = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text_end = rest
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(rest.len());
        let (text, after) = rest.split_at(text_end);
        let digits_end = after
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(after.len());
        let (digits, after) = after.split_at(digits_end);
        // The text sorts first, then the number that follows it.
        key.push((0, text.to_string()));
        key.push((digits.parse().unwrap_or(u128::MAX), digits.to_string()));
        rest = after;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_any_run_of_letters() {
        let cases = [
            ("*", "", true),
            ("a*", "a", true),
            ("*_json", "cam01_json", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*a", "a", false),
            ("*b*", "abc", true),
            ("a*b*", "acb", true),
            ("a*b*c", "acb", false),
            ("é*", "éa", true),
            ("**x", "ax", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn numbers_in_names_sort_as_numbers() {
        let mut names = ["cam10", "b", "cam2", "cam02x", "cam1.3", "cam1"];
        names.sort_by_cached_key(|name| natural_key(name));
        assert_eq!(names, ["b", "cam1", "cam1.3", "cam02x", "cam2", "cam10"]);
    }
}
