//! Problems of tables and expressions: known answers, names that mean nothing, and results.

mod common;

use std::path::Path;

use common::{check, check_file, example, fit};
use fitrun::{Checked, Fit, Status, parameters};

fn values(checked: &Checked, fit: &Fit, name: &str) -> Vec<f64> {
    let id = checked
        .problem
        .variables
        .iter()
        .position(|v| v.name == name);
    let id = id.unwrap_or_else(|| panic!("no variable {name}"));
    let numbers = checked.problem.variables[id].init.len();
    let each = checked.problem.variables[id].numbers();
    let of = |at: usize| fit.variable(&checked.problem, name, at).unwrap().to_vec();
    (0..numbers / each).flat_map(of).collect()
}

/// Digits that two numbers share.
fn digits(found: f64, certified: f64) -> f64 {
    -((found - certified) / certified).abs().max(1e-16).log10()
}

#[test]
fn a_curve_has_the_certified_parameters_and_deviations() {
    let checked = check_file(&example("curve.toml"), &[]);
    let found = fit(&checked);
    assert_eq!(found.status, [Status::Converged]);
    let certified = [
        (2.3894212918E+02, 2.7070075241E+00),
        (5.5015643181E-04, 7.2668688436E-06),
    ];
    let rows = parameters(&checked.problem, &found);
    for (row, (value, deviation)) in rows.iter().zip(certified) {
        assert!(digits(row.value, value) > 9.5, "{row:?}");
        assert!(digits(row.deviation.unwrap(), deviation) > 9.0, "{row:?}");
    }
    assert!(digits(found.cost(), 1.2455138894E-01) > 9.5);
    let deviations = found.deviations.unwrap();
    assert_eq!(deviations.degrees_of_freedom, 12);
    assert!(digits(deviations.residual, 1.0187876330E-01) > 9.5);
}

#[test]
fn leverages_add_up_to_the_unknowns_and_a_lone_row_has_all_of_it() {
    let checked = check_file(&example("curve.toml"), &[]);
    let influence = fit(&checked).deviations.unwrap().influence.unwrap();
    let (_, of_rows) = &influence.leverage[0];
    assert!(
        (of_rows.iter().sum::<f64>() - 2.0).abs() < 1e-6,
        "{of_rows:?}"
    );
    assert!(of_rows.iter().all(|h| (0.0..=1.0).contains(h)));
    assert!(influence.condition > 1.0 && influence.condition < 100.0);
    // A line through four points of which one stands alone: h = 1/4 + (x − mean)²/Σ(x − mean)².
    let x = [0.0, 0.0, 0.0, 8.0];
    let line = fitrun::own::Arrays::default()
        .numbers("x", &[4], &x)
        .numbers("y", &[4], &[0.1, -0.1, 0.0, 5.0]);
    let spec = "fitrun = 1\n[data.d]\ncolumns = { x = \"1\", y = \"1\" }\n[vars]\na = { init = 0.0 }\n\
                b = { init = 0.0 }\n[terms.t]\nkind = \"expr\"\nresidual = \"a + b * x - y\"\n";
    let registry = fitrun::own::Registry::default().data("d", line);
    let checked = fitrun::check_text(Path::new("line.toml"), spec, &registry.into()).unwrap();
    let influence = fit(&checked).deviations.unwrap().influence.unwrap();
    let expected = |x: f64| 0.25 + (x - 2.0) * (x - 2.0) / 48.0;
    for (h, x) in influence.leverage[0].1.iter().zip(x) {
        assert!((h - expected(x)).abs() < 1e-9, "{h} at {x}");
    }
}

/// A problem over a table `d` of the columns x and y.
fn over_columns(x: &[f64], y: &[f64], rest: &str) -> Result<Checked, fitrun::Error> {
    let data = fitrun::own::Arrays::default()
        .numbers("x", &[x.len()], x)
        .numbers("y", &[y.len()], y);
    let spec = format!("fitrun = 1\n[data.d]\ncolumns = {{ x = \"1\", y = \"1\" }}\n{rest}");
    let registry = fitrun::own::Registry::default().data("d", data);
    fitrun::check_text(Path::new("columns.toml"), &spec, &registry.into())
}

