//! Conditions under which a comparison fails, for continuous integration.

use super::Comparison;
use super::table::number;
use super::verdict::{Finding, Verdict};
use crate::diagnostic::nearest;

/// When a comparison fails.
#[derive(Clone, Debug, PartialEq)]
pub enum FailIf {
    /// A method is shown to be worse than the baseline, or has no results.
    Worse,
    /// A mean is above or below a limit.
    Beyond {
        /// All methods where none is named.
        method: Option<String>,
        measure: String,
        above: bool,
        limit: f64,
    },
}

impl FailIf {
    /// From `worse`, `MEASURE > NUMBER` or `METHOD: MEASURE < NUMBER`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim() == "worse" {
            return Ok(Self::Worse);
        }
        let wrong = || {
            format!(
                "`--fail-if {text}`: write `worse`, or such as \"mpjpe > 12\" or \"gmm: mpjpe > 12\""
            )
        };
        let above = text.contains('>');
        let (left, right) = text.split_once(['>', '<']).ok_or_else(wrong)?;
        let limit: f64 = right.trim().parse().map_err(|_| wrong())?;
        let (method, measure) = match left.rsplit_once(':') {
            Some((method, measure)) => (Some(method.trim().to_string()), measure),
            None => (None, left),
        };
        if limit.is_nan() || measure.trim().is_empty() {
            return Err(wrong());
        }
        Ok(Self::Beyond {
            method,
            measure: measure.trim().into(),
            above,
            limit,
        })
    }

    /// What makes it hold; an error where it speaks of what there is not.
    pub fn holds(&self, found: &Comparison) -> Result<Option<String>, String> {
        let Self::Beyond {
            method,
            measure,
            above,
            limit,
        } = self
        else {
            if found.primary.is_none() {
                return Ok(Some("nothing was measured".into()));
            }
            let fails = |f: &&Finding| matches!(f.verdict, Verdict::Worse | Verdict::Missing);
            let worse = found.findings.iter().find(fails);
            return Ok(worse.map(|f| f.sentence.clone()));
        };
        let unknown = |what: &str, name: &str, names: &[&str]| {
            let near = nearest(name, names.iter().copied());
            let near = near.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            format!("`--fail-if`: there is no {what} `{name}`{near}")
        };
        let names: Vec<&str> = found.measures.iter().map(|m| m.name.as_str()).collect();
        let Some(table) = found.measures.iter().find(|m| m.name == *measure) else {
            return Err(unknown("measure", measure, &names));
        };
        let methods: Vec<&str> = found.methods.iter().map(String::as_str).collect();
        if let Some(name) = method.as_ref().filter(|m| !methods.contains(&m.as_str())) {
            return Err(unknown("method", name, &methods));
        }
        let cells = found.methods.iter().zip(&table.whole);
        let mut chosen = cells.filter(|(m, _)| method.as_ref().is_none_or(|x| x == *m));
        let held = chosen.find_map(|(m, cell)| {
            // What has no results is beyond any limit.
            let Some(cell) = cell else {
                return Some(format!("{m} has no {measure}"));
            };
            let value = cell.mean.value;
            let holds = if *above {
                value > *limit
            } else {
                value < *limit
            };
            holds.then(|| format!("{m}: {measure} is {}", number(value)))
        });
        Ok(held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_with_and_without_a_method() {
        let beyond = |method: Option<&str>, above, limit| FailIf::Beyond {
            method: method.map(String::from),
            measure: "mpjpe".into(),
            above,
            limit,
        };
        assert_eq!(FailIf::parse("mpjpe > 12"), Ok(beyond(None, true, 12.0)));
        assert_eq!(
            FailIf::parse("kind gan-s, x: mpjpe<1e-3"),
            Ok(beyond(Some("kind gan-s, x"), false, 1e-3))
        );
        assert_eq!(FailIf::parse("worse"), Ok(FailIf::Worse));
        assert!(FailIf::parse("mpjpe = 3").is_err() && FailIf::parse("mpjpe > x").is_err());
    }
}
