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
    fingertips: BTreeMap<String, BTreeMap<String, usize>>,
    #[serde(flatten)]
    rules: BTreeMap<String, Rule>,
}

/// The vertex of a region that lies furthest in a direction, near fractions of the region's extent.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Rule {
    region: Vec<String>,
    toward: String,
    at: BTreeMap<char, f64>,
}

pub(super) fn find(body: &BodyModel) -> BTreeMap<String, usize> {
    let file: File = toml::from_str(RULES).expect("the embedded rules are valid");
    let mut found = BTreeMap::new();
    for (name, rule) in &file.rules {
        found.extend(rule.snap(body).map(|v| (name.clone(), v)));
        if name.starts_with("left_") {
            let right = rule.mirrored().snap(body);
            found.extend(right.map(|v| (other_side(name), v)));
        }
    }
    let vertices = body.template.nrows().to_string();
    found.extend(file.vertices.get(&vertices).cloned().unwrap_or_default());
    if body.joint_names.iter().any(|name| name == "left_index1") {
        match file.fingertips.get(&vertices) {
            Some(published) => found.extend(published.clone()),
            None => found.extend(fingertips(body)),
        }
    }
    found
}

/// The vertices of each finger's last joint that lie furthest along its last bone.
fn fingertips(body: &BodyModel) -> impl Iterator<Item = (String, usize)> + '_ {
    let joint = |name: &str| body.joint_names.iter().position(|n| n == name);
    let place = |j: usize| body.joints.row(j);
    let lasts = body.joint_names.iter().filter_map(|n| n.strip_suffix('3'));
    let fingers = lasts.filter(|n| n.contains('_'));
    fingers.filter_map(move |finger| {
        let names = [format!("{finger}2"), format!("{finger}3")];
        let along = &place(joint(&names[1])?) - &place(joint(&names[0])?);
        let far = |v: &usize| along.dot(&body.template.row(*v));
        let own = (0..body.template.nrows()).filter(|v| moves(body, *v, &names[1..]));
        let tip = own.max_by(|a, b| far(a).total_cmp(&far(b)))?;
        Some((format!("{finger}_tip"), tip))
    })
}

impl Rule {
    /// `toward` is one of `+x`, `-x`, `+y`, `-y`, `+z`, `-z`; `at` holds some of the other axes.
    pub(super) fn new(region: Vec<String>, toward: String, at: BTreeMap<char, f64>) -> Self {
        Rule { region, toward, at }
    }

    /// The rule of the other side.
    pub(super) fn mirrored(&self) -> Self {
        let mut rule = self.clone();
        rule.region = self.region.iter().map(|n| other_side(n)).collect();
        if let Some(sign) = self.toward.strip_suffix('x') {
            rule.toward = format!("{}x", if sign == "-" { "+" } else { "-" });
        }
        if let Some(x) = rule.at.get_mut(&'x') {
            *x = 1.0 - *x;
        }
        rule
    }

    pub(super) fn snap(&self, body: &BodyModel) -> Option<usize> {
        let vertices = 0..body.template.nrows();
        let region: Vec<usize> = vertices.filter(|&v| moves(body, v, &self.region)).collect();
        let (low, high) = extent(region.iter().map(|&v| point(body, v)))?;
        let axis = |c: char| "xyz".find(c).unwrap_or(0);
        let toward = axis(self.toward.chars().last()?);
        let sign = if self.toward.starts_with('-') {
            -1.0
        } else {
            1.0
        };
        let score = |v: usize| {
            let p = point(body, v);
            let aside = self.at.iter().map(|(c, fraction)| {
                let a = axis(*c);
                (p[a] - low[a] - fraction * (high[a] - low[a])).powi(2)
            });
            sign * p[toward] - ASIDE * aside.sum::<f64>().sqrt()
        };
        region
            .into_iter()
            .max_by(|&a, &b| score(a).total_cmp(&score(b)))
    }
}

/// Whether a vertex follows one of some joints more than any other.
pub(super) fn moves(body: &BodyModel, vertex: usize, joints: &[String]) -> bool {
    joints.contains(&body.joint_names[body.main_joint(vertex)])
}

/// `left_knee` for `right_knee` and the reverse; other names stay.
pub(super) fn other_side(name: &str) -> String {
    match (name.strip_prefix("left_"), name.strip_prefix("right_")) {
        (Some(rest), _) => format!("right_{rest}"),
        (_, Some(rest)) => format!("left_{rest}"),
        _ => name.to_string(),
    }
}

fn point(body: &BodyModel, vertex: usize) -> [f64; 3] {
    let row = body.template.row(vertex);
    [row[0], row[1], row[2]]
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