#[test]
fn a_step_that_a_bound_cuts_short_goes_along_the_bound_to_the_minimum() {
    // 3 (100 (p − q))² + 3 (p + q − 5)² with q ≤ 1.
    let rest = "[vars]\np = { init = 0.0 }\nq = { init = 0.0, bounds = [-1.0, 1.0] }\n\
                [terms.t]\nkind = \"expr\"\nresidual = \"vec(100 * (p - q), p + q - 5 * x + 0 * y)\"\n";
    let checked = over_columns(&[1.0; 3], &[0.0; 3], rest).unwrap();
    let found = fit(&checked);
    assert_eq!(found.status, [Status::Converged]);
    let (p, q) = (
        values(&checked, &found, "p")[0],
        values(&checked, &found, "q")[0],
    );
    let expected = (1e4 + 4.0) / (1e4 + 1.0);
    assert!(q == 1.0 && (p - expected).abs() < 1e-9, "{p} {q}");
}

#[test]
fn a_start_where_nothing_moves_has_no_leverage_and_no_deviations() {
    let rest = "[vars]\na = { init = 0.0 }\nb = { init = 0.0 }\n\
                [terms.t]\nkind = \"expr\"\nresidual = \"a^2 * x - y + b^2\"\n";
    let checked = over_columns(&[1.0, 2.0, 3.0], &[1.0, 1.0, 2.0], rest).unwrap();
    let found = fit(&checked);
    assert!(
        found
            .deviations
            .as_ref()
            .is_none_or(|d| d.influence.is_none())
    );
    let rows = parameters(&checked.problem, &found);
    assert!(
        rows.iter().all(|r| r.deviation.is_none_or(f64::is_nan)),
        "{rows:?}"
    );
}

#[test]
fn unknowns_of_which_only_the_sum_is_decided_count_once() {
    let deviations = |parameters: &str, names: &[&str]| {
        let vars = names.iter().map(|n| format!("{n} = {{ init = 0.5 }}\n"));
        let vars: String = vars.collect();
        let rest = format!(
            "[vars]\na = {{ init = 1.0 }}\n{vars}[terms.t]\nkind = \"expr\"\n\
             residual = \"a * x + {parameters} - y\"\n"
        );
        let x: Vec<f64> = (0..10).map(f64::from).collect();
        let y: Vec<f64> = x.iter().map(|x| 2.0 * x - 0.75 + x.sin()).collect();
        let checked = over_columns(&x, &y, &rest).unwrap();
        let found = fit(&checked);
        let rows = parameters_of(&checked, &found);
        let deviations = found.deviations.unwrap();
        (deviations.degrees_of_freedom, rows)
    };
    let (one, three) = (
        deviations("b", &["b"]),
        deviations("b + c + e", &["b", "c", "e"]),
    );
    assert_eq!((one.0, three.0), (8, 8));
    assert!((one.1 - three.1).abs() < 1e-6 * one.1);
}

/// The deviation of the first parameter.
fn parameters_of(checked: &Checked, found: &Fit) -> f64 {
    parameters(&checked.problem, found)[0].deviation.unwrap()
}

#[test]
fn a_column_of_another_table_is_no_term_less_but_a_mistake() {
    let rest = "[data.g]\nfile = \"none.csv\"\n[vars]\na = { init = 1.0 }\n\
                [terms.t]\nkind = \"expr\"\nover = \"d\"\nresidual = \"a * x - h\"\n";
    let h = fitrun::own::Arrays::default().numbers("h", &[2], &[1.0, 2.0]);
    let d = fitrun::own::Arrays::default()
        .numbers("x", &[2], &[1.0, 2.0])
        .numbers("y", &[2], &[1.0, 2.0]);
    let spec = format!("fitrun = 1\n[data.d]\ncolumns = {{ x = \"1\", y = \"1\" }}\n{rest}")
        .replace("file = \"none.csv\"", "columns = { h = \"1\" }");
    let registry = fitrun::own::Registry::default().data("d", d).data("g", h);
    let error = fitrun::check_text(Path::new("two.toml"), &spec, &registry.into()).unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("there is no `h`") && said.contains("`g.h`"),
        "{said}"
    );
}

#[test]
fn whole_turns_leave_the_logarithm_of_a_pose_as_it_is() {
    let rest = "[vars]\na = { init = 0.4 }\n[terms.t]\nkind = \"expr\"\n\
                residual = \"log_se2(a + 4 * pi, vec(x, y)) - log_se2(a, vec(x, y))\"\n";
    let checked = over_columns(&[1.0, -2.0], &[0.5, 3.0], rest).unwrap();
    assert!(fit(&checked).cost() < 1e-24);
}

