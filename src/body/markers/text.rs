//! Reads marker layouts in TOML: a place for each label, right sides mirrored from left ones.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::super::landmarks;
use super::rule::{Direction, Ray, Rule};
use super::sides::other_side;
use super::values::{
    Read, Value, Wrong, array, axis, direction, float, in_order, not_a_direction, permit, quantity,
    skin_offset, string, strings, table, vector,
};
use super::{Layout, LayoutMarker, Place};
use crate::io::FileError;

pub(super) fn parse(path: &Path, text: &str) -> Result<Layout, FileError> {
    let at = |place: usize, what: &str| {
        let line = 1 + text[..place.min(text.len())].matches('\n').count();
        FileError::new(path, format!("line {line}: {what}"))
    };
    let root = DeTable::parse(text).map_err(|error| {
        let place = error.span().map_or(0, |span| span.start);
        at(place, &error.message().to_lowercase())
    })?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    layout(root.get_ref(), &stem).map_err(|Wrong(place, what)| at(place, &what))
}

fn layout(root: &DeTable<'_>, stem: &str) -> Read<Layout> {
    permit(root, "the layout", &["name", "offset", "markers", "pairs"])?;
    let mut layout = Layout {
        name: stem.to_string(),
        markers: Vec::new(),
        offset: None,
    };
    if let Some(value) = root.get("name") {
        layout.name = string("name", value)?.to_string();
    }
    if let Some(value) = root.get("offset") {
        layout.offset = Some(skin_offset("offset", value)?);
    }
    let mut markers = Markers::default();
    for (key, value) in in_order(root) {
        match key.get_ref().as_ref() {
            "markers" => markers.read(table("markers", value)?, false)?,
            "pairs" => markers.read(table("pairs", value)?, true)?,
            _ => {}
        }
    }
    layout.markers = markers.0;
    match layout.markers.is_empty() {
        true => Err(Wrong(
            0,
            "the layout has no marker; expected `[markers]` or `[pairs]`".into(),
        )),
        false => Ok(layout),
    }
}

#[derive(Default)]
struct Markers(Vec<LayoutMarker>);

impl Markers {
    fn read(&mut self, table: &DeTable<'_>, pairs: bool) -> Read<()> {
        for (key, value) in in_order(table) {
            let start = key.span().start;
            let label: &str = key.get_ref();
            let marker = marker(label, value)?;
            let other = pairs.then(|| mirrored(&marker, start)).transpose()?;
            self.push(marker, start)?;
            if let Some(other) = other {
                self.push(other, start)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, marker: LayoutMarker, start: usize) -> Read<()> {
        let names = |m: &LayoutMarker| {
            let mut names = m.aliases.clone();
            names.push(m.label.clone());
            names
        };
        let new = names(&marker);
        let known = self.0.iter().flat_map(names).find(|n| new.contains(n));
        if let Some(name) = known {
            return Err(Wrong(start, format!("two markers have the name `{name}`")));
        }
        self.0.push(marker);
        Ok(())
    }
}

fn mirrored(marker: &LayoutMarker, start: usize) -> Read<LayoutMarker> {
    let label = &marker.label;
    let other = |name: &String| {
        let what = || {
            format!(
                "`{name}` stands in `[pairs]`, but its name has no other side; write it in `[markers]`"
            )
        };
        other_side(name).ok_or_else(|| Wrong(start, what()))
    };
    let place = match &marker.place {
        Place::Rule(rule) => Place::Rule(rule.mirrored()),
        Place::Joint {
            joint,
            offset: [x, y, z],
        } => Place::Joint {
            joint: landmarks::other_side(joint),
            offset: [-x, *y, *z],
        },
        _ => {
            let what = "a vertex or a face has no mirror image, write both in `[markers]`";
            return Err(Wrong(start, format!("`{label}`: {what}")));
        }
    };
    Ok(LayoutMarker {
        label: other(label)?,
        place,
        aliases: marker.aliases.iter().map(other).collect::<Read<_>>()?,
        offset: marker.offset,
    })
}

fn marker(label: &str, value: &Value<'_>) -> Read<LayoutMarker> {
    let keys = table(label, value)?;
    let start = value.span().start;
    let aliases = match keys.get("aliases") {
        None => Vec::new(),
        Some(value) => strings(&format!("{label}.aliases"), value)?,
    };
    let is_joint = keys.contains_key("joint");
    let offset = match keys.get("offset").filter(|_| !is_joint) {
        None => None,
        Some(value) => Some(skin_offset(&format!("{label}.offset"), value)?),
    };
    Ok(LayoutMarker {
        label: label.to_string(),
        place: Entry { label, keys, start }.place()?,
        aliases,
        offset,
    })
}

/// One marker's table.
struct Entry<'a> {
    label: &'a str,
    keys: &'a DeTable<'a>,
    start: usize,
}

impl Entry<'_> {
    fn place(&self) -> Read<Place> {
        const KINDS: [&str; 5] = ["vertex", "face", "joint", "from", "at"];
        let kind = KINDS.iter().find(|kind| self.keys.contains_key(**kind));
        let own: &[&str] = match kind {
            Some(&"vertex") => &["vertex", "offset", "aliases"],
            Some(&"face") => &["face", "barycentric", "offset", "aliases"],
            Some(&"joint") => &["joint", "offset", "aliases"],
            Some(&"from") => &["from", "aside", "toward", "region", "offset", "aliases"],
            Some(_) => &["at", "toward", "region", "offset", "aliases"],
            None => {
                let what = "expected one of `vertex`, `face`, `joint`, `from` and `at`";
                return Err(Wrong(self.start, format!("`{}`: {what}", self.label)));
            }
        };
        permit(self.keys, &format!("`{}`", self.label), own)?;
        match kind {
            Some(&"vertex") => Ok(Place::Vertex(self.index("vertex")?)),
            Some(&"face") => self.face(),
            Some(&"joint") => Ok(Place::Joint {
                joint: string(&self.path("joint"), self.get("joint")?)?.to_string(),
                offset: self.lengths("offset")?,
            }),
            Some(&"from") => Ok(Place::Rule(Rule::Ray(self.ray()?))),
            _ => Ok(Place::Rule(Rule::Extreme(self.extreme()?))),
        }
    }

