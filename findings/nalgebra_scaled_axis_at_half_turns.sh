#!/usr/bin/env bash
# nalgebra 0.35.0 (Rust): Rotation3::scaled_axis of a half turn. The axis comes from what is off the
# matrix's diagonal, R - R', which vanishes at half turns: an exact one gives the zero vector, which is no
# turn at all, and one that is a rounding error away gives an axis of noise. UnitQuaternion::scaled_axis
# of the same matrix gives the right vector. So a rotation that is written as a Rodrigues vector by way of
# Rotation3 is lost where cameras face each other.
#
# Output seen with nalgebra 0.35.0:
#   half turn about x: Rotation3 [0, 0, 0], UnitQuaternion [3.141593, 0, 0]
#   half turn about z: Rotation3 [0, 0, 0], UnitQuaternion [0, 0, 3.141593]
#   quarter turn about z: Rotation3 [0, 0, 1.570796], UnitQuaternion [0, 0, 1.570796]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat > "$folder/Cargo.toml" <<'TOML'
[package]
name = "half_turns"
version = "0.0.0"
edition = "2024"

[dependencies]
nalgebra = "=0.35.0"
TOML
cat > "$folder/src/main.rs" <<'RUST'
use nalgebra::{Matrix3, Rotation3, UnitQuaternion, Vector3};

fn both(name: &str, matrix: Matrix3<f64>) -> [Vector3<f64>; 2] {
    let rotation = Rotation3::from_matrix_unchecked(matrix);
    let found = [
        rotation.scaled_axis(),
        UnitQuaternion::from_rotation_matrix(&rotation).scaled_axis(),
    ];
    let text = found.map(|w| {
        let numbers = w.iter().map(|x| (1e6 * x).round() / 1e6 + 0.0);
        let numbers: Vec<String> = numbers.map(|x| x.to_string()).collect();
        format!("[{}]", numbers.join(", "))
    });
    println!("{name}: Rotation3 {}, UnitQuaternion {}", text[0], text[1]);
    found
}

fn main() {
    let half = |signs: [f64; 3]| Matrix3::from_diagonal(&Vector3::from(signs));
    let turn = std::f64::consts::PI;
    let x = both("half turn about x", half([1.0, -1.0, -1.0]));
    let z = both("half turn about z", half([-1.0, -1.0, 1.0]));
    let quarter = Matrix3::new(0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0);
    let q = both("quarter turn about z", quarter);
    assert!(x[0].norm() == 0.0 && z[0].norm() == 0.0);
    assert!((x[1] - Vector3::x() * turn).norm() < 1e-12);
    assert!((z[1] - Vector3::z() * turn).norm() < 1e-12);
    assert!(q.iter().all(|w| (w - Vector3::z() * turn / 2.0).norm() < 1e-12));
}
RUST
cargo run --quiet --manifest-path "$folder/Cargo.toml" --target-dir "$folder/target"
