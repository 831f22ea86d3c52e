//! What programs add to the language: their mistakes are reported like any other, and none of it panics.

use std::path::Path;

use fitrun::own::{
    Arrays, Failure, Format, Function, Key, Kind, PosePrior, Registry, Scope, Shape, SourceKind,
    Symbol, TermKind, Value,
};
use fitrun::{Dimension, RunOptions, check_text, fit, gradcheck};

struct Twice(&'static str);

impl Function for Twice {
    fn signature(&self) -> &str {
        self.0
    }

    fn call<'t>(&self, arguments: &[Value<'t>]) -> Result<Value<'t>, String> {
        let x = arguments.first().ok_or("nothing to double")?;
        match x.shape {
            Shape::Scalar => Ok(Value::scalar(x.numbers[0] * 2.0, x.dimension)),
            // More numbers than the shape says.
            _ => Ok(Value {
                numbers: x.numbers.repeat(2),
                ..x.clone()
            }),
        }
    }
}

/// How far a value is from a number.
struct Away {
    name: &'static str,
}

impl TermKind for Away {
    fn name(&self) -> &'static str {
        self.name
    }

    fn keys(&self) -> &'static [Key] {
        const KEYS: &[Key] = &[
            Key::new("of", Kind::Text, "what is measured"),
            Key::new("from", Kind::Number, "a number").or("1.0"),
        ];
        KEYS
    }

    fn residual<'t>(&self, scope: &mut Scope<'_, 't>) -> Result<Value<'t>, Failure> {
        let of = scope.expression("of")?;
        let from = scope.number("from").ok_or("no number")?;
        if from < 0.0 {
            return Err(Failure::new("`from` is below zero")
                .at("from")
                .hint("1.0, say"));
        }
        let numbers = of.numbers.iter().map(|x| *x - from).collect();
        Ok(Value::vector(numbers, Dimension::NONE))
    }
}

struct Short(usize);

impl PosePrior for Short {
    fn name(&self) -> &'static str {
        "short"
    }

    fn code(&self) -> Option<usize> {
        Some(4)
    }

    fn pose<'t>(&self, z: &[Symbol<'t>]) -> Vec<Symbol<'t>> {
        vec![z[0]; self.0]
    }

    fn residual<'t>(&self, z: &[Symbol<'t>]) -> Vec<Symbol<'t>> {
        z.to_vec()
    }
}

struct Twins;

impl SourceKind for Twins {
    fn name(&self) -> &'static str {
        "twins"
    }

    fn keys(&self) -> &'static [Key] {
        &[]
    }

    fn points<'t>(
        &self,
        scope: &mut Scope<'_, 't>,
    ) -> Result<Vec<(String, [Symbol<'t>; 3])>, Failure> {
        let at = scope.read("joints['pelvis']")?.numbers;
        let twin = ("same".to_string(), [at[0], at[1], at[2]]);
        Ok(vec![twin.clone(), twin])
    }
}

struct Refuses;

impl Format for Refuses {
    fn name(&self) -> &'static str {
        "refuses"
    }

    fn extensions(&self) -> &[&str] {
        &["csv"]
    }

    fn read(&self, _: &Path) -> Result<Arrays, String> {
        Err("line 3 is upside down".into())
    }
}

/// The whole message of a spec that is rejected.
fn rejected(spec: &str, registry: Registry) -> String {
    let options: RunOptions = registry.into();
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/specs/fit/own.toml"));
    match check_text(path, spec, &options) {
        Ok(checked) => panic!("accepted: {:?}", checked.diagnostics),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_term_of_ones_own_is_solved_explained_and_checked_like_any_other() {
    let spec = r#"
fitrun = 1
[vars]
x = { init = 0.0, dim = 3 }
[terms.away]
kind = "away"
of = "double(x.x) + x.y * x.z"
sigma = 0.5
robust = { kind = "huber", scale = 1.0 }
weight = 2.0
"#;
    let registry = Registry::default()
        .term(Away { name: "away" })
        .function(Twice("double(x)"));
    let checked = check_text(Path::new("own.toml"), spec, &registry.into()).unwrap();
    let said = checked.spec.leaves();
    assert!(
        said.iter()
            .any(|(path, value)| path == "terms.away.from" && value.value == "1.0")
    );
    assert!(gradcheck(&checked.problem)[0].error < 1e-7);
    let found = fit(&checked.problem, &mut |_| true);
    let x = found.variable(&checked.problem, "x", 0).unwrap();
    assert!((2.0 * x[0] + x[1] * x[2] - 1.0).abs() < 1e-6, "{x:?}");
}

#[test]
fn mistakes_in_what_a_program_adds_have_their_place() {
    let spec = r#"
fitrun = 1
[vars]
x = { init = 0.0, dim = 2 }
y = { init = 0.0 }
[terms]
unsaid = { kind = "away" }
below = { kind = "away", of = "y", from = -1.0 }
name = { kind = "away", of = "yy + x.x" }
key = { kind = "away", of = "y", form = 1.0 }
kind = { kind = "awaay", of = "y" }
many = { kind = "expr", residual = "double(y, y)" }
shape = { kind = "expr", residual = "double(x)" }
call = { kind = "expr", residual = "doubble(y)" }
"#;
    let registry = Registry::default()
        .term(Away { name: "away" })
        .function(Twice("double(x)"));
    let message = rejected(spec, registry);
    for part in [
        "`terms.unsaid`: it does not say its `of`",
        "`terms.below`: `from` is below zero",
        "hint: 1.0, say",
        "there is no `yy`",
        "did you mean `from`?",
        "did you mean `away`?",
        "`double(x)` is given 2",
        "`double`: its value has 4 numbers, but should be a vector of 2",
        "did you mean `double`?",
    ] {
        assert!(message.contains(part), "{part}\n{message}");
    }
    assert!(
        message.contains("--> ") || message.contains("own.toml:8:"),
        "{message}"
    );
}

/// Reads one frame ahead, or none.
struct Ahead;

impl TermKind for Ahead {
    fn name(&self) -> &'static str {
        "ahead"
    }

    fn keys(&self) -> &'static [Key] {
        const KEYS: &[Key] = &[Key::new("of", Kind::Text, "an expression")];
        KEYS
    }

    fn ties_frames(&self) -> bool {
        true
    }

    fn residual<'t>(&self, scope: &mut Scope<'_, 't>) -> Result<Value<'t>, Failure> {
        scope.expression("of")
    }
}

