//! Quantities with units: `"1 cm"`, `"4 px"`, `"30 deg"`, `"3 m/s^2"`.

use std::fmt;

use crate::diagnostic::nearest;

/// Exponents of metre, radian, pixel and second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dimension {
    pub length: i8,
    pub angle: i8,
    pub pixel: i8,
    pub time: i8,
}

impl Dimension {
    pub const NONE: Self = Self::new(0, 0, 0, 0);
    pub const LENGTH: Self = Self::new(1, 0, 0, 0);
    pub const ANGLE: Self = Self::new(0, 1, 0, 0);
    pub const PIXEL: Self = Self::new(0, 0, 1, 0);
    pub const TIME: Self = Self::new(0, 0, 0, 1);
    pub const FREQUENCY: Self = Self::new(0, 0, 0, -1);

    pub const fn new(length: i8, angle: i8, pixel: i8, time: i8) -> Self {
        Self {
            length,
            angle,
            pixel,
            time,
        }
    }

    fn times(self, other: Self, power: i8) -> Self {
        let add = |a: i8, b: i8| a.saturating_add(b.saturating_mul(power));
        Self::new(
            add(self.length, other.length),
            add(self.angle, other.angle),
            add(self.pixel, other.pixel),
            add(self.time, other.time),
        )
    }

    /// That of a product with a power of another.
    pub(crate) fn product(self, other: Self, power: i8) -> Self {
        self.times(other, power)
    }

    /// That of the square root, where there is one.
    pub(crate) fn root(self) -> Option<Self> {
        let half = |n: i8| (n % 2 == 0).then_some(n / 2);
        Some(Self::new(
            half(self.length)?,
            half(self.angle)?,
            half(self.pixel)?,
            half(self.time)?,
        ))
    }

    /// Without angles, which are numbers.
    pub(crate) fn without_angle(self) -> Self {
        Self { angle: 0, ..self }
    }

    /// This dimension after `order` derivatives in time.
    pub fn per_time(self, order: i8) -> Self {
        self.times(Self::TIME, -order)
    }

    /// A quantity that shows how such a dimension is written.
    pub fn example(self) -> String {
        match self {
            Self::NONE => "1.0".into(),
            Self::LENGTH => "1 cm".into(),
            Self::ANGLE => "5 deg".into(),
            Self::PIXEL => "4 px".into(),
            Self::TIME => "33 ms".into(),
            Self::FREQUENCY => "30 Hz".into(),
            other => format!("3 {other}"),
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("m", self.length),
            ("rad", self.angle),
            ("px", self.pixel),
            ("s", self.time),
        ];
        let power = |(name, n): &(&str, i8)| match n.abs() {
            1 => name.to_string(),
            n => format!("{name}^{n}"),
        };
        let above: Vec<String> = parts.iter().filter(|p| p.1 > 0).map(power).collect();
        let below: Vec<String> = parts.iter().filter(|p| p.1 < 0).map(power).collect();
        match (above.is_empty(), below.is_empty()) {
            (true, true) => write!(f, "no unit"),
            (_, true) => write!(f, "{}", above.join("*")),
            (true, _) => write!(f, "1/{}", below.join("/")),
            _ => write!(f, "{}/{}", above.join("*"), below.join("/")),
        }
    }
}

/// A number in SI units and pixels with its dimension.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantity {
    pub value: f64,
    pub dimension: Dimension,
    /// Given in percent of the image's height (`%height`): multiply by height/100.
    pub of_height: bool,
}

const UNITS: &[(&str, f64, Dimension)] = &[
    ("1", 1.0, Dimension::NONE),
    ("m", 1.0, Dimension::LENGTH),
    ("dm", 0.1, Dimension::LENGTH),
    ("cm", 0.01, Dimension::LENGTH),
    ("mm", 0.001, Dimension::LENGTH),
    ("um", 1e-6, Dimension::LENGTH),
    ("km", 1000.0, Dimension::LENGTH),
    ("in", 0.0254, Dimension::LENGTH),
    ("ft", 0.3048, Dimension::LENGTH),
    ("rad", 1.0, Dimension::ANGLE),
    ("deg", std::f64::consts::PI / 180.0, Dimension::ANGLE),
    ("px", 1.0, Dimension::PIXEL),
    ("s", 1.0, Dimension::TIME),
    ("ms", 1e-3, Dimension::TIME),
    ("us", 1e-6, Dimension::TIME),
    ("min", 60.0, Dimension::TIME),
    ("Hz", 1.0, Dimension::FREQUENCY),
    ("fps", 1.0, Dimension::FREQUENCY),
];

/// The names of the units of one dimension, for messages.
pub(crate) fn units_of(dimension: Dimension) -> Vec<&'static str> {
    let same = UNITS.iter().filter(|u| u.2 == dimension);
    same.map(|u| u.0).collect()
}

