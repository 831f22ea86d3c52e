"""Poses from joints with Eigen in C++ and with PyTorch beside fitrun, in one run.

    pip install numpy torch cmeel-eigen
    python3 benches/peers/poses.py FITRUN DATA [FRAMES] [ROUNDS]

FRAMES poses of `DATA/poses/val.npz`, as 22 joints on `DATA/body/body_mh_full.npz`, sigma 1 cm, with no prior and
with fitrun's own mixture. FITRUN takes stages `place` and `pose`; `poses.cpp` (compiled with g++, -O3
-march=native) is Levenberg and Marquardt's method a frame at a time, on two threads; PyTorch takes all frames as
one batch of `torch.optim.LBFGS`, whose line search they share, until it ends or has taken 200 iterations. All
begin at the torso's closed-form alignment. Prints medians of frames per second of solving, iterations, how many
frames converged, and the summed E.
"""

import json
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

SPEC = """
fitrun = 1
prior = "{prior}"
output = {{ write = ["params.npz"], plots = [] }}
stages = [
  {{ name = "place", free = ["root_orient", "trans"] }},
  {{ name = "pose", free = ["root_orient", "trans", "pose"] }},
]
[body]
model = '{body}'
[data.targets]
file = "joints.npz"
array = "joints"
axes = ["frame", "joint", "xyz"]
[vars]
betas.init = 0.0
[terms.data]
source = "joints"
target = "targets"
sigma = "1 cm"
"""
TORSO = [0, 1, 2, 3, 6, 9, 12, 13, 14, 16, 17]
JOINTS, SIGMA = 22, 0.01


def main():
    binary, data = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    frames = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    torch.set_num_threads(2)
    body = np.load(data / "body" / "body_mh_full.npz")
    parents = body["kintree_table"][0][:JOINTS].astype(np.int64)
    parents[0] = -1
    rest = (body["J_regressor"] @ body["v_template"])[:JOINTS]
    offsets = np.where(parents[:, None] < 0, rest, rest - rest[parents])
    targets = joints(data / "poses" / "val.npz", frames, torch.tensor(offsets), parents, rest[0])
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        program = compiled(folder)
        np.savez(folder / "joints.npz", joints=targets)
        print("prior   solver     frames/s   iterations   converged          E")
        for prior in ("none", "gmm"):
            components = mixture() if prior == "gmm" else []
            start = mode(components)
            write_work(folder / "work", parents, offsets, start, targets, components)
            (folder / "pose.toml").write_text(SPEC.format(prior=prior, body=data / "body" / "body_mh_full.npz"))
            peers = {
                "fitrun": lambda: fitted(binary, folder),
                "Eigen": lambda: [float(x) for x in subprocess.check_output([program, folder / "work", "2"]).split()],
                "PyTorch": lambda: descended(targets, torch.tensor(offsets), parents, start, components),
            }
            runs = {name: [] for name in peers}
            for _ in range(rounds):
                for name, run in peers.items():
                    runs[name].append(run())
            for name, of_peer in runs.items():
                rate, iterations, converged, energy = (statistics.median(x) for x in zip(*of_peer))
                print(f"{prior:7} {name:8} {rate:10.1f}   {iterations:10.1f}   {converged:9.0f}   {energy:10.2f}")


def compiled(folder):
    include = Path(np.__file__).parents[1] / "cmeel.prefix" / "include" / "eigen3"
    program = folder / "poses"
    flags = ["-O3", "-march=native", "-std=c++17", "-DNDEBUG", "-pthread", f"-I{include}"]
    subprocess.run(["g++", *flags, Path(__file__).with_name("poses.cpp"), "-o", program], check=True)
    return program


def fitted(binary, folder):
    command = [binary, "pose.toml", "--out", "run", "--force"]
    subprocess.run(command, cwd=folder, check=True, stderr=subprocess.DEVNULL)
    record = json.loads((folder / "run" / "run.json").read_text())
    iterations = sum(s["iterations"]["total"] for s in record["stages"]) / record["frames"]
    return record["frames"] / record["seconds"]["solve"], iterations, record["converged"], record["cost"]


def exponential(v):
    """Rotation matrices (…, 3, 3) of axis-angle vectors (…, 3) by Rodrigues' formula, smooth at zero."""
    angle2 = (v * v).sum(-1)[..., None, None]
    angle = torch.sqrt(angle2 + 1e-16)
    x, y, z = v.unbind(-1)
    zero = torch.zeros_like(x)
    hat = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*v.shape[:-1], 3, 3)
    half = torch.sin(angle / 2) / angle
    return torch.eye(3, dtype=v.dtype) + torch.sin(angle) / angle * hat + 2 * half * half * hat @ hat


