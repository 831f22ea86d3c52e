//! Mistakes of a spec or of its data, collected with the places that they come from.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use codespan_reporting::diagnostic::{Diagnostic as Report, Label, Severity as Level};
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term;

/// Where a resolved value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Filled in because nothing said otherwise.
    Default,
    /// A range of bytes in one of the [`Sources`].
    At { source: usize, span: Range<usize> },
}

/// A value together with its [`Origin`].
#[derive(Clone, Debug)]
pub struct Sourced<T> {
    pub value: T,
    pub origin: Origin,
}

impl<T> Sourced<T> {
    pub(crate) fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

/// The texts that a spec was read from: files, presets, `--set` arguments.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    entries: Vec<(String, String)>,
}

impl Sources {
    pub(crate) fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> usize {
        self.entries.push((name.into(), text.into()));
        self.entries.len() - 1
    }

    /// The place of a part of a text that was written as a TOML string; the whole where it has escapes.
    pub(crate) fn within(&self, origin: &Origin, text: &str, part: &Range<usize>) -> Origin {
        let Origin::At { source, span } = origin else {
            return origin.clone();
        };
        let whole = self
            .entries
            .get(*source)
            .and_then(|(_, all)| all.get(span.clone()));
        let begun = whole.and_then(|written| {
            let quotes = ["\"\"\"", "'''", "\"", "'"];
            let quote = quotes.iter().find(|q| written.starts_with(**q))?;
            let inner = &written[quote.len()..];
            let trimmed = inner.strip_prefix("\r\n").or(inner.strip_prefix('\n'));
            let inner = if quote.len() == 3 {
                trimmed.unwrap_or(inner)
            } else {
                inner
            };
            inner.starts_with(text).then(|| written.len() - inner.len())
        });
        match begun {
            Some(begun) => Origin::At {
                source: *source,
                span: span.start + begun + part.start..span.start + begun + part.end,
            },
            None => origin.clone(),
        }
    }

    /// Line and column where a place begins, and where it ends, from 1; none of a default.
    pub fn span(&self, origin: &Origin) -> Option<[usize; 4]> {
        let Origin::At { source, span } = origin else {
            return None;
        };
        let text = &self.entries[*source].1;
        let at = |end: usize| {
            let before = text.get(..end.min(text.len())).unwrap_or(text);
            let line = before.rsplit('\n').next().unwrap_or_default();
            [1 + before.matches('\n').count(), 1 + line.chars().count()]
        };
        let [[line, column], [last, end]] = [at(span.start), at(span.end)];
        Some([line, column, last, end])
    }

    /// `file:line`, the name of a preset or argument, or `default`.
    pub fn describe(&self, origin: &Origin) -> String {
        match origin {
            Origin::Default => "default".into(),
            Origin::At { source, span } => {
                let (name, text) = &self.entries[*source];
                let line = 1 + text[..span.start.min(text.len())].matches('\n').count();
                match text.contains('\n') {
                    true => format!("{name}:{line}"),
                    false => name.clone(),
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Warning,
    Error,
}

/// One mistake or remark: what, where, and how to mend it.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub severity: Severity,
    /// A row of `docs/diagnostics.md`.
    pub code: &'static str,
    pub message: String,
    pub origin: Origin,
    /// Short text under the underlined place.
    pub label: String,
    pub hints: Vec<String>,
}

impl Diagnostic {
    pub(crate) fn error(code: &'static str, message: impl Into<String>, origin: &Origin) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            origin: origin.clone(),
            label: String::new(),
            hints: Vec::new(),
        }
    }

    pub(crate) fn warning(code: &'static str, message: impl Into<String>, origin: &Origin) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message, origin)
        }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds `did you mean …?`, or else the whole list of what is permitted.
    pub(crate) fn nearest<'a>(
        self,
        found: &str,
        permitted: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let permitted: Vec<&str> = permitted.into_iter().collect();
        match nearest(found, permitted.iter().copied()) {
            Some(name) => self.label(format!("did you mean `{name}`?")),
            None if permitted.is_empty() => self,
            None => self.hint(format!("permitted: {}", list(&permitted))),
        }
    }
}

/// The collected diagnostics of one run of the checks.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    pub list: Vec<Diagnostic>,
    /// Hashes of what was said.
    known: HashSet<u64>,
}

