//! Labelled points in space as `.trc`, the marker file of OpenSim and motion-capture software.

use std::fmt::Write;
use std::path::Path;

use ndarray::Array3;

use super::error::FileError;

/// Labelled points over time, y up.
pub(crate) struct TrcPoints<'a> {
    pub labels: &'a [String],
    /// What the data call each frame.
    pub numbers: &'a [u64],
    /// (frames, points, 3), metres; NaN becomes an empty cell.
    pub values: &'a Array3<f64>,
    /// Frames per second.
    pub rate: f64,
}

pub(crate) fn write(path: impl AsRef<Path>, points: &TrcPoints<'_>) -> Result<(), FileError> {
    let path = path.as_ref();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    super::atomic::write(path, text(&name, points).as_bytes())
}

fn text(name: &str, points: &TrcPoints<'_>) -> String {
    let (frames, count, _) = points.values.dim();
    let (rate, first) = (points.rate, points.numbers.first().unwrap_or(&0));
    let mut text = format!(
        "PathFileType\t4\t(X/Y/Z)\t{name}\n\
         DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n\
         {rate}\t{rate}\t{frames}\t{count}\tm\t{rate}\t{first}\t{frames}\n\
         Frame#\tTime"
    );
    for label in points.labels {
        let _ = write!(text, "\t{}\t\t", one_word(label));
    }
    text.push_str("\n\t");
    for place in 1..=count {
        let _ = write!(text, "\tX{place}\tY{place}\tZ{place}");
    }
    text.push_str("\n\n");
    for (at, (row, number)) in points.values.outer_iter().zip(points.numbers).enumerate() {
        let _ = write!(text, "{number}\t{:.6}", at as f64 / rate);
        for value in row.iter() {
            match value.is_finite() {
                true => write!(text, "\t{value:.6}"),
                false => write!(text, "\t"),
            }
            .unwrap_or_default();
        }
        // OpenSim drops an empty last cell, so none is last.
        text.push_str("\t\n");
    }
    text
}

/// Readers split at white space.
fn one_word(label: &str) -> String {
    label.replace(char::is_whitespace, "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_counts_and_names_the_points_and_gaps_are_empty_cells() {
        let labels = ["C7", "left knee"].map(String::from);
        let mut values = Array3::from_shape_fn((2, 2, 3), |(f, p, k)| {
            f as f64 + 0.1 * p as f64 - 0.01 * k as f64
        });
        values.slice_mut(ndarray::s![1, 0, ..]).fill(f64::NAN);
        let points = TrcPoints {
            labels: &labels,
            numbers: &[7, 8],
            values: &values,
            rate: 50.0,
        };
        let expected = [
            "PathFileType\t4\t(X/Y/Z)\ta.trc",
            "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
            "50\t50\t2\t2\tm\t50\t7\t2",
            "Frame#\tTime\tC7\t\t\tleft_knee\t\t",
            "\t\tX1\tY1\tZ1\tX2\tY2\tZ2",
            "",
            "7\t0.000000\t0.000000\t-0.010000\t-0.020000\t0.100000\t0.090000\t0.080000\t",
            "8\t0.020000\t\t\t\t1.100000\t1.090000\t1.080000\t",
            "",
        ];
        assert_eq!(text("a.trc", &points), expected.join("\n"));
    }
}