    fn face(&self) -> Read<Place> {
        let value = self.get("barycentric")?;
        let barycentric = vector(&self.path("barycentric"), value)?;
        let sum: f64 = barycentric.iter().sum();
        if barycentric.iter().any(|w| *w < 0.0) || (sum - 1.0).abs() > 1e-3 {
            let path = self.path("barycentric");
            let what = format!("`{path}`: expected three weights from 0 that add up to 1");
            return Err(Wrong(value.span().start, what));
        }
        Ok(Place::Face {
            face: self.index("face")?,
            barycentric: barycentric.map(|w| w / sum),
        })
    }

    fn ray(&self) -> Read<Ray> {
        let aside = match self.keys.get("aside") {
            None => Vec::new(),
            Some(value) => self.aside(value)?,
        };
        let region = match self.keys.get("region") {
            None => Vec::new(),
            Some(value) => strings(&self.path("region"), value)?,
        };
        Ok(Ray {
            from: self.point()?,
            aside,
            toward: direction(&self.path("toward"), self.get("toward")?)?,
            region,
        })
    }

    fn point(&self) -> Read<Vec<(String, f64)>> {
        let path = self.path("from");
        let value = self.get("from")?;
        if let DeValue::String(name) = value.get_ref() {
            return Ok(vec![(name.to_string(), 1.0)]);
        }
        let parts = table(&path, value)?;
        let mut point = Vec::new();
        for (name, weight) in in_order(parts) {
            point.push((name.get_ref().to_string(), float(&path, weight)?));
        }
        let sum: f64 = point.iter().map(|(_, weight)| weight).sum();
        match (sum - 1.0).abs() < 1e-6 {
            true => Ok(point),
            false => Err(Wrong(
                value.span().start,
                format!("`{path}`: the weights add up to {sum}, expected 1"),
            )),
        }
    }

    /// `{ "+x" = 0.7 }`: moves in the order written.
    fn aside(&self, value: &Value<'_>) -> Read<Vec<(Direction, f64)>> {
        let path = self.path("aside");
        let moves = in_order(table(&path, value)?).into_iter();
        let read = moves.map(|(key, value)| {
            let direction =
                axis(key.get_ref()).ok_or_else(|| not_a_direction(&path, key.span().start))?;
            Ok((direction, float(&path, value)?))
        });
        read.collect()
    }

