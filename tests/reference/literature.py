"""Holds the energies of specs/compare/ against NumPy: every term of every case, where its fit ended.

    python3 tests/reference/literature.py target/release/fitrun

Poses are decoded and joints placed here a second time, by the published formulas; pixels and markers are
taken from points.csv (reference.rs holds them against NumPy), which gives metres to the micrometre, so that
energies of markers meet to 1e-4, all others to 1e-6. Gradients: `fitrun gradcheck SPEC`.
"""

import csv
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from make import ASSETS, Body, Mixture, geman_mcclure, rodrigues, safetensors

SPECS = Path(__file__).resolve().parent.parent.parent / "specs" / "compare"
UNITS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "px": 1.0}


def quantity(value):
    if isinstance(value, (int, float)):
        return float(value)
    number, unit = value.split()
    return float(number) * UNITS[unit] if unit != "%height" else ("height", float(number) / 100)


class VPoser:
    """VPoser 2's decoder and its six numbers a joint to matrices: columns b1, b2, b1 × b2."""

    def __init__(self, path):
        self.tensors = {k: v.astype(np.float64) for k, v in safetensors(path).items()}

    def decode(self, z):
        t = self.tensors
        prefix = next(k for k in t if k.endswith("decoder_net.0.weight"))[: -len("0.weight")]
        for layer, leaky in (("0", True), ("3", True), ("5", False)):
            z = t[prefix + layer + ".weight"] @ z + t[prefix + layer + ".bias"]
            z = np.where(z > 0, z, 0.01 * z) if leaky else z
        turns = []
        for six in z.reshape(21, 3, 2):
            b1 = six[:, 0] / np.linalg.norm(six[:, 0])
            b2 = six[:, 1] - (b1 @ six[:, 1]) * b1
            b2 /= np.linalg.norm(b2)
            turns.append(np.stack([b1, b2, np.cross(b1, b2)], axis=1))
        return np.array(turns)


def points(path):
    found = defaultdict(list)
    for row in csv.DictReader(open(path)):
        if row["held_out"] == "0" and row["observed_x"] and float(row["confidence"]) > 0:
            axes = "xyz" if row["unit"] == "m" else "xy"
            pair = [[float(row[f"{side}_{a}"]) for a in axes] for side in ("observed", "predicted")]
            found[row["term"]].append((float(row["confidence"]), *map(np.array, pair)))
    return found


def of_points(term, rows, height):
    sigma = quantity(term["sigma"])
    sigma = sigma[1] * height if isinstance(sigma, tuple) else sigma
    robust = term.get("robust", {"kind": "none"})
    robust = {"kind": robust} if isinstance(robust, str) else robust
    total = 0.0
    for confidence, observed, predicted in rows:
        r = predicted - observed
        s = r**2 if robust.get("on") == "coordinate" else np.array([r @ r])
        s = s / sigma**2
        if robust["kind"] == "geman_mcclure":
            s = geman_mcclure(s, quantity(robust["scale"]) / sigma)
        total += confidence ** term["conf_power"] * s.sum()
    return term["weight"] * total


def bending(pose):
    bent = [(52, 1), (55, -1), (9, -1), (12, -1)]
    return sum(np.exp(sign * pose[at]) ** 2 for at, sign in bent)


def energies(folder, record, body, mixture, vposer, height):
    spec, params = record["spec"], np.load(folder / "params.npz")
    known = points(folder / "points.csv")
    frames, betas = len(params["cost"]), params["betas"]
    walk = np.load(SPECS.parent / "fit" / "walk.npz")
    found, off, placed = {}, 0.0, []
    for f in range(frames):
        turn = params["pose_body"][f]
        if "z" in params:
            turns = vposer.decode(params["z"][f])
            off = max(off, max(np.abs(rodrigues(turn[3 * j : 3 * j + 3]) - turns[j]).max() for j in range(21)))
        joints = body.pose(betas, params["root_orient"][f], turn, params["trans"][f])[1]
        off = max(off, np.abs(joints - params["joints"][f]).max())
        seen = np.isfinite(walk["joints"][f]).all(axis=-1)
        placed += [(1.0, walk["joints"][f, j], joints[j]) for j in range(22) if seen[j]]
    for name in record["terms"]:
        term = spec["terms"][name]
        weight = term.get("weight", 1.0)
        if term.get("source") == "joints":
            found[name] = of_points(term, placed, height) if name in known else 0.0
        elif name in known or term["kind"] == "points":
            found[name] = of_points(term, known[name], height)
        elif term["kind"] == "prior" and "z" in params:
            found[name] = weight * (params["z"] ** 2).sum()
        elif term["kind"] == "prior":
            found[name] = weight * sum(mixture.energy(p) for p in params["pose_body"])
        elif name == "shape":
            found[name] = weight * (betas**2).sum() / quantity(term["sigma"]) ** 2
        elif name == "offsets":
            found[name] = weight * (params["marker_offset"] ** 2).sum() / quantity(term["sigma"]) ** 2
        elif term["kind"] == "bending":
            found[name] = weight * sum(bending(p) for p in params["pose_body"])
    return found, off


def main(program):
    body = Body(ASSETS / "body" / "builtin.npz")
    mixture = Mixture(ASSETS / "priors" / "gmm.safetensors")
    vposer = VPoser(ASSETS / "priors" / "vposer.safetensors")
    worst = 0.0
    for spec in ("ik_joints", "ik_markers", "mosh", "smplify"):
        with tempfile.TemporaryDirectory() as out:
            sets = ["solve.precision=f64", "data.targets.frames=0..8", "data.truth.frames=0..8"]
            sets = sets if spec == "ik_joints" else sets[:1]
            arguments = [x for s in sets for x in ("--set", s)]
            command = [program, "compare", SPECS / f"{spec}.toml", "--out", out, "--quiet", "--json", *arguments]
            found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            for run in found["runs"]:
                folder = Path(run["dir"])
                record = json.loads((folder / "run.json").read_text())
                ours, off = energies(folder, record, body, mixture, vposer, 960)
                assert off < 1e-6, (spec, run["method"], off)
                for name, expected in ours.items():
                    error = abs(record["terms"][name] - expected) / max(abs(expected), 1e-9)
                    allowed = 1e-4 if name == "markers" else 1e-6
                    worst = max(worst, error / allowed)
                    said = f"{spec} {run['method']} {name}: {record['terms'][name]:.9g} {expected:.9g} {error:.1e}"
                    print(said, "" if error < allowed else "  <-- off")
    print(f"largest difference: {worst:.2g} of what is allowed")
    sys.exit(int(worst > 1))


if __name__ == "__main__":
    main(sys.argv[1])
