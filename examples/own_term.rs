//! A kind of term of one's own: two points of a body that are a length apart, such as hands on a bar.
//!
//! `cargo run --release --example own_term`

use fitrun::own::{Failure, Key, Kind, Registry, Scope, Symbol, TermKind, Value};
use fitrun::{Dimension, check_text, fit};

/// How far two points are from being a length apart.
struct Apart;

impl TermKind for Apart {
    fn name(&self) -> &'static str {
        "apart"
    }

    fn keys(&self) -> &'static [Key] {
        const KEYS: &[Key] = &[
            Key::new("a", Kind::Text, "a point"),
            Key::new("b", Kind::Text, "another point"),
            Key::new("length", Kind::Quantity(Dimension::LENGTH), "how far apart"),
        ];
        KEYS
    }

    fn residual<'t>(&self, scope: &mut Scope<'_, 't>) -> Result<Value<'t>, Failure> {
        let (a, b) = (scope.expression("a")?, scope.expression("b")?);
        let length = scope.number("length").ok_or("it needs a `length`")?;
        if a.dimension != Dimension::LENGTH || b.dimension != Dimension::LENGTH {
            return Err(Failure::new("`a` and `b` should be points").at("a"));
        }
        let pairs = a.numbers.iter().zip(&b.numbers);
        let square = Symbol::sum(pairs.map(|(a, b)| (*a - *b).powi(2)));
        let distance = square.ok_or("these are no points")?.sqrt();
        Ok(Value::scalar(distance - length, Dimension::LENGTH))
    }
}

/// A pose that nobody has seen: the hands 70 cm apart and at shoulder height, the most probable else.
const SPEC: &str = r#"
    fitrun = 1

    [body]

    [terms.grip]
    kind = "apart"
    a = "joints['left_wrist']"
    b = "joints['right_wrist']"
    length = "70 cm"
    sigma = "1 cm"

    [terms.height]
    kind = "expr"
    residual = "joints['left_wrist'].y - joints['left_shoulder'].y"
    sigma = "1 cm"

    [[stages]]
    name = "pose"
    free = ["pose"]
"#;

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::default().term(Apart);
    let checked = check_text("bar.toml".as_ref(), SPEC, &registry.into())?;
    let found = fit(&checked.problem, &mut |_| true);
    println!("{:?}", found.status[0]);
    for (term, cost) in &found.term_costs {
        println!("{term}: {cost:.3}");
    }
    let grip = found.term_costs.iter().find(|(name, _)| name == "grip");
    assert!(grip.is_some_and(|(_, cost)| *cost < 1.0));
    Ok(())
}
