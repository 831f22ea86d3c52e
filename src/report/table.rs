//! Rows of cells as text that people and programs read.

/// Aligned columns: the first to the left, the others to the right.
pub(crate) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cell = |(c, text): (usize, &String)| match c {
            0 => format!("{text:<w$}", w = widths[c]),
            _ => format!("{text:>w$}", w = widths[c]),
        };
        let cells: Vec<String> = row.iter().enumerate().map(cell).collect();
        cells.join("   ").trim_end().to_string() + "\n"
    };
    rows.iter().map(line).collect()
}

/// A table of Markdown; the first row is its heading.
pub(crate) fn markdown(rows: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().map(|c| plain(c).replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let Some((head, body)) = rows.split_first() else {
        return String::new();
    };
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let body: String = body.iter().map(line).collect();
    line(head) + &rule + &body
}

/// Text that is no markup of Markdown, on one line.
pub(crate) fn plain(text: &str) -> String {
    text.replace('<', "&lt;").replace(['\n', '\r'], " ")
}

/// Rows of cells as CSV; cells with commas, quotes or line breaks are quoted.
pub(crate) fn csv_text(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| quoted(cell)).collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

/// A cell of CSV.
pub(crate) fn quoted(cell: &str) -> String {
    match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_break_no_table() {
        let rows = [vec!["a|b\n<i>".to_string(), "x, \"y\"".to_string()]];
        assert_eq!(markdown(&rows), "| a\\|b &lt;i> | x, \"y\" |\n|---|---|\n");
        assert_eq!(csv_text(rows), "\"a|b\n<i>\",\"x, \"\"y\"\"\"\n");
    }
}
