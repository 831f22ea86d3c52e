//! A function of one's own in expressions: the depth of a molecule's bond by Morse's potential.
//!
//! `cargo run --release --example own_function`

use fitrun::own::{Arrays, Function, Registry, Value};
use fitrun::{check_text, fit};

/// depth · (1 − exp(−(r − rest)/width))², the energy of a bond that is stretched to r (Morse 1929).
struct Morse;

impl Function for Morse {
    fn signature(&self) -> &str {
        "morse(r, depth, width, rest)"
    }

    fn call<'t>(&self, arguments: &[Value<'t>]) -> Result<Value<'t>, String> {
        let [r, depth, width, rest] = arguments else {
            return Err("takes four numbers".into());
        };
        if r.dimension != width.dimension || r.dimension != rest.dimension {
            return Err(format!(
                "r is in {}, so width and rest should be",
                r.dimension
            ));
        }
        let stretched = (r.numbers[0] - rest.numbers[0]) / width.numbers[0];
        let escaped = 1.0 - (-stretched).exp();
        let energy = depth.numbers[0] * escaped.powi(2);
        Ok(Value::scalar(energy, depth.dimension))
    }
}

const SPEC: &str = r#"
    fitrun = 1
    [data.bond]
    columns = { r = "m", energy = "1" }
    [vars]
    depth = { init = 4.0 }
    width = { init = "0.4 m", kind = "positive" }
    rest = { init = "0.7 m" }
    [terms.fit]
    kind = "expr"
    residual = "morse(r, depth, width, rest) - energy"
"#;

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let r: Vec<f64> = (0..40).map(|i| 0.6 + 0.05 * i as f64).collect();
    let morse = |r: &f64| 4.7 * (1.0 - (-(r - 0.74) / 0.52).exp()).powi(2);
    let energy: Vec<f64> = r.iter().map(morse).collect();
    // The data need no file either.
    let bond =
        Arrays::default()
            .numbers("r", &[r.len()], &r)
            .numbers("energy", &[energy.len()], &energy);
    let registry = Registry::default().function(Morse).data("bond", bond);
    let checked = check_text("bond.toml".as_ref(), SPEC, &registry.into())?;
    let found = fit(&checked.problem, &mut |_| true);
    for (name, truth) in [("depth", 4.7), ("width", 0.52), ("rest", 0.74)] {
        let value = found.variable(&checked.problem, name, 0).ok_or(name)?[0];
        println!("{name} = {value:.6}");
        assert!((value - truth).abs() < 1e-6, "{name}: {value}");
    }
    Ok(())
}
