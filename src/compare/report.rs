//! Writes the comparison's files.

use super::{Comparison, cache, page};
use crate::error::Error;
use crate::io::atomic;

impl Comparison {
    /// `report.html`, `report.md`, `compare.csv` and `compare.json`.
    pub(super) fn write(self) -> Result<Self, Error> {
        let write = |name: &str, text: &str| atomic::write(self.dir.join(name), text.as_bytes());
        write("report.md", &self.to_markdown())?;
        write("compare.csv", &self.to_csv())?;
        write("report.html", &page::page(&self)?)?;
        write(cache::RECORD, &format!("{:#}\n", self.to_json()))?;
        Ok(self)
    }
}
