//! Text in columns, and numbers as people read them.

/// Rows of cells; a row may be shorter than others.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Each column as wide as its widest cell.
    pub(super) fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let cells = row.iter().zip(&widths);
            let line: String = cells.map(|(cell, w)| format!("{cell:<w$}  ")).collect();
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

/// Points with the share of frames in which each is seen, several to a line.
pub(super) fn seen_text(labels: &[String], shares: &[f64]) -> String {
    const ACROSS: usize = 5;
    let mut table = Table::default();
    let cells: Vec<[String; 2]> = labels
        .iter()
        .zip(shares)
        .map(|(label, share)| [label.clone(), percent(*share)])
        .collect();
    for row in cells.chunks(ACROSS) {
        table.row(row.iter().flatten().cloned());
    }
    table.text()
}

/// `100 %` and `0 %` mean all and none.
pub(super) fn percent(share: f64) -> String {
    match share {
        1.0 => "100 %".into(),
        0.0 => "0 %".into(),
        share => format!("{:.1} %", (100.0 * share).clamp(0.1, 99.9)),
    }
}

/// Four digits are enough to see what a number is.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if !(1e-4..1e7).contains(&size) => format!("{value:.3e}"),
        size => {
            let places = (3 - size.log10().floor() as i32).clamp(0, 7) as usize;
            let text = format!("{value:.places$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').into(),
                false => text,
            }
        }
    }
}

/// `-0.82 to 2.39`, and how much of it is missing.
pub(super) fn range<'a>(values: impl Iterator<Item = &'a f64>) -> String {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let (mut all, mut finite) = (0usize, 0usize);
    for value in values {
        all += 1;
        if value.is_finite() {
            finite += 1;
            (low, high) = (low.min(*value), high.max(*value));
        }
    }
    let missing = percent((all - finite) as f64 / all.max(1) as f64);
    match (all, finite) {
        (0, _) => "nothing".into(),
        (_, 0) => "only NaN".into(),
        (1, 1) => number(low),
        (all, finite) if all == finite && low == high => format!("all {}", number(low)),
        (all, finite) if finite < all => {
            format!("{} to {}, {missing} missing", number(low), number(high))
        }
        _ => format!("{} to {}", number(low), number(high)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_digits_that_matter() {
        let texts = [0.0, -0.82004, 2.5, 1681.24, 123456.0, 1e-9, f64::NAN].map(number);
        assert_eq!(
            texts,
            ["0", "-0.82", "2.5", "1681", "123456", "1.000e-9", "NaN"]
        );
    }

    #[test]
    fn nearly_all_is_not_all() {
        assert_eq!(
            [1.0, 0.99999, 0.5, 1e-6, 0.0].map(percent),
            ["100 %", "99.9 %", "50.0 %", "0.1 %", "0 %"]
        );
    }

    #[test]
    fn a_range_says_what_is_missing() {
        assert_eq!(
            range([1.0, f64::NAN, -2.0, 4.0].iter()),
            "-2 to 4, 25.0 % missing"
        );
        assert_eq!(range([120.0].iter()), "120");
        assert_eq!(range([0.0, 0.0].iter()), "all 0");
        assert_eq!(range([f64::NAN].iter()), "only NaN");
        assert_eq!(range([].iter()), "nothing");
    }
}
