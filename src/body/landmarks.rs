//! Finds face, head and foot points on any body: published vertices, or an anatomical rule.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::BodyModel;

const RULES: &str = include_str!("landmarks.toml");

/// How much a metre beside the place counts against a metre in the rule's direction.
const ASIDE: f64 = 3.0;

#[derive(Deserialize)]
struct File {
    vertices: BTreeMap<String, BTreeMap<String, usize>>,
    #[serde(flatten)]
    rules: BTreeMap<String, Rule>,
}

#[derive(Deserialize)]
struct Rule {
    region: Vec<String>,
    toward: String,
    at: BTreeMap<char, f64>,
}

pub(super) fn find(body: &BodyModel) -> BTreeMap<String, usize> {
    let file: File = toml::from_str(RULES).expect("the embedded rules are valid");
    let mut found = BTreeMap::new();
    for (name, rule) in &file.rules {
        found.extend(snap(body, rule, false).map(|v| (name.clone(), v)));
        if let Some(side) = name.strip_prefix("left_") {
            found.extend(snap(body, rule, true).map(|v| (format!("right_{side}"), v)));
        }
    }
    let vertices = body.template.nrows().to_string();
    found.extend(file.vertices.get(&vertices).cloned().unwrap_or_default());
    found
}

/// The vertex of the region that lies furthest in the rule's direction, near the rule's place.
fn snap(body: &BodyModel, rule: &Rule, mirrored: bool) -> Option<usize> {
    let side = if mirrored { -1.0 } else { 1.0 };
    let point = |v: usize| {
        let row = body.template.row(v);
        [side * row[0], row[1], row[2]]
    };
    let region = vertices_of(body, &rule.region, mirrored);
    let (low, high) = extent(region.iter().map(|&v| point(v)))?;
    let axis = |c: char| "xyz".find(c).unwrap_or(0);
    let toward = axis(rule.toward.chars().last()?);
    let sign = if rule.toward.starts_with('-') {
        -1.0
    } else {
        1.0
    };
    let score = |v: usize| {
        let p = point(v);
        let aside = rule.at.iter().map(|(c, fraction)| {
            let a = axis(*c);
            (p[a] - low[a] - fraction * (high[a] - low[a])).powi(2)
        });
        sign * p[toward] - ASIDE * aside.sum::<f64>().sqrt()
    };
    region
        .into_iter()
        .max_by(|&a, &b| score(a).total_cmp(&score(b)))
}

fn vertices_of(body: &BodyModel, region: &[String], mirrored: bool) -> Vec<usize> {
    let mirror = |name: &String| match mirrored {
        true => name.replace("left", "right"),
        false => name.clone(),
    };
    let wanted: Vec<String> = region.iter().map(mirror).collect();
    let strongest = |v: usize| {
        let row = body.weights.row(v);
        let joints = row.iter().enumerate();
        joints.max_by(|a, b| a.1.total_cmp(b.1)).map(|(j, _)| j)
    };
    (0..body.template.nrows())
        .filter(|&v| strongest(v).is_some_and(|j| wanted.contains(&body.joint_names[j])))
        .collect()
}

fn extent(points: impl Iterator<Item = [f64; 3]>) -> Option<([f64; 3], [f64; 3])> {
    points.fold(None, |extent, p| {
        let (mut low, mut high) = extent.unwrap_or((p, p));
        for k in 0..3 {
            low[k] = low[k].min(p[k]);
            high[k] = high[k].max(p[k]);
        }
        Some((low, high))
    })
}