#[test]
fn a_step_that_select_leaves_out_may_be_no_number() {
    let rest = "[vars]\na = { init = 1.0 }\n[terms.t]\nkind = \"expr\"\n\
                residual = \"a * x - y + select(x > 3, log(x - 3), 0)\"\n";
    let x = [1.0, 2.0, 3.0, 4.0];
    let checked = over_columns(&x, &[2.0, 4.0, 6.0, 8.0], rest).unwrap();
    let found = fit(&checked);
    assert_eq!(found.status, [Status::Converged]);
    assert!((values(&checked, &found, "a")[0] - 2.0).abs() < 1e-9);
}

#[test]
fn a_bundle_costs_what_its_residuals_say_and_holds_its_gauge() {
    let checked = check_file(&example("bundle.toml"), &[]);
    let found = fit(&checked);
    assert_eq!(found.status, [Status::Converged]);
    let (r, t) = (values(&checked, &found, "R"), values(&checked, &found, "t"));
    let (x, f) = (
        values(&checked, &found, "X"),
        values(&checked, &found, "f")[0],
    );
    let text = std::fs::read_to_string(example("bundle.csv")).unwrap();
    let mut cost = 0.0;
    for line in text.lines().skip(1) {
        let row: Vec<f64> = line.split(',').map(|x| x.parse().unwrap()).collect();
        let (camera, point) = (row[0] as usize, row[1] as usize);
        let p: Vec<f64> = (0..3)
            .map(|i| {
                let along = (0..3).map(|k| r[9 * camera + 3 * i + k] * x[3 * point + k]);
                along.sum::<f64>() + t[3 * camera + i]
            })
            .collect();
        let u = f * p[0] / p[2] + 640.0 - row[2];
        let v = f * p[1] / p[2] + 360.0 - row[3];
        let (s, c2) = ((u * u + v * v) / 0.25, 16.0);
        cost += if s <= c2 {
            s
        } else {
            2.0 * (c2 * s).sqrt() - c2
        };
    }
    assert!(
        (cost - found.cost()).abs() < 1e-9 * cost,
        "{cost} {}",
        found.cost()
    );
    let start = &checked
        .problem
        .variables
        .iter()
        .find(|v| v.name == "t")
        .unwrap()
        .init;
    assert_eq!(t[..6], start[..6]);
}

#[test]
fn a_graph_is_solved_where_its_edges_agree() {
    let checked = check_file(&example("graph.toml"), &[]);
    let found = fit(&checked);
    assert_eq!(found.status, [Status::Converged]);
    // 27 edges of three numbers, 23 free vertices: E is a χ² of 12 degrees of freedom.
    assert!((1.0..40.0).contains(&found.cost()), "{}", found.cost());
    let (place, angle) = (
        values(&checked, &found, "place"),
        values(&checked, &found, "angle"),
    );
    assert_eq!((place[0], place[1], angle[0]), (0.0, 0.0, 0.0));
}

#[test]
fn names_of_variables_and_terms_change_no_bit() {
    let text = std::fs::read_to_string(example("bundle.toml")).unwrap();
    let text = text.replace("file    = \"", &format!("file    = \"{}/", folder()));
    let names = text
        .replace("X = {", "rotations = {")
        .replace("X[point]", "rotations[point]")
        .replace("f = {", "zoom = {")
        .replace("f * p.xy", "zoom * p.xy")
        .replace("terms.reprojection", "terms.transforms");
    let (plain, named) = (check(&text, &[]), check(&names, &[]));
    let (plain, named) = (fit(&plain), fit(&named));
    assert_eq!(plain.cost().to_bits(), named.cost().to_bits());
}

fn folder() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/fit");
    folder.display().to_string()
}

#[test]
fn a_stage_may_set_what_the_file_may_say() {
    let residual = "most * (1 - exp(-rate * pressure)) - 2 * volume";
    let file = format!("terms.fit.residual=\"{residual}\"");
    let of_file = fit(&check_file(&example("curve.toml"), &[&file]));
    let stage = format!(
        "stages=[{{ name = \"one\", free = [\"*\"], set = {{ \"terms.fit.residual\" = \"{residual}\" }} }}]"
    );
    let of_stage = fit(&check_file(&example("curve.toml"), &[&stage]));
    assert_eq!(of_file.cost().to_bits(), of_stage.cost().to_bits());
}

