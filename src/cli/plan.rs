//! `fitrun plan`: what a fit will take, before it is run, beside what the last run took.

use std::process::ExitCode;

use fitrun::StagePlan;
use serde_json::Value;

use super::SpecArgs;
use super::progress::Bar;

pub(super) fn main(args: &SpecArgs) -> ExitCode {
    let checked = match fitrun::check(&args.spec, &args.common.options()) {
        Ok(checked) => checked,
        Err(error) => return args.common.fail(&error),
    };
    args.common.print(&checked.diagnostics, checked.sources());
    let last = checked.last_record();
    let inputs = fitrun::peak_memory_mb().unwrap_or(0.0);
    let mut bar = Bar::new();
    let stages = fitrun::plan(&checked.problem, &mut |event| {
        bar.show(&event);
        true
    });
    bar.clear();
    let of_last = last.as_ref().and_then(|record| record["stages"].as_array());
    for stage in &stages {
        let mut of_last = of_last.into_iter().flatten();
        print(stage, of_last.find(|s| s["name"] == stage.name.as_str()));
    }
    let seconds: f64 = stages.iter().map(|s| s.seconds).sum();
    let memory = stages.iter().map(|s| s.memory_mb).fold(0.0, f64::max);
    println!(
        "all stages: about {}, {:.0} MB of memory, {:.0} of them for what was read{}",
        time(seconds),
        inputs + memory,
        inputs,
        match &last {
            Some(record) => format!(
                "; the last run solved in {} with {:.0} MB",
                time(record["seconds"]["solve"].as_f64().unwrap_or(0.0)),
                record["peak_memory_mb"].as_f64().unwrap_or(0.0)
            ),
            None => String::new(),
        }
    );
    ExitCode::SUCCESS
}

fn print(stage: &StagePlan, happened: Option<&Value>) {
    if let Some(tables) = &stage.tables {
        return print_tables(stage, tables, happened);
    }
    let (own, shared) = stage.unknowns;
    let (unknowns, structure) = match stage.joint {
        None => (
            format!("{} × {own} unknowns", stage.frames),
            format!("each {} on its own", stage.axis),
        ),
        Some(width) => (
            match shared {
                0 => format!("{} × {own} unknowns", stage.frames),
                _ => format!("{} × {own} + {shared} unknowns", stage.frames),
            },
            match stage.window < stage.frames {
                true => format!(
                    "{}, in windows of {} frames",
                    tied(width, shared),
                    stage.window
                ),
                false => format!("one problem: {}", tied(width, shared)),
            },
        ),
    };
    println!(
        "{}: {}, {unknowns}, {structure}",
        stage.name,
        stage.method.name()
    );
    println!(
        "  a {}'s JᵀJ is {} multiply-adds, its factor {}, its directions {} of memory",
        stage.axis,
        thousands(stage.products.0),
        thousands(stage.products.1),
        bytes(stage.bytes)
    );
    let [cost, gradient, normal] = stage.evaluation.map(time);
    println!(
        "  a {}'s cost takes {cost} of a thread, with its gradient {gradient}, with JᵀJ {normal}",
        stage.axis
    );
    let took = happened.map(|stage| {
        let count = |key: &str| stage[key].as_f64().unwrap_or(0.0);
        let per = match stage["coupling"].as_str() {
            Some("joint") => 1.0,
            _ => count("frames").max(1.0),
        };
        let iterations = stage["iterations"]["total"].as_f64().unwrap_or(0.0);
        format!(
            "; the last run took {:.0} and {}",
            (iterations / per).ceil(),
            time(count("seconds"))
        )
    });
    println!(
        "  the first {} {}s took {:.0} iterations{}, so that all take about {}{}",
        stage.fitted,
        stage.axis,
        stage.iterations.ceil(),
        if stage.joint.is_some() { "" } else { " each" },
        time(stage.seconds),
        took.unwrap_or_default()
    );
    if !stage.open.is_empty() {
        println!("  no term says anything of {}", stage.open_in_words());
    }
}

fn print_tables(stage: &StagePlan, tables: &str, happened: Option<&Value>) {
    println!("{}: {}, {tables}", stage.name, stage.method.name());
    let [cost, gradient, normal] = stage.evaluation.map(time);
    println!(
        "  the cost takes {cost} of a thread, with its gradient {gradient}, with JᵀJ {normal}"
    );
    let took = happened.map(|stage| {
        let seconds = stage["seconds"].as_f64().unwrap_or(0.0);
        let iterations = stage["iterations"]["total"].as_f64().unwrap_or(0.0);
        format!("; the last run took {iterations:.0} and {}", time(seconds))
    });
    println!(
        "  a fit took {:.0} iterations and {}{}",
        stage.iterations,
        time(stage.seconds),
        took.unwrap_or_default()
    );
    if !stage.open.is_empty() {
        println!("  no term says anything of {}", stage.open_in_words());
    }
}

fn tied(width: usize, shared: usize) -> String {
    match (width, shared) {
        (0, _) => format!("frames that share {shared} unknowns"),
        (_, 0) => format!("frames tied to {width} on each side"),
        _ => format!("frames tied to {width} on each side, sharing {shared} unknowns"),
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-5 => format!("{:.1} µs", s * 1e6),
        s if s < 1e-3 => format!("{:.0} µs", s * 1e6),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 120.0 => format!("{s:.1} s"),
        s => format!("{:.0} min", s / 60.0),
    }
}

fn thousands(count: usize) -> String {
    match count {
        n if n < 10_000 => n.to_string(),
        n if n < 10_000_000 => format!("{} k", n / 1000),
        n => format!("{} M", n / 1_000_000),
    }
}

fn bytes(count: usize) -> String {
    format!("{:.0} kB", (count as f64 / 1e3).ceil())
}