/// The unit in which points that span so much belong to a person; of several the one nearest to 1.7 m.
pub(crate) fn likely_unit(span: f64) -> Option<&'static str> {
    let size = |unit: &str| parse_unit(unit).map_or(0.0, |(factor, _)| span * factor);
    let from_usual = |unit: &&str| (size(unit) / 1.7).ln().abs();
    ["m", "cm", "mm", "in", "ft"]
        .into_iter()
        .filter(|unit| (0.6..3.0).contains(&size(unit)))
        .min_by(|a, b| from_usual(a).total_cmp(&from_usual(b)))
}

/// Whether a text is a quantity (it starts with a digit, a sign or a dot) and not a name.
pub(crate) fn looks_like_quantity(text: &str) -> bool {
    text.trim_start()
        .starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
}

/// Reads `"1 cm"`; a bare number has no dimension.
pub(crate) fn parse_quantity(text: &str) -> Result<Quantity, String> {
    let text = text.trim();
    let end = number_end(text);
    let value: f64 = text[..end]
        .parse()
        .map_err(|_| format!("`{text}` does not start with a number"))?;
    let unit = text[end..].trim();
    if unit == "%height" {
        return Ok(Quantity {
            value,
            dimension: Dimension::PIXEL,
            of_height: true,
        });
    }
    let (factor, dimension) = parse_unit(unit)?;
    Ok(Quantity {
        value: value * factor,
        dimension,
        of_height: false,
    })
}

fn number_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    let mut end = usize::from(text.starts_with(['+', '-']));
    while digit(end) || bytes.get(end) == Some(&b'.') {
        end += 1;
    }
    let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
    if matches!(bytes.get(end), Some(b'e' | b'E')) && digit(end + 1 + sign) {
        end += 1 + sign;
        while digit(end) {
            end += 1;
        }
    }
    end
}

/// Reads a unit such as `m`, `m/s^2` or `1/s` into its factor to SI and its dimension.
pub(crate) fn parse_unit(text: &str) -> Result<(f64, Dimension), String> {
    let (mut factor, mut dimension) = (1.0, Dimension::NONE);
    if text.is_empty() {
        return Ok((factor, dimension));
    }
    for (i, group) in text.split('/').enumerate() {
        for part in group.split('*') {
            let (name, power) = split_power(part.trim())?;
            let power = if i == 0 { power } else { -power };
            let Some(unit) = UNITS.iter().find(|u| u.0 == name) else {
                return Err(unknown_unit(name));
            };
            factor *= unit.1.powi(power.into());
            dimension = dimension.times(unit.2, power);
        }
    }
    Ok((factor, dimension))
}

fn split_power(part: &str) -> Result<(&str, i8), String> {
    match part.split_once('^') {
        None => Ok((part, 1)),
        Some((name, power)) => match power.trim().parse() {
            Ok(power) if (-4..=4).contains(&power) => Ok((name.trim(), power)),
            _ => Err(format!("`{power}` is not a power of a unit")),
        },
    }
}

fn unknown_unit(name: &str) -> String {
    match nearest(name, UNITS.iter().map(|u| u.0)) {
        Some(unit) if unit != "1" => format!("unknown unit `{name}`, did you mean `{unit}`?"),
        _ => format!("unknown unit `{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_convert_to_si() {
        let close = |text: &str, value: f64, unit: &str| {
            let q = parse_quantity(text).unwrap();
            assert!((q.value - value).abs() < 1e-12, "{text}: {}", q.value);
            assert_eq!(q.dimension.to_string(), unit, "{text}");
        };
        close("1 cm", 0.01, "m");
        close("1.5e-3m", 0.0015, "m");
        close("-30 deg", -std::f64::consts::PI / 6.0, "rad");
        close("3 m/s^2", 3.0, "m/s^2");
        close("60 Hz", 60.0, "1/s");
        close("4", 4.0, "no unit");
        close(".5 px", 0.5, "px");
    }

    #[test]
    fn mistakes_in_units_are_named() {
        assert_eq!(
            parse_quantity("1 cmm").unwrap_err(),
            "unknown unit `cmm`, did you mean `cm`?"
        );
        assert_eq!(
            parse_quantity("- cm").unwrap_err(),
            "`- cm` does not start with a number"
        );
    }

    #[test]
    fn the_unit_is_the_one_in_which_the_points_are_a_person() {
        let cases = [
            (1700.0, Some("mm")),
            (1050.0, Some("mm")),
            (170.0, Some("cm")),
            (67.0, Some("in")),
            (1.6, Some("m")),
            (0.0017, None),
            (1e6, None),
        ];
        for (span, unit) in cases {
            assert_eq!(likely_unit(span), unit, "{span}");
        }
    }
}