#[test]
fn sigma_may_be_a_column_and_rows_without_a_number_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line.toml");
    std::fs::write(
        folder.path().join("line.csv"),
        "x,y,err\n0,1,0.1\n1,3,0.2\n2,,0.1\n3,7,0.1\n",
    )
    .unwrap();
    std::fs::write(
        &path,
        "fitrun = 1\n[data.d]\nfile = \"line.csv\"\ncolumns = { x = \"s\", y = \"m\", err = \"m\" }\n\
         [vars]\na = { init = \"0 m\" }\nb = { init = \"0 m/s\" }\n[terms.fit]\nkind = \"expr\"\n\
         residual = \"a + b * x - y\"\nsigma = \"2 * err\"\n",
    )
    .unwrap();
    let checked = check_file(&path, &[]);
    assert!(checked.diagnostics.warnings().any(|w| w.code == "F0513"));
    let found = fit(&checked);
    assert!((values(&checked, &found, "a")[0] - 1.0).abs() < 1e-9);
    assert!((values(&checked, &found, "b")[0] - 2.0).abs() < 1e-9);
    let deviations = found.deviations.unwrap();
    assert_eq!(
        (deviations.degrees_of_freedom, deviations.scaled),
        (1, false)
    );
}

#[test]
fn points_of_a_body_stand_in_expressions() {
    let set = "terms.feet={ kind = \"expr\", sigma = \"1 cm\", \
               residual = \"relu(-min(joints['left_ankle'].y, joints['right_ankle'].y))\" }";
    let checked = check_file(&example("joints.toml"), &[set]);
    for row in fitrun::gradcheck(&checked.problem) {
        assert!(row.error < 1e-6, "{row:?}");
    }
}

/// The rows of some of the samples of `decays.csv`, with one more that starts nowhere.
fn decays(folder: &Path, samples: &[usize], extra: &str) -> Checked {
    let text = std::fs::read_to_string(example("decays.csv")).unwrap();
    let of_some = |line: &&str| samples.iter().any(|s| line.starts_with(&format!("{s},")));
    let rows: Vec<&str> = text.lines().skip(1).filter(of_some).collect();
    let csv = format!("sample,t,y\n{}\n{extra}", rows.join("\n"));
    std::fs::write(folder.join("decays.csv"), csv).unwrap();
    let spec = folder.join("decays.toml");
    std::fs::copy(example("decays.toml"), &spec).unwrap();
    check_file(&spec, &[])
}

#[test]
fn samples_are_fitted_each_on_its_own_in_any_company() {
    let folder = tempfile::tempdir().unwrap();
    let together = decays(folder.path(), &[0, 1, 2, 3, 4, 5], "");
    let found = fit(&together);
    assert_eq!(found.status, [Status::Converged; 6]);
    let sd = &found.deviations.as_ref().unwrap().of_variables[0];
    for sample in 0..6 {
        let alone = decays(folder.path(), &[sample], "");
        let alone_fit = fit(&alone);
        for name in ["size", "rate"] {
            let mine = alone_fit.variable(&alone.problem, name, 0);
            assert_eq!(mine, found.variable(&together.problem, name, sample));
        }
        assert_eq!(alone_fit.frame_costs[0], found.frame_costs[sample]);
        let own = alone_fit.deviations.unwrap().of_variables[0][0];
        assert!((own / sd[sample] - 1.0).abs() < 1e-12 && own > 0.0);
    }
}

#[test]
fn a_sample_that_is_no_number_is_invalid_alone() {
    let folder = tempfile::tempdir().unwrap();
    // A value whose square is infinite.
    let checked = decays(folder.path(), &[0, 2], "7,0.5,1e200\n");
    let numbers: Vec<u64> = checked.problem.frame_numbers.clone();
    assert_eq!(
        (numbers.as_slice(), checked.problem.axis()),
        (&[0, 2, 7][..], "sample")
    );
    let found = fit(&checked);
    let expected = [Status::Converged, Status::Converged, Status::Invalid];
    assert_eq!(found.status, expected);
    assert!(found.cost() < 1.0);
}

#[test]
fn a_sample_has_the_solution_that_all_together_have_as_one_problem() {
    let checked = check_file(&example("decays.toml"), &[]);
    let found = fit(&checked);
    // A variable that all rows share makes one problem of them.
    let text = std::fs::read_to_string(example("decays.toml")).unwrap();
    let text = text.replace("[terms.fit]", "zero = { init = 0.0 }\n\n[terms.fit]");
    let text = text.replace(
        "- y\"",
        "+ zero - y\"\n[terms.zero]\nkind = \"l2\"\nof = \"zero\"\nsigma = 1e-9",
    );
    let text = text.replace("decays.csv", example("decays.csv").to_str().unwrap());
    let joint = check(&text, &[]);
    let of_joint = fit(&joint);
    assert_eq!(of_joint.status, [Status::Converged]);
    for (a, b) in values(&checked, &found, "rate")
        .iter()
        .zip(values(&joint, &of_joint, "rate"))
    {
        assert!((a / b - 1.0).abs() < 1e-7, "{a} {b}");
    }
}

