//! What fitrun brings along, by name: presets, layouts, conventions, landmarks, priors, terms, functions.

use super::layouts;
use super::table::Table;
use crate::body::BodyModel;
use crate::body::markers::Layout;
use crate::expr::FUNCTIONS;
use crate::keypoints;
use crate::prior::{PRIORS, Prior};
use crate::spec::{PRESETS, TERM_KINDS};

/// How alike a name must be to be proposed.
const CLOSE: f64 = 0.85;

/// What can be listed.
pub const TOPICS: [&str; 7] = [
    "presets",
    "layouts",
    "conventions",
    "landmarks",
    "priors",
    "terms",
    "functions",
];

/// All of a topic with a few words each; with a `name`, the whole of one.
///
/// ```
/// let conventions = fitrun::list("conventions", None)?;
/// assert!(conventions.contains("BODY_25"));
/// assert!(fitrun::list("conventions", Some("COCO_17"))?.contains("left_ankle"));
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
///
/// Where there is no such topic or name, with the nearest that there is.
pub fn list(topic: &str, name: Option<&str>) -> Result<String, String> {
    if let (None, Some(of), None) = (rows(topic), topic_of(topic), name) {
        return list(of, Some(topic));
    }
    let rows = rows(topic).ok_or_else(|| unknown("topic", topic, &TOPICS))?;
    let Some(name) = name else {
        let mut table = Table::default();
        rows.iter()
            .for_each(|row| table.row([row.0.clone(), row.1.clone()]));
        return Ok(table.text());
    };
    let names: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
    let short = |row: &&(String, String)| {
        row.0 == name
            || row
                .0
                .rsplit('/')
                .next()
                .and_then(|n| n.strip_suffix(".toml"))
                == Some(name)
    };
    match rows.iter().find(short) {
        Some(row) => {
            let line = || format!("{}: {}\n", row.0, row.1);
            Ok(whole(topic, &row.0).unwrap_or_else(line))
        }
        None => Err(unknown(topic.trim_end_matches('s'), name, &names)),
    }
}

/// The topic of a name that is brought along.
pub(super) fn topic_of(name: &str) -> Option<&'static str> {
    let mut topics = TOPICS.into_iter();
    topics.find(|topic| rows(topic).is_some_and(|rows| rows.iter().any(|row| row.0 == name)))
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let plain = name.to_lowercase();
    let like = |x: &str| match x.to_lowercase() {
        x if x.contains(&plain) || plain.contains(&x) => 1.0,
        x => strsim::jaro_winkler(&x, &plain),
    };
    let near = known.iter().max_by(|a, b| like(a).total_cmp(&like(b)));
    let near = near.filter(|near| like(near) > CLOSE);
    let near = near.map_or(String::new(), |near| format!(", did you mean `{near}`?"));
    let all = if known.len() > 12 {
        String::new()
    } else {
        format!("; there are {}", known.join(", "))
    };
    format!(
        "there is no {what} `{name}`{}",
        if near.is_empty() { all } else { near }
    )
}

/// Names and what they are.
fn rows(topic: &str) -> Option<Vec<(String, String)>> {
    let owned = |(name, text): (&str, &str)| (name.to_string(), text.to_string());
    Some(match topic {
        "presets" => PRESETS
            .iter()
            .map(|(name, text)| owned((name, remark(text).as_str())))
            .collect(),
        "layouts" => Layout::names().into_iter().map(layout).collect(),
        "conventions" => keypoints::conventions()
            .into_iter()
            .map(convention)
            .collect(),
        "landmarks" => landmarks(),
        "priors" => PRIORS.iter().copied().map(owned).collect(),
        "terms" => TERM_KINDS.iter().copied().map(owned).collect(),
        "functions" => {
            let call = |(name, arguments, text): &(&str, &str, &str)| {
                (name.to_string(), format!("{name}({arguments}): {text}"))
            };
            FUNCTIONS.iter().map(call).collect()
        }
        _ => return None,
    })
}

/// The remark that a text begins with, up to its first full stop.
fn remark(text: &str) -> String {
    let lines = text.lines().take_while(|l| l.starts_with('#'));
    let joined: Vec<&str> = lines.map(|l| l.trim_start_matches('#').trim()).collect();
    let joined = joined.join(" ");
    joined
        .split_once(". ")
        .map_or(joined.clone(), |(first, _)| format!("{first}."))
}

fn layout(name: &str) -> (String, String) {
    let markers = Layout::embedded(name).map_or(0, |l| l.markers.len());
    let said = Layout::text(name).map(remark).unwrap_or_default();
    (name.into(), format!("{markers} markers. {said}"))
}

fn convention(name: &str) -> (String, String) {
    let labels = keypoints::labels(name).unwrap_or_default();
    let shown: Vec<&str> = labels.iter().take(4).map(String::as_str).collect();
    (
        name.into(),
        format!("{} points: {}, …", labels.len(), shown.join(", ")),
    )
}

fn landmarks() -> Vec<(String, String)> {
    let Ok(body) = BodyModel::builtin(None) else {
        return Vec::new();
    };
    let joints = body
        .joint_names
        .iter()
        .map(|n| (n.clone(), "a joint".to_string()));
    let points = body.landmarks.keys().map(|n| {
        (
            n.clone(),
            "a point of the skin, on every body by its anatomy".to_string(),
        )
    });
    joints.chain(points).collect()
}

/// All of one, where there is more to say than a line.
fn whole(topic: &str, name: &str) -> Option<String> {
    match topic {
        "presets" => PRESETS
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, text)| text.to_string()),
        "layouts" => Some(layouts::markers(&Layout::embedded(name)?)),
        "conventions" => {
            let mut table = Table::default();
            table.row(["point", "on a body"]);
            for (label, recipe) in keypoints::recipes(name)? {
                let place = if recipe.is_empty() {
                    "nowhere, unless `body.landmarks` has it"
                } else {
                    recipe
                };
                table.row([label, place]);
            }
            Some(table.text())
        }
        "priors" => {
            let text = PRIORS.iter().find(|(n, _)| *n == name)?.1;
            let dims = Prior::builtin(name).ok()?.latent_dim();
            Some(format!(
                "{name}: {text}\nvariable of {dims} numbers; `fitrun sample {name}` shows poses\n"
            ))
        }
        _ => None,
    }
}
