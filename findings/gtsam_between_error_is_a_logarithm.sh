#!/usr/bin/env bash
# gtsam 4.3.0 (pip), numpy 2.x: the error of BetweenFactorPose2 and BetweenFactorPose3 is the logarithm
# of measured⁻¹ (x_i⁻¹ x_j), whose translation is V⁻¹(angle) times that of the pose. The EDGE_SE2 and
# EDGE_SE3:QUAT records that readG2o takes come from g2o, whose edges compare the translation itself.
# So the same file has another χ², and another optimum, than where it comes from: one edge whose angle
# is off by 0.4 rad differs by 0.3 % here.
#
# Output seen with gtsam 4.3.0:
#   plane: gtsam 0.1053, logarithm 0.1053, difference 0.1050
#   space: gtsam 0.1053, logarithm 0.1053, difference 0.1050
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "gtsam==4.3.0" "numpy>=2,<3"
"$folder/venv/bin/python" - <<'PY'
import math

import gtsam
import numpy as np

angle, measured, moved = 0.5, np.array([1.0, 0.0]), np.array([1.2, 0.1])
off = 0.9 - angle
back = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
t = back @ (moved - measured)
along, across = off / 2 / math.tan(off / 2), off / 2
rho = np.array([[along, across], [-across, along]]) @ t
by_logarithm = (rho @ rho + off**2) / 2
by_difference = (t @ t + off**2) / 2

graph, values = gtsam.NonlinearFactorGraph(), gtsam.Values()
unit = gtsam.noiseModel.Unit.Create(3)
graph.add(gtsam.BetweenFactorPose2(0, 1, gtsam.Pose2(*measured, angle), unit))
values.insert(0, gtsam.Pose2())
values.insert(1, gtsam.Pose2(*moved, 0.9))
in_plane = graph.error(values)

graph, values = gtsam.NonlinearFactorGraph(), gtsam.Values()
unit = gtsam.noiseModel.Unit.Create(6)
pose = lambda a, p: gtsam.Pose3(gtsam.Rot3.Rz(a), np.array([*p, 0.0]))
graph.add(gtsam.BetweenFactorPose3(0, 1, pose(angle, measured), unit))
values.insert(0, gtsam.Pose3())
values.insert(1, pose(0.9, moved))
in_space = graph.error(values)

for name, error in (("plane", in_plane), ("space", in_space)):
    print(f"{name}: gtsam {error:.4f}, logarithm {by_logarithm:.4f}, difference {by_difference:.4f}")
    assert abs(error - by_logarithm) < 1e-9, "the error is no longer the logarithm"
    assert abs(error - by_difference) > 1e-4, "the two errors no longer differ"
PY