/// `decays.toml` with something more in it.
fn with(folder: &Path, more: &str) -> Checked {
    let text = std::fs::read_to_string(example("decays.toml")).unwrap();
    std::fs::copy(example("decays.csv"), folder.join("decays.csv")).unwrap();
    let spec = folder.join("decays.toml");
    std::fs::write(&spec, format!("{text}\n{more}")).unwrap();
    check_file(&spec, &[])
}

#[test]
fn a_prior_on_the_variables_of_samples_counts_in_each() {
    let folder = tempfile::tempdir().unwrap();
    let prior = "[terms.prior]\nkind = \"l2\"\nof = \"size\"\nsigma = 1e-4\n";
    let checked = with(folder.path(), prior);
    assert_eq!(checked.problem.axis(), "sample");
    let found = fit(&checked);
    assert_eq!(found.status, [Status::Converged; 6]);
    let sizes = values(&checked, &found, "size");
    assert!(sizes.iter().all(|x| x.abs() < 1e-3), "{sizes:?}");
    let cost: f64 = found.frame_costs.iter().sum();
    assert!((cost - found.cost()).abs() < 1e-9 * cost);
}

#[test]
fn rows_that_refer_by_two_columns_make_one_problem_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let rows = (0..4).flat_map(|s| {
        let row = move |i: usize| {
            let (t, other) = (i as f64 * 0.3, (s + 1) % 4);
            let y = (s + 1) as f64 * (-0.7 * t).exp();
            format!("{s},{other},{t},{y},{}\n", 10 + other)
        };
        (0..6).map(row)
    });
    let csv = format!("a,b,t,y,w\n{}", rows.collect::<String>());
    std::fs::write(folder.path().join("two.csv"), csv).unwrap();
    let text = r#"
fitrun = 1
[data.two]
file = "two.csv"
columns = { a = "ref:sample", b = "ref:sample", t = "1", y = "1", w = "1" }
[vars]
size = { per = "sample", init = 1.0 }
rate = { per = "sample", init = 1.0 }
off  = { per = "sample", init = 0.0 }
[terms.decay]
kind = "expr"
residual = "size[a] * exp(-rate[a] * t) - y"
[terms.other]
kind = "expr"
residual = "off[b] - w"
"#;
    let spec = folder.path().join("two.toml");
    std::fs::write(&spec, text).unwrap();
    let checked = check_file(&spec, &[]);
    let found = fit(&checked);
    assert_eq!(found.status, [Status::Converged]);
    for (s, (size, off)) in values(&checked, &found, "size")
        .iter()
        .zip(values(&checked, &found, "off"))
        .enumerate()
    {
        let (right, there) = ((s + 1) as f64, (10 + s) as f64);
        assert!((size - right).abs() < 1e-8 && (off - there).abs() < 1e-8);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_the_only_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("decays.toml");
    std::fs::copy(example("decays.toml"), &spec).unwrap();
    for text in ["", "sample,t,y\n"] {
        std::fs::write(folder.path().join("decays.csv"), text).unwrap();
        let error = fitrun::check(&spec, &fitrun::RunOptions::default()).unwrap_err();
        let said = error.to_string();
        assert_eq!(said.matches("error[").count(), 1, "{said}");
    }
}

/// Waves of six frequencies whose E has many valleys; `per` is what makes each a problem of its own.
fn waves(folder: &Path, per: &str, sets: &[&str]) -> Checked {
    let speeds: &[f64] = if per.is_empty() {
        &[2.7]
    } else {
        &[0.6, 1.5, 2.7, 3.3, 4.1, 5.2]
    };
    let mut csv = String::from("wave,t,y\n");
    for (wave, speed) in speeds.iter().enumerate() {
        for i in 0..60 {
            let t = i as f64 * 0.17;
            csv += &format!("{wave},{t},{}\n", 1.3 * (speed * t + 0.4).sin());
        }
    }
    std::fs::write(folder.join("waves.csv"), csv).unwrap();
    let text = format!(
        "fitrun = 1\n[data.waves]\nfile = \"waves.csv\"\n\
         columns = {{ wave = \"ref:wave\", t = \"s\", y = \"1\" }}\n[vars]\n\
         size = {{ {per} init = 1.0 }}\nphase = {{ {per} init = \"0 rad\" }}\n\
         speed = {{ {per} init = \"1 rad/s\", bounds = [\"0.2 rad/s\", \"6 rad/s\"] }}\n\
         [terms.fit]\nkind = \"expr\"\nresidual = \"size * sin(speed * t + phase) - y\"\n"
    );
    let spec = folder.join("waves.toml");
    std::fs::write(&spec, text).unwrap();
    check_file(&spec, sets)
}

