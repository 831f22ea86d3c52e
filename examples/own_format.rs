//! A format of one's own: rows of numbers after a line of names, with semicolons.
//!
//! `cargo run --release --example own_format`

use std::path::Path;

use fitrun::own::{Arrays, Format, Registry};
use fitrun::{check_text, fit};

/// `name; name` and below it a number in each column.
struct Semicolons;

impl Format for Semicolons {
    fn name(&self) -> &'static str {
        "semicolons"
    }

    fn extensions(&self) -> &[&str] {
        &["scsv"]
    }

    fn read(&self, path: &Path) -> Result<Arrays, String> {
        let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
        let mut lines = text.lines().enumerate();
        let (_, names) = lines.next().ok_or("the file is empty")?;
        let names: Vec<&str> = names.split(';').map(str::trim).collect();
        let mut columns = vec![Vec::new(); names.len()];
        for (line, row) in lines {
            let cells: Vec<&str> = row.split(';').map(str::trim).collect();
            if cells.len() != names.len() {
                return Err(format!(
                    "line {}: {} cells, not {}",
                    line + 1,
                    cells.len(),
                    names.len()
                ));
            }
            for (column, cell) in columns.iter_mut().zip(cells) {
                let number = cell.parse::<f64>();
                column.push(number.map_err(|_| format!("line {}: `{cell}`", line + 1))?);
            }
        }
        let named = names.iter().zip(&columns);
        Ok(named.fold(Arrays::default(), |all, (name, column)| {
            all.numbers(name, &[column.len()], column)
        }))
    }
}

const SPEC: &str = r#"
    fitrun = 1
    data.line = { file = "line.scsv", columns = { x = "m", y = "m" } }
    vars = { slope = { init = 0.0 }, height = { init = "0 m" } }
    terms.fit = { kind = "expr", residual = "slope * x + height - y", sigma = "1 m" }
"#;

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("fitrun-own-format-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("line.scsv"), "x; y\n0; 1\n1; 3\n2; 5\n")?;
    let registry = Registry::default().format(Semicolons);
    let checked = check_text(&folder.join("line.toml"), SPEC, &registry.into());
    std::fs::remove_dir_all(&folder)?;
    let checked = checked?;
    let found = fit(&checked.problem, &mut |_| true);
    let slope = found
        .variable(&checked.problem, "slope", 0)
        .ok_or("no slope")?[0];
    println!("slope = {slope:.6}");
    assert!((slope - 2.0).abs() < 1e-9);
    Ok(())
}
