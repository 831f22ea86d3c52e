"""Many small curve fits with SciPy beside fitrun, in one run.

    pip install numpy scipy
    python3 benches/peers/curves.py FITRUN [CURVES] [POINTS]

Each of CURVES decays y = a exp(-b t) + c has POINTS noisy points. FITRUN solves them as one spec with
variables `per = "sample"`; SciPy's `least_squares` solves a hundred of them, once as it is called by default and
once with the analytic Jacobian by MINPACK (method `lm`), and its time is scaled. Prints seconds of solving,
curves a second, and the largest difference of any parameter.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

SPEC = """
fitrun = 1
output = { write = ["params.npz"], plots = [] }
[data.decays]
file = "decays.csv"
columns = { sample = "ref:sample", t = "s", y = "1" }
[vars]
a = { per = "sample", init = 1.0 }
b = { per = "sample", init = "1 Hz" }
c = { per = "sample", init = 0.0 }
[terms.fit]
kind = "expr"
residual = "a[sample] * exp(-b[sample] * t) + c[sample] - y"
"""
COMPARED = 100


def main():
    binary = Path(sys.argv[1]).resolve()
    curves = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    points = int(sys.argv[3]) if len(sys.argv) > 3 else 50
    rng = np.random.default_rng(1)
    t = np.linspace(0, 4, points, endpoint=False)
    truth = np.stack([rng.uniform(1, 3, curves), rng.uniform(0.5, 2, curves), rng.uniform(-1, 1, curves)], 1)
    y = truth[:, :1] * np.exp(-truth[:, 1:2] * t) + truth[:, 2:] + rng.normal(0, 0.02, (curves, points))
    y = np.round(y, 6)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        sample = np.repeat(np.arange(curves), points)
        table = np.stack([sample, np.tile(t, curves), y.ravel()], 1)
        np.savetxt(folder / "decays.csv", table, delimiter=",", header="sample,t,y", comments="", fmt=["%d", "%.6f", "%.6f"])
        (folder / "decays.toml").write_text(SPEC)
        subprocess.run([binary, "decays.toml", "--out", "run"], cwd=folder, check=True, stderr=subprocess.DEVNULL)
        record = json.loads((folder / "run" / "run.json").read_text())
        params = np.load(folder / "run" / "params.npz")
        ours = np.stack([params[name].ravel() for name in "abc"], 1)
    seconds = record["seconds"]["solve"]
    jacobian = lambda p: np.stack([np.exp(-p[1] * t), -p[0] * t * np.exp(-p[1] * t), np.ones_like(t)], 1)
    print(f"fitrun          {seconds:8.2f} s   {curves / seconds:9.0f} curves/s   {record['converged']} of {curves} converged")
    for name, said in [("SciPy, default", {}), ("SciPy, MINPACK", dict(jac=jacobian, method="lm", xtol=1e-12, ftol=1e-12))]:
        begun = time.perf_counter()
        theirs = []
        for k in range(COMPARED):
            residual = lambda p: p[0] * np.exp(-p[1] * t) + p[2] - y[k]
            theirs.append(least_squares(residual, [1.0, 1.0, 0.0], **said).x)
        scaled = (time.perf_counter() - begun) * curves / COMPARED
        print(f"{name}  {scaled:8.2f} s   {curves / scaled:9.0f} curves/s   {scaled / seconds:.1f} times as long")
    print(f"largest difference of a parameter: {np.abs(ours[:COMPARED] - np.array(theirs)).max():.1e}")


main()
