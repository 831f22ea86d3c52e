//! The one line above all: what is shown by the measure that counts.

use super::Comparison;
use super::judge::Cell;
use super::table::number;
use super::verdict::{ENOUGH, Verdict};

impl Comparison {
    /// One line: what is shown by the measure that counts.
    pub(super) fn headline(&self) -> String {
        let Some(table) = self.primary.map(|p| &self.measures[p]) else {
            return "Nothing was measured.".into();
        };
        let title = table.title();
        let mean = |m: usize| table.whole[m].as_ref().map(|c| c.mean.value);
        if self.methods.len() == 1 {
            let cell = table.whole[0].as_ref().map(Cell::to_text);
            return format!("{title}: {}.", cell.unwrap_or("–".into()));
        }
        let base = &self.methods[self.baseline];
        let Some(of_base) = mean(self.baseline) else {
            return format!("By {title}, {base} has no results, so nothing is compared with it.");
        };
        let count = |verdict| {
            self.findings
                .iter()
                .filter(|f| f.verdict == verdict)
                .count()
        };
        let all = self.findings.len();
        let (better, worse) = (count(Verdict::Better), count(Verdict::Worse));
        let of_better = self
            .findings
            .iter()
            .filter(|f| f.verdict == Verdict::Better);
        let values = of_better.filter_map(|f| {
            let place = self.methods.iter().position(|m| *m == f.method)?;
            Some((mean(place)?, &f.method))
        });
        match values.min_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((lowest, method)) => {
                let worse = match worse {
                    0 => String::new(),
                    n => format!(", {n} worse"),
                };
                format!(
                    "By {title}: {better} of {all} better than {base}{worse}; the lowest is {method}, {} against {}.",
                    number(lowest),
                    number(of_base)
                )
            }
            None if worse == all => format!("By {title}, {base} is better than all others."),
            None if worse > 0 => format!(
                "By {title}, nothing is shown to be better than {base}, and {worse} of {all} are worse."
            ),
            None if self.too_few() => format!(
                "By {title}, the {}s are too few, or too much alike, to tell {base} from the others by a test.",
                table.axis
            ),
            None => format!("By {title}, no difference to {base} is shown."),
        }
    }

    /// Whether a test of the verdict's measure could show nothing, whatever the difference.
    fn too_few(&self) -> bool {
        let cells = self.primary.map(|p| &self.measures[p].whole);
        let differences = cells.into_iter().flatten().flatten();
        let mut differences = differences.filter_map(|c| c.difference);
        differences.any(|d| d.clusters < ENOUGH)
    }
}