impl Diagnostics {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        let mut hasher = DefaultHasher::new();
        (diagnostic.code, &diagnostic.message, &diagnostic.origin).hash(&mut hasher);
        if self.known.insert(hasher.finish()) {
            self.list.push(diagnostic);
        }
    }

    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether there is nothing else to be said: the text is no TOML, or in another language.
    pub(crate) fn unreadable(&self) -> bool {
        let ends = |d: &Diagnostic| matches!(d.code, "F0101" | "F0105");
        self.list.iter().any(ends)
    }

    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter().filter(|d| d.severity == Severity::Warning)
    }

    /// All diagnostics as text, in the order of their places.
    pub fn render(&self, sources: &Sources) -> String {
        let mut files = SimpleFiles::new();
        for (name, text) in &sources.entries {
            files.add(name.as_str(), text.as_str());
        }
        let config = term::Config::default();
        let mut sorted: Vec<&Diagnostic> = self.list.iter().collect();
        sorted.sort_by_key(|d| match &d.origin {
            Origin::Default => (usize::MAX, 0),
            Origin::At { source, span } => (*source, span.start),
        });
        let rendered = sorted.into_iter().map(|d| {
            term::emit_into_string(&config, &files, &report(d))
                .unwrap_or_else(|_| format!("{}: {}\n", d.code, d.message))
        });
        rendered.collect()
    }

    /// One JSON object a line: severity, code, message, place, hints.
    pub fn to_json_lines(&self, sources: &Sources) -> String {
        let lines = self.list.iter().map(|d| d.to_json(sources).to_string());
        lines.map(|line| line + "\n").collect()
    }

    /// The same as one array.
    pub fn to_json(&self, sources: &Sources) -> serde_json::Value {
        self.list.iter().map(|d| d.to_json(sources)).collect()
    }
}

impl Diagnostic {
    fn to_json(&self, sources: &Sources) -> serde_json::Value {
        serde_json::json!({
            "severity": if self.severity == Severity::Error { "error" } else { "warning" },
            "code": self.code,
            "message": self.message,
            "place": sources.describe(&self.origin),
            "span": sources.span(&self.origin),
            "label": self.label,
            "hints": self.hints,
        })
    }
}

fn report(diagnostic: &Diagnostic) -> Report<usize> {
    let level = match diagnostic.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
    };
    let mut report = Report::new(level)
        .with_code(diagnostic.code)
        .with_message(&diagnostic.message)
        .with_notes(
            diagnostic
                .hints
                .iter()
                .map(|h| format!("hint: {h}"))
                .collect(),
        );
    if let Origin::At { source, span } = &diagnostic.origin {
        let label = Label::primary(*source, span.clone()).with_message(&diagnostic.label);
        report = report.with_label(label);
    }
    report
}

/// The closest of the candidates, where one is close enough to be a slip of the hand.
pub(crate) fn nearest<'a>(
    found: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let folded = found.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(&folded, &c.to_lowercase()), c))
        .filter(|(distance, c)| {
            let begun = folded.len() >= 3 && c.to_lowercase().starts_with(&folded);
            begun || *distance <= 1 + c.len().max(found.len()) / 4
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

/// Ascending numbers as ranges, such as `3–5, 9`, the first few of them.
pub fn ranges(numbers: &[u64]) -> String {
    const SHOWN: usize = 12;
    let runs: Vec<&[u64]> = numbers.chunk_by(|a, b| a + 1 == *b).collect();
    let text = |run: &&[u64]| match run {
        [only] => only.to_string(),
        _ => format!("{}–{}", run[0], run[run.len() - 1]),
    };
    let shown: Vec<String> = runs.iter().take(SHOWN).map(text).collect();
    let more = if runs.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// As [`ranges`], with what they number: `frame 4`, `frames 3–5, 9`.
pub(crate) fn frames(numbers: &[u64]) -> String {
    let noun = if numbers.len() == 1 {
        "frame"
    } else {
        "frames"
    };
    format!("{noun} {}", ranges(numbers))
}

/// The names in backticks, at most sixteen of them.
pub(crate) fn list<S: AsRef<str>>(names: &[S]) -> String {
    let mut parts: Vec<String> = names
        .iter()
        .take(16)
        .map(|n| format!("`{}`", n.as_ref()))
        .collect();
    if names.len() > 16 {
        parts.push(format!("and {} more", names.len() - 16));
    }
    parts.join(", ")
}
