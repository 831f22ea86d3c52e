"""A bundle adjustment by fitrun and by GTSAM, by turns: the same cost, and the time that each takes.

    pip install gtsam==4.3.0
    python benches/peers/bundle.py target/release/fitrun FOLDER [RUNS]

FOLDER holds `cameras.csv` (rotation vectors, translations; x_cam = R X + t), `points.csv`, `observations.csv`
(camera, point, u, v) and `intrinsics.csv` (f, cx, cy, k1, k2, k3, p1, p2; k3 is 0). Intrinsics and the first
camera are fixed. GTSAM runs Levenberg and Marquardt's method with its own defaults, but a relative tolerance of
1e-10. Times are of reading and solving, CPU seconds.
"""

import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import gtsam
import numpy as np

SPEC = """
fitrun = 1
output = {{ write = ["params.npz"], plots = [] }}
[data.seen]
file = "{folder}/observations.csv"
columns = {{ camera = "ref:camera", point = "ref:point", u = "px", v = "px" }}
[data.cameras]
file = "{folder}/cameras.csv"
index = "camera"
columns = {{ rx = "rad", ry = "rad", rz = "rad", tx = "m", ty = "m", tz = "m" }}
[data.points]
file = "{folder}/points.csv"
index = "point"
columns = {{ x = "m", y = "m", z = "m" }}
[vars]
R = {{ kind = "so3", per = "camera", init = "exp_so3(vec(cameras.rx, cameras.ry, cameras.rz))" }}
t = {{ per = "camera", init = "vec(cameras.tx, cameras.ty, cameras.tz)" }}
X = {{ per = "point", init = "vec(points.x, points.y, points.z)" }}
[[gauge]]
hold = ["R[0]", "t[0]"]
[terms.reprojection]
kind = "expr"
over = "seen"
residual = '''
  let p = R[camera] * X[point] + t[camera]
  let n = p.xy / p.z
  let s = dot(n, n)
  let bend = 1 + {k1} * s + {k2} * s^2
  let across = 2 * {p1} * n.x * n.y + {p2} * (s + 2 * n.x^2)
  let along = {p1} * (s + 2 * n.y^2) + 2 * {p2} * n.x * n.y
  {f} px * (bend * n + vec(across, along)) + vec({cx} px - u, {cy} px - v)
'''
sigma = "1 px"
"""


def rows(folder, name):
    with open(os.path.join(folder, name)) as file:
        return [{key: float(x) for key, x in row.items()} for row in csv.DictReader(file)]


def by_fitrun(program, data, folder):
    spec = os.path.join(folder, "bundle.toml")
    inner = {name: repr(x) for name, x in rows(data, "intrinsics.csv")[0].items()}
    with open(spec, "w") as file:
        file.write(SPEC.format(folder=os.path.abspath(data), **inner))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([program, spec, "--out", os.path.join(folder, "run"), "--force"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(os.path.join(folder, "run", "run.json")) as file:
        record = json.load(file)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return record["cost"] / 2, record["stages"][0]["iterations"]["total"], seconds


def by_gtsam(data):
    begun = time.process_time()
    k = rows(data, "intrinsics.csv")[0]
    lens = gtsam.Cal3DS2(k["f"], k["f"], 0.0, k["cx"], k["cy"], k["k1"], k["k2"], k["p1"], k["p2"])
    start, graph = gtsam.Values(), gtsam.NonlinearFactorGraph()
    cameras = rows(data, "cameras.csv")
    for i, c in enumerate(cameras):
        turn = gtsam.Rot3.Expmap(np.array([c["rx"], c["ry"], c["rz"]]))
        camera = gtsam.Pose3(turn, np.array([c["tx"], c["ty"], c["tz"]])).inverse()
        start.insert(gtsam.symbol("c", i), camera)
        if i == 0:
            graph.add(gtsam.PriorFactorPose3(gtsam.symbol("c", 0), camera, gtsam.noiseModel.Isotropic.Sigma(6, 1e-6)))
    for j, p in enumerate(rows(data, "points.csv")):
        start.insert(gtsam.symbol("p", j), np.array([p["x"], p["y"], p["z"]]))
    noise = gtsam.noiseModel.Isotropic.Sigma(2, 1.0)
    for o in rows(data, "observations.csv"):
        seen = np.array([o["u"], o["v"]])
        keys = gtsam.symbol("c", int(o["camera"])), gtsam.symbol("p", int(o["point"]))
        graph.add(gtsam.GenericProjectionFactorCal3DS2(seen, noise, *keys, lens))
    settings = gtsam.LevenbergMarquardtParams()
    settings.setRelativeErrorTol(1e-10)
    optimizer = gtsam.LevenbergMarquardtOptimizer(graph, start, settings)
    found = optimizer.optimize()
    return graph.error(found), optimizer.iterations(), time.process_time() - begun


def main():
    program, data = sys.argv[1], sys.argv[2]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            ours.append(by_fitrun(program, data, folder))
            theirs.append(by_gtsam(data))
    print(f"{'':8} {'half of E':>14} {'iterations':>10} {'CPU s':>8}")
    for name, found in [("fitrun", ours), ("gtsam", theirs)]:
        print(f"{name:8} {found[0][0]:14.6f} {found[0][1]:10} {statistics.median(f[2] for f in found):8.3f}")


if __name__ == "__main__":
    main()
