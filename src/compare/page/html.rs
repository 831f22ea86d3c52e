//! Small things of HTML and SVG.

/// Text that is no markup.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A spot in the colour of a method.
pub(super) fn chip(method: usize) -> String {
    format!(
        "<span class=\"chip\" style=\"background:var(--series-{})\"></span>",
        method % 7
    )
}

/// Colours of the plots, and the names that the page gives them in light and dark.
const THEMED: [(&str, &str); 12] = [
    ("#FFFFFF", "none"),
    ("#282828", "var(--ink)"),
    ("#828282", "var(--faint)"),
    ("#DADADA", "var(--chart-grid)"),
    ("#F2F2F2", "var(--chart-minor)"),
    ("#0072B2", "var(--series-0)"),
    ("#E69F00", "var(--series-1)"),
    ("#009E73", "var(--series-2)"),
    ("#D55E00", "var(--series-3)"),
    ("#56B4E9", "var(--series-4)"),
    ("#CC79A7", "var(--series-5)"),
    ("#F0E442", "var(--series-6)"),
];

/// A plot with its words, in the page's colours.
pub(super) fn figure(svg: &str, caption: &str) -> String {
    let start = svg.find("<svg").unwrap_or(0);
    let mut drawn = svg[start..].to_string();
    for (colour, name) in THEMED {
        drawn = drawn.replace(colour, name);
    }
    let label = format!("<svg role=\"img\" aria-label=\"{}\"", escape(caption));
    let drawn = drawn.replacen("<svg", &label, 1);
    format!(
        "<figure>{drawn}<figcaption>{}</figcaption></figure>\n",
        escape(caption)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_names_stays_text() {
        assert_eq!(
            escape("<b>&\"x\"</b>"),
            "&lt;b&gt;&amp;&quot;x&quot;&lt;/b&gt;"
        );
    }
}