    fn extreme(&self) -> Read<landmarks::Rule> {
        let value = self.get("toward")?;
        let toward = string(&self.path("toward"), value)?;
        if axis(toward).is_none() {
            return Err(not_a_direction(&self.path("toward"), value.span().start));
        }
        let path = self.path("at");
        let mut at = BTreeMap::new();
        for (key, value) in in_order(table(&path, self.get("at")?)?) {
            let axis = match key.get_ref().as_ref() {
                "x" => 'x',
                "y" => 'y',
                "z" => 'z',
                other => {
                    let what = format!("`{path}`: `{other}` is not one of `x`, `y` and `z`");
                    return Err(Wrong(key.span().start, what));
                }
            };
            at.insert(axis, float(&path, value)?);
        }
        let region = strings(&self.path("region"), self.get("region")?)?;
        Ok(landmarks::Rule::new(region, toward.to_string(), at))
    }

    fn lengths(&self, key: &str) -> Read<[f64; 3]> {
        let path = self.path(key);
        let value = self.get(key)?;
        let items = array(&path, value, 3)?;
        let mut lengths = [0.0; 3];
        for (item, length) in items.iter().zip(&mut lengths) {
            *length = quantity(&path, item)?;
        }
        Ok(lengths)
    }

    fn index(&self, key: &str) -> Read<usize> {
        let value = self.get(key)?;
        let whole = match value.get_ref() {
            DeValue::Integer(i) => usize::from_str_radix(i.as_str(), i.radix()).ok(),
            _ => None,
        };
        let what = || format!("`{}`: expected a number counted from 0", self.path(key));
        whole.ok_or_else(|| Wrong(value.span().start, what()))
    }

    fn get(&self, key: &str) -> Read<&Value<'_>> {
        let what = || format!("`{}`: the key `{key}` is missing", self.label);
        self.keys.get(key).ok_or_else(|| Wrong(self.start, what()))
    }

    fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: &str = r#"
name   = "mine"
offset = "9.5 mm"

[markers]
A = { vertex = 857, aliases = ["LFWT"], offset = "2 cm" }
B = { face = 12, barycentric = [0.2, 0.3, 0.5] }
C = { joint = "left_knee", offset = ["3 cm", 0, "-5 mm"] }
D = { region = ["head"], toward = "+z", at = { x = 0.5 } }

