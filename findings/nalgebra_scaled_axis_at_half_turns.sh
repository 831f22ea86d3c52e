#!/usr/bin/env bash
# nalgebra 0.35.0 (crate): Rotation3::scaled_axis takes the axis from the skew part of the matrix alone,
# which vanishes at half turns. So a matrix that is an exact half turn gives the zero vector, the vector
# of no rotation at all, and axis_angle() gives None, though its text says that angles go up to pi and
# None is for zero. (That axis() is None at pi is said.) An entry three units in the last place off, and
# the vector is as long as pi about an axis that is not the rotation's. At pi - 1e-8 the vector is close
# but, turned back into a matrix, off by 1e-8. UnitQuaternion::from_rotation_matrix and then
# scaled_axis() is right in all of them, and the way to write a file of Rodrigues vectors.
#
# Output seen with nalgebra 0.35.0, rustc 1.95.0, x86-64 (off: the greatest error of an entry of the
# matrix when the vector is turned back, by Rotation3 and by UnitQuaternion):
#   pi, x:           Rotation3 (0.00 0.00 0.00), UnitQuaternion (3.14 0.00 0.00), off 2e0 and 1e-16
#   pi, y:           Rotation3 (0.00 0.00 0.00), UnitQuaternion (0.00 3.14 0.00), off 2e0 and 1e-16
#   pi, z:           Rotation3 (0.00 0.00 0.00), UnitQuaternion (0.00 0.00 3.14), off 2e0 and 1e-16
#   pi, xyz:         Rotation3 (0.00 0.00 0.00), UnitQuaternion (1.81 1.81 1.81), off 1e0 and 6e-16
#   pi, xyz, 3 ulps: Rotation3 (3.14 0.00 0.00), UnitQuaternion (1.81 1.81 1.81), off 1e0 and 1e-15
#   pi - 1e-8, x:    Rotation3 (3.14 0.00 0.00), UnitQuaternion (3.14 0.00 0.00), off 1e-8 and 0e0
#   pi - 1e-8, y:    Rotation3 (0.00 3.14 0.00), UnitQuaternion (0.00 3.14 0.00), off 1e-8 and 0e0
#   pi - 1e-8, z:    Rotation3 (0.00 0.00 3.14), UnitQuaternion (0.00 0.00 3.14), off 1e-8 and 0e0
#   pi - 1e-8, xyz:  Rotation3 (1.81 1.81 1.81), UnitQuaternion (1.81 1.81 1.81), off 9e-9 and 6e-16
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat > "$folder/Cargo.toml" <<'TOML'
[package]
name = "half_turns"
version = "0.0.0"
edition = "2021"

[dependencies]
nalgebra = "=0.35.0"

[workspace]
TOML
cat > "$folder/src/main.rs" <<'RS'
use nalgebra::{Matrix3, Rotation3, Unit, UnitQuaternion, Vector3};
use std::f64::consts::PI;

fn both(name: &str, rotation: &Rotation3<f64>, right: Vector3<f64>) -> (Vector3<f64>, f64) {
    let plain = rotation.scaled_axis();
    let by_quaternion = UnitQuaternion::from_rotation_matrix(rotation).scaled_axis();
    let off = |v: Vector3<f64>| (Rotation3::new(v).matrix() - rotation.matrix()).abs().max();
    let show = |v: Vector3<f64>| format!("({:.2} {:.2} {:.2})", v.x, v.y, v.z);
    println!(
        "{:<17}Rotation3 {}, UnitQuaternion {}, off {:.0e} and {:.0e}",
        format!("{name}:"), show(plain), show(by_quaternion), off(plain), off(by_quaternion)
    );
    assert!((by_quaternion - right).norm() < 1e-12, "the quaternion is off");
    (plain, off(plain))
}

fn main() {
    let diagonal = Vector3::new(1.0, 1.0, 1.0).normalize();
    let axes = [("x", Vector3::x()), ("y", Vector3::y()), ("z", Vector3::z()), ("xyz", diagonal)];
    for (name, axis) in axes {
        let m = axis * axis.transpose() * 2.0 - Matrix3::identity();
        let rotation = Rotation3::from_matrix_unchecked(m);
        let (plain, off) = both(&format!("pi, {name}"), &rotation, axis * PI);
        assert!(rotation.axis_angle().is_none(), "a half turn now has an axis and an angle");
        assert!(plain == Vector3::zeros() && off > 1.0, "a half turn is no longer zero");
    }
    let mut m = diagonal * diagonal.transpose() * 2.0 - Matrix3::identity();
    m[(2, 1)] = m[(2, 1)].next_up().next_up().next_up();
    let (plain, off) = both("pi, xyz, 3 ulps", &Rotation3::from_matrix_unchecked(m), diagonal * PI);
    assert!((plain - Vector3::x() * PI).norm() < 1e-6 && off > 1.0, "the axis is no longer x");
    for (name, axis) in axes {
        let rotation = Rotation3::from_axis_angle(&Unit::new_normalize(axis), PI - 1e-8);
        let (_, off) = both(&format!("pi - 1e-8, {name}"), &rotation, axis * (PI - 1e-8));
        assert!(off > 1e-9 && off < 1e-7, "the error near a half turn has changed");
    }
}
RS
cargo run --quiet --manifest-path "$folder/Cargo.toml" --target-dir "$folder/target"