#[test]
fn of_several_starts_the_lowest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let from_init = fit(&waves(folder.path(), "", &[]));
    let checked = waves(folder.path(), "", &["solve.starts=40"]);
    let found = fit(&checked);
    assert!(from_init.cost() > 1.0 && found.cost() < 1e-9);
    assert_eq!(found.status, [Status::Converged]);
    let stage = &found.stages[0];
    assert_eq!(stage.starts.len(), 40);
    assert!((stage.starts[0] / from_init.cost() - 1.0).abs() < 1e-6);
    let again = fit(&checked);
    assert_eq!(again.stages[0].starts, stage.starts);
    assert_eq!(again.values, found.values);
}

#[test]
fn every_element_has_its_own_best_start_and_waits_for_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let per = "per = \"wave\",";
    let checked = waves(folder.path(), per, &["solve.starts=40"]);
    let found = fit(&checked);
    assert_eq!(found.status, [Status::Converged; 6]);
    assert!(found.frame_costs.iter().all(|cost| *cost < 1e-9));
    let before = fit(&waves(folder.path(), per, &[]));
    assert!(before.frame_costs.iter().any(|cost| *cost > 1.0));
}

#[test]
fn an_interrupted_stage_of_several_starts_ends_as_if_it_had_not_been() {
    let folder = tempfile::tempdir().unwrap();
    let checked = waves(folder.path(), "", &["solve.starts=12"]);
    let whole = fit(&checked);
    let mut rounds = 0;
    let stopped = fitrun::fit(&checked.problem, &mut |_| {
        rounds += 1;
        rounds < 60
    });
    assert_eq!(stopped.status, [Status::Interrupted]);
    let rest = fitrun::fit_from(&checked.problem, stopped.checkpoint, &mut |_| true);
    assert_eq!(rest.values, whole.values);
    assert_eq!(rest.stages[0].starts, whole.stages[0].starts);
}

/// A line that fewer than half of the points lie on.
fn line(folder: &Path, sets: &[&str]) -> Checked {
    let mut csv = String::from("x,y\n");
    for i in 0..100 {
        let x = i as f64 * 0.1 - 5.0;
        let far = (i as f64 * 0.618_033_988_7).fract() * 16.0 - 2.0;
        let y = if i % 9 < 4 { 0.7 * x - 1.2 } else { far };
        csv += &format!("{x},{y}\n");
    }
    std::fs::write(folder.join("line.csv"), csv).unwrap();
    let text = "fitrun = 1\n[data.points]\nfile = \"line.csv\"\ncolumns = { x = \"1\", y = \"1\" }\n\
        [vars]\nslope = { init = 0.0 }\noffset = { init = 6.0 }\n[terms.fit]\nkind = \"expr\"\n\
        residual = \"slope * x + offset - y\"\nsigma = 0.05\n\
        robust = { kind = \"geman_mcclure\", scale = 0.1 }\n\
        [[stages]]\nname = \"all\"\nfree = [\"*\"]\n";
    let spec = folder.join("line.toml");
    std::fs::write(&spec, text).unwrap();
    check_file(&spec, sets)
}

#[test]
fn graduated_robustifiers_find_what_most_data_agree_on() {
    let folder = tempfile::tempdir().unwrap();
    let stuck = line(folder.path(), &[]);
    let stuck = (fit(&stuck).cost(), values(&stuck, &fit(&stuck), "slope")[0]);
    let checked = line(folder.path(), &["solve.gnc=100"]);
    let found = fit(&checked);
    assert!((stuck.1 - 0.7).abs() > 0.1 && found.cost() < stuck.0);
    assert!((values(&checked, &found, "slope")[0] - 0.7).abs() < 0.01);
    assert!((values(&checked, &found, "offset")[0] + 1.2).abs() < 0.01);
    let stages = &checked.problem.stages;
    let scale = |i: usize| stages[i].terms[0].whitening.scale;
    let narrower = (1..stages.len()).all(|i| scale(i) < scale(i - 1));
    assert!(narrower && (scale(0) / 10.0 - 1.0).abs() < 1e-12);
    assert_eq!((scale(stages.len() - 1), stages.len()), (0.1, 15));
}