def posed(root, trans, pose, offsets, parents):
    """Joints (frames, 22, 3) of roots (frames, 3, 3), translations and axis-angle poses (frames, 63)."""
    local = exponential(pose.reshape(len(pose), -1, 3))
    turns, points = [root], [offsets[0] + trans]
    for i in range(1, JOINTS):
        points.append(points[parents[i]] + (turns[parents[i]] @ offsets[i]))
        turns.append(turns[parents[i]] @ local[:, i - 1])
    return torch.stack(points, 1)


def joints(poses, frames, offsets, parents, pelvis):
    file = np.load(poses)
    unique = file["unique_idx"]
    at = unique[np.arange(frames) * (len(unique) - 1) // max(frames - 1, 1)]
    part = lambda name: torch.tensor(file[name][at], dtype=torch.float64)
    trans = part("trans") - torch.tensor(pelvis)
    return posed(exponential(part("root_orient")), trans, part("pose_body"), offsets.double(), parents).numpy()


def mixture():
    """(mean, lower factor of the whitening, energy above the least) of each component of fitrun's mixture."""
    raw = (Path(__file__).parents[2] / "assets" / "priors" / "gmm.safetensors").read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + size])

    def array(name):
        entry = header[name]
        first, end = (8 + size + x for x in entry["data_offsets"])
        kind = {"F32": np.float32, "F64": np.float64}[entry["dtype"]]
        return np.frombuffer(raw[first:end], kind).reshape(entry["shape"]).astype(float)

    means, covariances, weights = array("means"), array("covariances"), array("weights")
    lower = [np.linalg.inv(np.linalg.cholesky(c)) for c in covariances]
    constants = [-2 * np.log(w) - 2 * np.log(np.diag(l)).sum() for w, l in zip(weights, lower)]
    return [(m, l, c - min(constants)) for m, l, c in zip(means, lower, constants)]


def mode(components):
    return min(components, key=lambda c: c[2])[0] if components else np.zeros(63)


def write_work(path, parents, offsets, start, targets, components):
    with path.open("wb") as file:
        np.array([len(targets), len(components), *parents], np.int32).tofile(file)
        for numbers in (offsets, start, targets):
            np.asarray(numbers, np.float32).tofile(file)
        for mean, lower, above in components:
            for numbers in (mean, lower.T, above):
                np.asarray(numbers, np.float32).tofile(file)


def descended(targets, offsets, parents, start, components):
    begun = time.perf_counter()
    offsets, targets = offsets.float(), torch.tensor(targets, dtype=torch.float32)
    start = torch.tensor(start, dtype=torch.float32)
    frames = len(targets)
    turns, trans = placed(targets, offsets, parents, start)
    root, shift = torch.zeros(frames, 3, requires_grad=True), torch.zeros(frames, 3, requires_grad=True)
    pose = start.repeat(frames, 1).requires_grad_()
    means = [(torch.tensor(m).float(), torch.tensor(l).float(), c) for m, l, c in components]
    optimizer = torch.optim.LBFGS([root, shift, pose], max_iter=200, history_size=60, line_search_fn="strong_wolfe")

    def energies():
        points = posed(turns @ exponential(root), trans + shift, pose, offsets, parents)
        energy = ((points - targets) ** 2).sum((1, 2)) / SIGMA**2
        if means:
            of_components = [(((pose - m) @ l.T) ** 2).sum(1) + c for m, l, c in means]
            energy = energy + torch.stack(of_components).min(0).values
        return energy

    def closure():
        optimizer.zero_grad()
        energy = energies().sum()
        energy.backward()
        return energy

    optimizer.step(closure)
    seconds = time.perf_counter() - begun
    state = optimizer.state[optimizer.param_groups[0]["params"][0]]
    done = state["n_iter"] < 200
    with torch.no_grad():
        return frames / seconds, state["n_iter"], frames if done else 0, float(energies().sum())


def placed(targets, offsets, parents, start):
    """Rotations and translations that lay the start's torso on each target's (Kabsch)."""
    eye, zero = torch.eye(3)[None], torch.zeros(1, 3)
    rest = posed(eye, zero, start[None], offsets, parents)[0]
    a, b = rest[TORSO], targets[:, TORSO]
    u, _, vt = torch.linalg.svd((b - b.mean(1, keepdim=True)).transpose(1, 2) @ (a - a.mean(0)))
    signs = torch.ones(len(targets), 3)
    signs[:, 2] = torch.linalg.det(u @ vt)
    turns = u @ torch.diag_embed(signs) @ vt
    return turns, b.mean(1) - (turns @ (a.mean(0) - offsets[0])) - offsets[0]


if __name__ == "__main__":
    main()
