"""Pose graphs by fitrun and by GTSAM, by turns: the same cost, and the time that each takes.

    pip install gtsam==4.3.0
    python benches/peers/pose_graphs.py target/release/fitrun FOLDER_OF_G2O_FILES [RUNS]

GTSAM runs Gauss and Newton's method with its own defaults; a prior of variance 1e-12 holds its first
pose, as `[[gauge]]` does here. Both read the file each time; times are of reading and solving, CPU seconds.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import gtsam

PLANE = """
fitrun = 1
[data.edge]
file = "{file}"
[vars]
place = {{ per = "vertex", init = "vec(vertex.x, vertex.y)" }}
angle = {{ per = "vertex", init = "vertex.theta" }}
[[gauge]]
hold = ["place[0]", "angle[0]"]
[terms.odometry]
kind = "expr"
over = "edge"
residual = '''
  let moved = rot2(-angle[i]) * (place[j] - place[i]) - vec(x, y)
  sqrt_info * log_se2(angle[j] - angle[i] - theta, rot2(-theta) * moved)
'''
"""

SPACE = """
fitrun = 1
[data.edge]
file = "{file}"
[vars]
R = {{ kind = "so3", per = "vertex", init = "vertex.r" }}
p = {{ per = "vertex", init = "vertex.t" }}
[[gauge]]
hold = ["p[0]", "R[0]"]
[terms.odometry]
kind = "expr"
over = "edge"
residual = '''
  let inverse = transpose(R[i])
  let moved = transpose(r) * (inverse * (p[j] - p[i]) - t)
  sqrt_info * log_se3(transpose(r) * inverse * R[j], moved)
'''
"""


def by_fitrun(program, path, space, folder):
    spec = os.path.join(folder, "graph.toml")
    with open(spec, "w") as file:
        file.write((SPACE if space else PLANE).format(file=path))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = os.path.join(folder, "run")
    subprocess.run([program, spec, "--force", "--quiet", "--out", out], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    with open(os.path.join(out, "run.json")) as file:
        record = json.load(file)
    return record["cost"] / 2, record["stages"][0]["iterations"]["total"], cpu


def by_gtsam(path, space):
    begun = time.process_time()
    graph, start = gtsam.readG2o(path, space)
    noise = gtsam.noiseModel.Diagonal.Variances([1e-12] * (6 if space else 3))
    prior = gtsam.PriorFactorPose3 if space else gtsam.PriorFactorPose2
    pose = start.atPose3(0) if space else start.atPose2(0)
    graph.add(prior(0, pose, noise))
    optimizer = gtsam.GaussNewtonOptimizer(graph, start, gtsam.GaussNewtonParams())
    cost = graph.error(optimizer.optimize())
    return cost, optimizer.iterations(), time.process_time() - begun


def main():
    program, folder = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    print(f"{'graph':16} {'':8} {'half of E':>16} {'iterations':>10} {'CPU s':>8}")
    for name in sorted(n for n in os.listdir(folder) if n.endswith(".g2o")):
        path = os.path.join(folder, name)
        with open(path) as file:
            space = "SE3" in file.readline()
        ours, theirs = [], []
        with tempfile.TemporaryDirectory() as scratch:
            for _ in range(runs):
                ours.append(by_fitrun(program, path, space, scratch))
                theirs.append(by_gtsam(path, space))
        for who, found in (("fitrun", ours), ("gtsam", theirs)):
            seconds = statistics.median(f[2] for f in found)
            print(f"{name:16} {who:8} {found[0][0]:16.6f} {found[0][1]:10} {seconds:8.3f}")


main()