/// Runs a spec without a body over a table of its own.
fn over_table(csv: &str, spec: &str) -> (Checked, Fit) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("d.csv"), csv).unwrap();
    let head = "fitrun = 1\n[data.d]\nfile = \"d.csv\"\n";
    let path = folder.path().join("own.toml");
    std::fs::write(&path, format!("{head}{spec}")).unwrap();
    let checked = check_file(&path, &[]);
    let found = fit(&checked);
    (checked, found)
}

#[test]
fn an_energy_is_a_log_likelihood_with_its_deviations() {
    // Counts of two groups: the means, and in logarithms the deviations √(1/Σ) of each group.
    let csv = "group,count\n0,3\n0,5\n0,4\n1,10\n1,14\n";
    let spec = r#"
        columns = { group = "1", count = "1" }
        [vars]
        a = { init = 0.0 }
        b = { init = 0.0 }
        [terms.poisson]
        kind = "expr"
        energy = '''
          let eta = a + b * group
          2 * (exp(eta) - count * eta)
        '''
    "#;
    let (checked, found) = over_table(csv, spec);
    assert_eq!(found.status, [Status::Converged]);
    let rows = parameters(&checked.problem, &found);
    let (a, b) = (4.0_f64.ln(), 3.0_f64.ln());
    let of_b = (1.0_f64 / 12.0 + 1.0 / 24.0).sqrt();
    for (row, (value, sd)) in rows.iter().zip([(a, (1.0_f64 / 12.0).sqrt()), (b, of_b)]) {
        assert!((row.value - value).abs() < 1e-6, "{row:?}");
        assert!((row.deviation.unwrap() - sd).abs() < 1e-5, "{row:?}");
    }
    let expected = 2.0 * (12.0 - 12.0 * a + 24.0 - 24.0 * (a + b));
    assert!((found.cost() - expected).abs() < 1e-9);
}

#[test]
fn a_weight_that_is_a_column_counts_rows_so_often() {
    let once = "x,y,n\n0,1,1\n0,1,1\n1,4,1\n2,4,1\n2,4,1\n2,4,1\n5,0,0\n";
    let counted = "x,y,n\n0,1,2\n1,4,1\n2,4,3\n5,0,0\n";
    let spec = r#"
        columns = { x = "1", y = "1", n = "1" }
        [vars]
        a = { init = 0.0 }
        b = { init = 0.0 }
        [terms.line]
        kind = "expr"
        residual = "a + b * x - y"
        robust = { kind = "huber", scale = 0.5 }
        weight = "n"
    "#;
    let [one, other] = [once, counted].map(|csv| {
        let (checked, found) = over_table(csv, spec);
        let rows = parameters(&checked.problem, &found);
        (found.cost(), rows[0].value, rows[1].value)
    });
    assert!((one.0 - other.0).abs() < 1e-12, "{one:?} {other:?}");
    assert!((one.1 - other.1).abs() + (one.2 - other.2).abs() < 1e-9);
}

#[test]
fn what_ends_before_a_wall_has_not_converged() {
    let csv = "x,hit\n-1,0\n0,1\n1,0\n2,1\n2000,1\n";
    let spec = |terms: &str, method: &str| {
        format!(
            "columns = {{ x = \"1\", hit = \"1\" }}\n[vars]\na = {{ init = 0.0 }}\nb = {{ init = 0.0 }}\n\
             [solve]\nmethod = \"{method}\"\n[terms.fit]\nkind = \"expr\"\n{terms}\n"
        )
    };
    let naive = "energy = \"2 * (log(1 + exp(a + b * x)) - hit * (a + b * x))\"";
    let residual = "residual = \"2 * (log(1 + exp(a + b * x)) - hit * (a + b * x))\"";
    for (terms, method) in [(naive, "auto"), (naive, "adam"), (residual, "lm")] {
        let (_, found) = over_table(csv, &spec(terms, method));
        assert_ne!(found.status, [Status::Converged], "{terms} {method}");
    }
    let stable = "energy = \"2 * (softplus(a + b * x) - hit * (a + b * x))\"";
    let (_, found) = over_table(csv, &spec(stable, "auto"));
    assert_eq!(found.status, [Status::Converged]);
}

