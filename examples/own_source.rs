//! A kind of source of one's own: the markers of a rigid object, which moves by variables of the spec.
//!
//! `cargo run --release --example own_source`

use fitrun::own::{Arrays, Failure, Key, Kind, Registry, Scope, SourceKind, Symbol};
use fitrun::{check_text, fit};

/// The corners of a box; `turn` and `at` are variables of each frame.
struct Corners;

impl SourceKind for Corners {
    fn name(&self) -> &'static str {
        "corners"
    }

    fn keys(&self) -> &'static [Key] {
        const KEYS: &[Key] = &[Key::new("size", Kind::Quantities, "three lengths")];
        KEYS
    }

    fn points<'t>(
        &self,
        scope: &mut Scope<'_, 't>,
    ) -> Result<Vec<(String, [Symbol<'t>; 3])>, Failure> {
        let size = scope.numbers("size").filter(|s| s.len() == 3);
        let size = size.ok_or(Failure::new("it needs three lengths").at("size"))?;
        let (turn, at) = (scope.read("turn")?.numbers, scope.read("at")?.numbers);
        let corner = |i: usize| {
            let side = |c: usize| if i >> c & 1 == 1 { 0.5 } else { -0.5 } * size[c];
            let place = |r: usize| {
                let turned = (0..3).map(|c| turn[3 * r + c] * side(c));
                turned.fold(at[r], |sum, x| sum + x)
            };
            (format!("c{i}"), [place(0), place(1), place(2)])
        };
        Ok((0..8).map(corner).collect())
    }
}

const SPEC: &str = r#"
    fitrun = 1
    data.seen = { axes = ["frame", "point", "xyz"], names = "labels" }
    vars.turn = { kind = "so3", per = "frame" }
    vars.at = { dim = 3, per = "frame", unit = "m" }
    sources.box = { kind = "corners", size = ["40 cm", "30 cm", "20 cm"] }
    terms.corners = { source = "box", target = "seen", sigma = "1 mm" }
    stages = [{ name = "all", free = ["*"] }]
"#;

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A box that slides along x and turns about y; one corner is hidden.
    let corner = |frame: usize, i: usize| {
        let side = |c: usize, size: f64| if i >> c & 1 == 1 { 0.5 } else { -0.5 } * size;
        let (x, y, z) = (side(0, 0.4), side(1, 0.3), side(2, 0.2));
        let (sin, cos) = (0.2 * frame as f64).sin_cos();
        [0.1 * frame as f64 + cos * x + sin * z, y, cos * z - sin * x]
    };
    let seen: Vec<f64> = (0..10)
        .flat_map(|f| (0..7).flat_map(move |i| corner(f, i)))
        .collect();
    let labels: Vec<String> = (0..7).map(|i| format!("c{i}")).collect();
    let seen = Arrays::default()
        .numbers("corners", &[10, 7, 3], &seen)
        .texts("labels", &labels);
    let registry = Registry::default().source(Corners).data("seen", seen);
    let checked = check_text("box.toml".as_ref(), SPEC, &registry.into())?;
    let found = fit(&checked.problem, &mut |_| true);
    let at = found.variable(&checked.problem, "at", 9).ok_or("nowhere")?;
    println!(
        "the box slid to x = {:.4} m, E = {:.1e}",
        at[0],
        found.cost()
    );
    assert!((at[0] - 0.9).abs() < 1e-4);
    Ok(())
}