[pairs]
LKNE = { from = { left_hip = 0.25, left_knee = 0.75 }, aside = { "+x" = 0.5 }, toward = [0, 0, 2], region = ["left_knee"] }
"#;

    fn read(text: &str) -> Result<Layout, FileError> {
        parse(Path::new("layouts/mine.toml"), text)
    }

    #[test]
    fn all_kinds_of_places_are_read_and_pairs_are_mirrored() {
        let layout = read(LAYOUT).unwrap();
        assert_eq!(
            (layout.name.as_str(), layout.offset),
            ("mine", Some(0.0095))
        );
        let marker = |at: usize| &layout.markers[at];
        let labels: Vec<&str> = layout.markers.iter().map(|m| m.label.as_str()).collect();
        assert_eq!(labels, ["A", "B", "C", "D", "LKNE", "RKNE"]);
        assert_eq!(marker(0).place, Place::Vertex(857));
        assert_eq!(marker(0).aliases, ["LFWT"]);
        assert_eq!(marker(0).offset, Some(0.02));
        let barycentric = [0.2, 0.3, 0.5];
        let face = 12;
        assert_eq!(marker(1).place, Place::Face { face, barycentric });
        let joint = "left_knee".to_string();
        let offset = [0.03, 0.0, -0.005];
        assert_eq!(marker(2).place, Place::Joint { joint, offset });
        assert_eq!(marker(2).offset, None);
        assert!(matches!(marker(3).place, Place::Rule(Rule::Extreme(_))));
        let ray = |side: &str, sign: f64| {
            Place::Rule(Rule::Ray(Ray {
                from: vec![
                    (format!("{side}_hip"), 0.25),
                    (format!("{side}_knee"), 0.75),
                ],
                aside: vec![([sign, 0.0, 0.0], 0.5)],
                toward: [0.0, 0.0, 1.0],
                region: vec![format!("{side}_knee")],
            }))
        };
        assert_eq!(marker(4).place, ray("left", 1.0));
        assert_eq!(marker(5).place, ray("right", -1.0));
    }

    #[test]
    fn mistakes_have_their_line_and_key() {
        let message = |old: &str, new: &str| {
            assert!(LAYOUT.contains(old), "{old}");
            read(&LAYOUT.replacen(old, new, 1)).unwrap_err().message
        };
        let expected = [
            (
                "857",
                "-1",
                "line 6: `A.vertex`: expected a number counted from 0",
            ),
            (
                "vertex",
                "vertx",
                "line 6: `A`: expected one of `vertex`, `face`, `joint`, `from` and `at`",
            ),
            (
                "\"2 cm\"",
                "\"2 px\"",
                "line 6: `A.offset`: expected a length such as \"9.5 mm\"",
            ),
            (
                "\"2 cm\"",
                "9.5",
                "line 6: `A.offset`: expected a distance from the skin such as \"9.5 mm\"",
            ),
            (
                "\"2 cm\"",
                "\"2 cmm\"",
                "line 6: `A.offset`: unknown unit `cmm`, did you mean `cm`?",
            ),
            (
                "0.2,",
                "0.3,",
                "line 7: `B.barycentric`: expected three weights from 0 that add up to 1",
            ),
            ("0.2,", "", "line 7: `B.barycentric`: expected a list of 3"),
            (
                "0.2,",
                "nan,",
                "line 7: `B.barycentric`: expected a finite number",
            ),
            (
                ", barycentric = [0.2, 0.3, 0.5]",
                "",
                "line 7: `B`: the key `barycentric` is missing",
            ),
            (
                "face = 12",
                "face = 12, toward = \"+x\"",
                "line 7: `B` has no key `toward`, permitted: `face`, `barycentric`, `offset`, `aliases`",
            ),
            (
                "{ x = 0.5 }",
                "{ w = 0.5 }",
                "line 9: `D.at`: `w` is not one of `x`, `y` and `z`",
            ),
            (
                "\"+z\"",
                "\"up\"",
                "line 9: `D.toward`: expected a direction: `+x` left, `+y` up, `+z` front, `-x`, `-y` or `-z`",
            ),
            (
                "0.75",
                "0.5",
                "line 12: `LKNE.from`: the weights add up to 0.75, expected 1",
            ),
            (
                "[0, 0, 2]",
                "[0, 0, 0]",
                "line 12: `LKNE.toward`: expected a direction: `+x` left, `+y` up, `+z` front, `-x`, `-y` or `-z`",
            ),
            (
                "LKNE",
                "KNE",
                "line 12: `KNE` stands in `[pairs]`, but its name has no other side; write it in `[markers]`",
            ),
            ("LKNE", "LFWT", "line 12: two markers have the name `LFWT`"),
            (
                "[pairs]",
                "[pair]",
                "line 11: the layout has no key `pair`, permitted: `name`, `offset`, `markers`, `pairs`",
            ),
            (
                "name   =",
                "name   ",
                "line 2: key with no value, expected `=`",
            ),
        ];
        for (old, new, text) in expected {
            assert_eq!(message(old, new), text);
        }
        let sides = "[pairs]\nLKNE = { vertex = 1 }";
        assert_eq!(
            read(sides).unwrap_err().message,
            "line 2: `LKNE`: a vertex or a face has no mirror image, write both in `[markers]`"
        );
        assert_eq!(
            read("name = \"x\"").unwrap_err().message,
            "line 1: the layout has no marker; expected `[markers]` or `[pairs]`"
        );
    }

    #[test]
    fn the_layout_of_the_documents_resolves_as_it_says() {
        let formats = include_str!("../../../docs/formats.md");
        let section = formats.split("### Marker layouts").nth(1).unwrap();
        let text = section.split("```").nth(1).unwrap();
        let layout = read(text.strip_prefix("toml").unwrap()).unwrap();
        let labels: Vec<&str> = layout.markers.iter().map(|m| m.label.as_str()).collect();
        assert_eq!(
            labels,
            [
                "LASI", "X", "Y", "LTHI", "RTHI", "LPSI", "RPSI", "LTIP", "RTIP"
            ]
        );
        let body = crate::body::BodyModel::builtin(None).unwrap();
        for marker in 0..labels.len() {
            assert!(layout.site(&body, marker).is_ok(), "{}", labels[marker]);
        }
    }

    #[test]
    fn damage_never_panics() {
        crate::io::testing::damage(LAYOUT.as_bytes(), |bytes| {
            let _ = read(&String::from_utf8_lossy(bytes));
        });
    }
}
