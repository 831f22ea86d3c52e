//! A problem that a program writes: data and spec are made, checked and fitted without a file of TOML.
//!
//! `cargo run --release --example in_code`

use std::error::Error;

use fitrun::{NpzWriter, RunOptions, check_text, fit};

pub fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("fitrun-in-code-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let t: Vec<f64> = (0..50).map(|i| i as f64 * 0.1).collect();
    let y: Vec<f64> = t.iter().map(|t| 2.0 * (-0.7 * t).exp() + 0.3).collect();
    let mut data = NpzWriter::create(folder.join("decay.npz"));
    data.floats64("t", &[t.len()], &t)?;
    data.floats64("y", &[y.len()], &y)?;
    data.finish()?;

    let spec = r#"
        fitrun = 1
        [data.decay]
        file = "decay.npz"
        columns = { t = "s", y = "1" }
        [vars]
        size = { init = 1.0 }
        rate = { init = "1 Hz", kind = "positive" }
        rest = { init = 0.0 }
        [terms.fit]
        kind = "expr"
        residual = "size * exp(-rate * t) + rest - y"
    "#;
    // Files are looked for beside the place that the spec is said to have.
    let checked = check_text(&folder.join("decay.toml"), spec, &RunOptions::default())?;
    let found = fit(&checked.problem, &mut |_| true);
    std::fs::remove_dir_all(&folder)?;

    for (name, truth) in [("size", 2.0), ("rate", 0.7), ("rest", 0.3)] {
        let value = found.variable(&checked.problem, name, 0).ok_or(name)?[0];
        println!("{name} = {value:.6}");
        assert!((value - truth).abs() < 1e-8, "{name}: {value}");
    }
    println!("{:?}, E = {:.1e}", found.status[0], found.cost());
    Ok(())
}
