//! The part of OpenCV's YAML (`cv::FileStorage`) that calibrations use: numbers, lists of texts, matrices.

use std::path::Path;

use super::error::FileError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Entry {
    Number(f64),
    List(Vec<String>),
    /// Row-major.
    Matrix(Vec<f64>),
    /// Anything else, which is an error only where it is needed.
    Other,
}

/// The keys of the outermost table in the order of the file.
pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<(String, Entry)>, FileError> {
    let mut entries = Vec::new();
    let mut lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| is_content(line))
        .peekable();
    while let Some((number, line)) = lines.next() {
        let wrong = |what: String| FileError::new(path, format!("line {}{what}", number + 1));
        let Some((key, value)) = line.split_once(':').filter(|_| is_outermost(line)) else {
            return Err(wrong(": expected `key: value`".into()));
        };
        let mut body = vec![value.trim()];
        while let Some((_, line)) = lines.next_if(|(_, line)| !is_outermost(line)) {
            body.push(line.trim());
        }
        let key = key.trim();
        let entry = entry(&body).map_err(|what| wrong(format!(", `{key}`: {what}")))?;
        entries.push((key.to_string(), entry));
    }
    Ok(entries)
}

/// Neither empty, nor a comment, nor a mark of the document.
fn is_content(line: &str) -> bool {
    let line = line.trim();
    let mark = line.starts_with("%YAML") || line == "---" || line == "...";
    !line.is_empty() && !line.starts_with('#') && !mark
}

fn is_outermost(line: &str) -> bool {
    !line.starts_with([' ', '\t', '-', ']', '['])
}

/// An entry from what stands behind its key and on the lines below.
fn entry(body: &[&str]) -> Result<Entry, String> {
    let (first, below) = body.split_first().unwrap_or((&"", &[]));
    if first.starts_with("!!opencv-matrix") {
        return matrix(&below.join(" "));
    }
    if first.starts_with("!!opencv-nd-matrix") {
        return any_rank(&below.join(" "));
    }
    if first.starts_with('[') {
        let all = body.join(" ");
        let items = in_brackets(&all)?;
        return Ok(Entry::List(items.iter().map(|i| unquoted(i)).collect()));
    }
    if first.is_empty() && below.iter().all(|line| line.starts_with('-')) {
        let items = below.iter().map(|line| unquoted(&line[1..]));
        return Ok(Entry::List(items.collect()));
    }
    Ok(match (first.parse::<f64>(), below.is_empty()) {
        (Ok(number), true) if number.is_finite() => Entry::Number(number),
        _ => Entry::Other,
    })
}

fn matrix(text: &str) -> Result<Entry, String> {
    let field = |key: &str| {
        let (_, rest) = text.split_once(key)?;
        rest.split_whitespace().next()
    };
    let count = |key: &str| {
        let digits = field(key).ok_or_else(|| format!("the key `{key}` is missing"))?;
        let count = digits.parse::<usize>();
        count.map_err(|_| format!("expected a whole number after `{key}`, found `{digits}`"))
    };
    data(text, &[count("rows:")?, count("cols:")?])
}

/// OpenCV 5 writes arrays of one dimension, and of more than two, in this way.
fn any_rank(text: &str) -> Result<Entry, String> {
    let (_, sizes) = text
        .split_once("sizes:")
        .ok_or("the key `sizes:` is missing")?;
    let count = |digits: &&str| {
        let count = digits.parse::<usize>();
        count.map_err(|_| format!("expected whole numbers after `sizes:`, found `{digits}`"))
    };
    let sizes: Result<Vec<usize>, String> = in_brackets(sizes)?.iter().map(count).collect();
    data(text, &sizes?)
}

fn data(text: &str, sizes: &[usize]) -> Result<Entry, String> {
    let (_, data) = text
        .split_once("data:")
        .ok_or("the key `data:` is missing")?;
    let numbers: Result<Vec<f64>, String> = in_brackets(data)?.iter().map(|i| number(i)).collect();
    let numbers = numbers?;
    let expected = sizes
        .iter()
        .try_fold(1usize, |n, size| n.checked_mul(*size));
    match expected == Some(numbers.len()) {
        true => Ok(Entry::Matrix(numbers)),
        false => Err(format!(
            "expected the numbers of a {} matrix, found {}",
            sizes
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join("×"),
            numbers.len()
        )),
    }
}

/// What stands between `[` and `]`, at its commas.
fn in_brackets(text: &str) -> Result<Vec<&str>, String> {
    let inside = text
        .trim()
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'));
    let (inside, _) = inside.ok_or("expected a list `[…]`")?;
    match inside.trim() {
        "" => Ok(Vec::new()),
        items => Ok(items.split(',').map(str::trim).collect()),
    }
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|x| x.is_finite());
    number.ok_or_else(|| format!("expected finite numbers, found `{text}`"))
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    let inside = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"')
        .or_else(|| inside('\''))
        .unwrap_or(text)
        .to_string()
}