#[test]
fn a_term_that_reads_ahead_loses_no_frame_more_than_it_reads() {
    let spec = |kind: &str| {
        format!(
            r#"
fitrun = 1
[body]
[data.seen]
file = "walk.npz"
array = "joints"
axes = ["frame", "joint", "xyz"]
names = "joint_names"
frames = "0..8"
[terms.data]
source = "joints"
target = "seen"
sigma = "5 mm"
[terms.moves]
{kind} = "next(joints) - joints"
sigma = "5 cm"
[terms.stays]
{kind} = "joints['pelvis'].y - 1 m"
sigma = "5 cm"
"#
        )
    };
    let cost = |kind: &str| {
        let registry = Registry::default().term(Ahead);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/specs/fit/ahead.toml");
        let checked = check_text(Path::new(path), &spec(kind), &registry.into()).unwrap();
        let rows = gradcheck(&checked.problem);
        assert!(
            rows.iter().all(|r| r.largest > 0.0 && r.error < 1e-6),
            "{rows:?}"
        );
        fit(&checked.problem, &mut |_| true).cost()
    };
    let (own, written) = (
        cost("kind = \"ahead\"\nof"),
        cost("kind = \"expr\"\nresidual"),
    );
    assert!((own - written).abs() < 1e-4 * written, "{own} {written}");
}

#[test]
fn a_term_with_a_dot_in_its_name_may_be_of_ones_own_kind() {
    let spec = "fitrun = 1\n[vars]\nx = { init = 0.0 }\n[terms.\"a.b\"]\nkind = \"huber\"\nof = \"x\"\n\
                robust = { kind = \"huber\", scale = 1.0 }\n";
    let registry = Registry::default().term(Away { name: "huber" });
    let checked = check_text(Path::new("own.toml"), spec, &registry.into()).unwrap();
    let found = fit(&checked.problem, &mut |_| true);
    assert!((found.variable(&checked.problem, "x", 0).unwrap()[0] - 1.0).abs() < 1e-6);
}

#[test]
fn a_name_that_is_taken_is_refused() {
    let spec = "fitrun = 1\n[vars]\nx = { init = 1.0 }\n[terms.t]\nkind = \"l2\"\nof = \"x\"\n";
    let registry = Registry::default()
        .term(Away { name: "expr" })
        .term(Away { name: "mine" })
        .term(Away { name: "mine" })
        .function(Twice("norm(x)"));
    let message = rejected(spec, registry);
    for part in ["the kind `expr`", "the kind `mine`", "function `norm`"] {
        assert!(message.contains(part), "{part}\n{message}");
    }
}

#[test]
fn priors_sources_and_formats_with_mistakes_are_refused() {
    let spec = r#"
fitrun = 1
prior = "short"
[data.seen]
file = "walk.npz"
array = "joints"
axes = ["frame", "joint", "xyz"]
names = "joint_names"
[data.table]
file = "curve.csv"
columns = { pressure = "1" }
[sources.both]
kind = "twins"
[terms.data]
source = "both"
target = "seen"
sigma = "1 cm"
"#;
    let registry = |numbers| {
        let all = Registry::default().prior(Short(numbers));
        all.source(Twins).format(Refuses)
    };
    let message = rejected(spec, registry(62));
    let prior = "the program's prior `short`: its pose has 62 numbers, but should have 63";
    for part in [prior, "line 3 is upside down"] {
        assert!(message.contains(part), "{part}\n{message}");
    }
    assert!(!message.contains("pelvis"), "{message}");
    let message = rejected(spec, registry(63));
    let twice = "`sources.both`: two points are called `same`";
    assert!(
        message.contains(twice) && !message.contains(prior),
        "{message}"
    );
}
