//! The programs of `examples/` that show the library run to their end, where they check what they found.

#[path = "../examples/in_code.rs"]
mod in_code;
#[path = "../examples/own_objective.rs"]
mod own_objective;

#[test]
fn circles_are_found_by_an_objective_of_ones_own() {
    own_objective::main();
}

#[test]
fn a_problem_written_in_code_is_checked_and_fitted() {
    in_code::main().unwrap();
}