#[test]
fn deviations_of_energies_are_those_of_the_same_squares() {
    // The means are unit vectors, so that residuals do not bend E.
    let one = "s,x,y,z\n0,0.1,-0.1,1.1\n0,0.1,0.1,0.9\n0,-0.2,0,1\n";
    let both = format!("{one}1,0.9,0.1,0\n1,1.1,0,0.2\n1,1,-0.1,-0.2\n");
    let spec = |vars: &str, said: &str| {
        format!(
            "columns = {{ s = \"ref:s\", x = \"1\", y = \"1\", z = \"1\" }}\n[vars]\n{vars}\n\
             [terms.fit]\nkind = \"expr\"\nover = \"d\"\n{said}\n"
        )
    };
    let cases = [
        (one, "kind = \"sphere\", init = [0.1, 0.1, 0.9]", "m"),
        (one, "dim = 3, bounds = [0.05, 2.0], init = 0.5", "m"),
        (
            &both,
            "per = \"s\", kind = \"sphere\", init = [0.5, 0.1, 0.5]",
            "m[s]",
        ),
        (
            &both,
            "per = \"s\", dim = 3, init = 0.5, bounds = [0.05, 2.0]",
            "m[s]",
        ),
    ];
    for (csv, vars, m) in cases {
        let vars = format!("m = {{ {vars} }}");
        let r = format!("({m} - vec(x, y, z)) / 0.1");
        let square = spec(&vars, &format!("residual = \"{r}\"\nsigma = \"1\""));
        let energy = spec(&vars, &format!("energy = \"dot({r}, {r})\""));
        let [one, other] = [square, energy].map(|spec| {
            let (_, found) = over_table(csv, &spec);
            assert!(
                found.status.iter().all(|s| *s == Status::Converged),
                "{spec}"
            );
            found.deviations.unwrap().of_variables[0].clone()
        });
        assert_eq!(one.len(), other.len(), "{vars}");
        for (a, b) in one.iter().zip(&other) {
            assert!(
                (a - b).abs() < 1e-4 * (1.0 + a),
                "{vars}: {one:?} {other:?}"
            );
        }
        assert!(one.iter().all(|sd| sd.is_finite() && *sd < 0.2), "{one:?}");
    }
}

#[test]
fn columns_of_another_table_are_read_by_one_of_several_references() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("pts.csv", "point,x\n10,1\n20,4\n30,9\n");
    write("d.csv", "i,j,d\n10,20,6\n20,30,10\n10,30,16\n");
    write(
        "own.toml",
        r#"
        fitrun = 1
        [data.pts]
        file = "pts.csv"
        index = "point"
        columns = { point = "id", x = "1" }
        [data.d]
        file = "d.csv"
        columns = { i = "ref:point", j = "ref:point", d = "1" }
        [vars]
        s = { init = 1.0 }
        [terms.fit]
        kind = "expr"
        over = "d"
        residual = "s * (pts.x[j] - pts.x[i]) - d"
        "#,
    );
    let checked = check_file(&folder.path().join("own.toml"), &[]);
    let found = fit(&checked);
    assert!((values(&checked, &found, "s")[0] - 2.0).abs() < 1e-12);
}

#[test]
fn a_variable_at_its_bound_says_so_and_the_others_are_as_if_it_were_held() {
    let csv = "x,y\n0,1.1\n1,2.9\n2,5.2\n3,6.9\n";
    let spec = |a: &str, residual: &str| {
        format!(
            "columns = {{ x = \"1\", y = \"1\" }}\n[vars]\n{a}\nb = {{ init = 0.0 }}\n\
             [terms.line]\nkind = \"expr\"\nresidual = \"{residual}\"\nsigma = \"1\"\n"
        )
    };
    let bounded = spec("a = { init = 2.5, bounds = [2.0, 3.0] }", "a + b * x - y");
    let held = spec("", "2 + b * x - y");
    let [one, other] = [bounded, held].map(|spec| {
        let (checked, found) = over_table(csv, &spec);
        parameters(&checked.problem, &found)
    });
    let (a, b, alone) = (&one[0], &one[1], &other[0]);
    assert!(a.at_bound && a.value == 2.0 && !b.at_bound, "{one:?}");
    assert!((b.value - alone.value).abs() < 1e-9);
    assert!((b.deviation.unwrap() - alone.deviation.unwrap()).abs() < 1e-9);
}
