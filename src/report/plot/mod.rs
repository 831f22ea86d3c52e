//! The plots a run leaves behind: each is an SVG text together with the numbers that it shows as CSV.

pub(crate) mod convergence;
pub(crate) mod fit;
pub(crate) mod graph;
pub(crate) mod heatmap;
pub(crate) mod intervals;
pub(crate) mod lines;
pub(crate) mod losses;
pub(crate) mod over_time;
pub(crate) mod overlay;
pub(crate) mod per_joint;
pub(crate) mod terms;
pub(crate) mod time;

mod raster;
mod stages;
mod stats;
mod style;
mod ticks;
mod window;

pub(crate) use raster::base64;

use std::{io, path::Path};

use super::table::csv_text;

use plotters::drawing::DrawingAreaErrorKind;

/// A finished plot, not yet on disk.
pub(crate) struct Plot {
    pub svg: String,
    pub csv: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum PlotError {
    #[error("cannot draw the plot: {0}")]
    Draw(#[from] DrawingAreaErrorKind<io::Error>),
    #[error("cannot write the plot: {0}")]
    Write(#[from] io::Error),
}

impl Plot {
    /// Writes `<stem>.svg` and `<stem>.csv` into `dir`.
    pub(crate) fn write(&self, dir: &Path, stem: &str) -> Result<(), PlotError> {
        self.write_as(dir, stem, stem)
    }

    /// Writes `<picture>.svg` and `<numbers>.csv` into `dir`.
    pub(crate) fn write_as(
        &self,
        dir: &Path,
        picture: &str,
        numbers: &str,
    ) -> Result<(), PlotError> {
        std::fs::write(dir.join(format!("{picture}.svg")), &self.svg)?;
        std::fs::write(dir.join(format!("{numbers}.csv")), &self.csv)?;
        Ok(())
    }
}

/// Nine significant digits, more than any measurement has; empty for what is not finite.
fn csv_number(x: f64) -> String {
    let rounded: f64 = format!("{x:.8e}").parse().unwrap_or(f64::NAN);
    match rounded.is_finite() {
        true => format!("{rounded:?}"),
        false => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_names_and_leaves_missing_numbers_empty() {
        let row = vec![
            "left, \"upper\"".to_string(),
            csv_number(f64::NAN),
            csv_number(1e-7),
            csv_number(2.0),
        ];
        assert_eq!(csv_text([row]), "\"left, \"\"upper\"\"\",,1e-7,2.0\n");
    }
}
