//! The programs of `examples/` that show the library run to their end, where they check what they found.

#[path = "../examples/in_code.rs"]
mod in_code;
#[path = "../examples/own_format.rs"]
mod own_format;
#[path = "../examples/own_function.rs"]
mod own_function;
#[path = "../examples/own_objective.rs"]
mod own_objective;
#[path = "../examples/own_prior.rs"]
mod own_prior;
#[path = "../examples/own_source.rs"]
mod own_source;
#[path = "../examples/own_term.rs"]
mod own_term;

#[test]
fn circles_are_found_by_an_objective_of_ones_own() {
    own_objective::main();
}

#[test]
fn a_problem_written_in_code_is_checked_and_fitted() {
    in_code::main().unwrap();
}

#[test]
fn what_a_program_adds_is_part_of_the_language() {
    own_function::main().unwrap();
    own_term::main().unwrap();
    own_source::main().unwrap();
    own_prior::main().unwrap();
    own_format::main().unwrap();
}

#[test]
fn every_program_is_short() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name.starts_with("own_") || name == "in_code" {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines < 80, "{name} has {lines} lines");
        }
    }
}
