//! The page: one file that needs nothing else, made of what lies on disk.

mod charts;
mod files;
mod html;
mod pictures;
mod scene;
mod specs;
mod tables;

use super::Comparison;
use super::table::LEGEND;
use crate::error::Error;
use html::escape;
use scene::Scene;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("../../../assets/viewer/viewer.js");
const LICENCE: &str = "three.js, MIT, © 2010–2025 three.js authors";

pub(super) fn page(of: &Comparison) -> Result<String, Error> {
    let scene = Scene::read(of);
    let parts = [
        summary(of),
        tables::measures(of),
        charts::charts(of).map_err(|e| Error::Output {
            message: e.to_string(),
        })?,
        scene.as_ref().map_or(String::new(), |s| s.section(of)),
        pictures::worst(of, scene.as_ref()),
        tables::parameters(of),
        specs::specs(of),
    ];
    let data = scene
        .as_ref()
        .map_or(String::new(), |s| s.data(&of.methods));
    let title = escape(&of.name);
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}: {}</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n\
         {}\n<footer class=\"note\">fitrun {}. The view in space uses {LICENCE}.</footer>\n{data}\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        if of.methods.len() > 1 {
            "comparison"
        } else {
            "report"
        },
        parts.concat(),
        env!("CARGO_PKG_VERSION"),
    ))
}

/// The verdict, what it is made of, and the table that it comes from.
fn summary(of: &Comparison) -> String {
    let item = |f: &super::Finding| {
        format!(
            "<li class=\"{:?}\">{}</li>\n",
            f.verdict,
            escape(&f.sentence)
        )
    };
    let note = |w: &String| format!("<p class=\"note\">{}</p>\n", escape(w));
    let said = |w: &String| format!("<li>{}</li>\n", escape(w));
    let said: String = of.fits_say.iter().map(said).collect();
    let said = match of.fits_say.len() {
        0 => String::new(),
        n => format!(
            "<details><summary>Warnings of the fits ({n})</summary><ul>\n{said}</ul></details>\n"
        ),
    };
    format!(
        "<header><h1>{}</h1><button id=\"theme\" type=\"button\" hidden>Dark</button></header>\n\
         <main>\n<p class=\"verdict\">{}</p>\n<ul class=\"findings\">\n{}</ul>\n{}{}{said}\
         <p class=\"legend\">{LEGEND}{}</p>\n",
        escape(&of.name),
        escape(&of.headline()),
        of.findings.iter().map(item).collect::<String>(),
        of.warnings.iter().map(note).collect::<String>(),
        tables::summary(of),
        signs(of),
    )
}

/// What the signs of tables and lists mean.
fn signs(of: &Comparison) -> String {
    match of.methods.len() {
        1 => String::new(),
        _ => format!(
            " ▼ ▲ mark differences to {} that chance does not explain (p below 0.05 after Holm's correction).",
            escape(&of.methods[of.baseline])
        ),
    }
}
