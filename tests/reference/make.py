"""Writes numbers.json, the reference numbers of tests/reference.rs, with NumPy alone.

    python3 tests/reference/make.py

The formulas are the published ones, written out here a second time; nothing of fitrun is called.
It reads the built-in body and mixture (assets/) as data. NumPy 2.4, seed 20.
"""

import json
import struct
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ASSETS = HERE.parent.parent / "assets"
RNG = np.random.default_rng(20)
JOINTS = 22
NAMES = [
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
]


def rounded(x, digits=4):
    """Inputs are short decimals, so that the test reads the very same numbers."""
    return np.round(np.asarray(x, dtype=np.float64), digits)


def rodrigues(w):
    """R = I + sin θ K + (1 − cos θ) K², K = [w/θ]×."""
    angle = np.linalg.norm(w)
    x, y, z = w / angle if angle > 0 else w
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


class Body:
    """SMPL (Loper et al. 2015): shape directions, regressed joints, linear blend skinning."""

    def __init__(self, path):
        file = np.load(path)
        self.template = file["v_template"].astype(np.float64)
        self.shapedirs = file["shapedirs"].astype(np.float64)
        self.regressor = file["J_regressor"].astype(np.float64)
        self.weights = file["weights"].astype(np.float64)
        self.parents = file["kintree_table"][0].astype(np.int64)

    def pose(self, betas, root, pose_body, trans):
        """Rest joints, posed joints, posed vertices."""
        shaped = self.template + np.einsum("vkb,b->vk", self.shapedirs, betas)
        rest = self.regressor @ shaped
        world = [None] * len(rest)
        for j in range(len(rest)):
            turn = root if j == 0 else pose_body[3 * j - 3 : 3 * j] if j <= 21 else np.zeros(3)
            local = np.eye(4)
            local[:3, :3] = rodrigues(np.asarray(turn))
            local[:3, 3] = rest[j] - (rest[self.parents[j]] if j else 0)
            world[j] = world[self.parents[j]] @ local if j else local
        joints = np.array([w[:3, 3] for w in world]) + trans
        relative = []
        for w, r in zip(world, rest):
            a = w.copy()
            a[:3, 3] -= w[:3, :3] @ r
            relative.append(a)
        blended = np.einsum("vj,jab->vab", self.weights, np.array(relative))
        posed = np.einsum("vab,vb->va", blended[:, :3, :3], shaped) + blended[:, :3, 3] + trans
        return rest, joints, posed


class Mixture:
    """L = min_m ½ dᵀPd − log ŵ_m, ŵ_m = w_m / ((2π)^{d/2} √det Σ_m / min_k √det Σ_k); E = 2 (L − min L)."""

    def __init__(self, path):
        tensors = safetensors(path)
        self.means = tensors["means"].astype(np.float64)
        self.covariances = tensors["covariances"].astype(np.float64)
        weights, dims = tensors["weights"], self.means.shape[1]
        half_log_det = 0.5 * np.array([np.linalg.slogdet(s)[1] for s in self.covariances])
        self.log_w = np.log(weights) - dims / 2 * np.log(2 * np.pi) - half_log_det + half_log_det.min()

    def component(self):
        """The component whose peak is the highest, the first of several but for rounding."""
        return int(np.argmax(self.log_w > self.log_w.max() - 1e-9))

    def losses(self, pose):
        distances = []
        for mean, covariance in zip(self.means, self.covariances):
            d = pose - mean
            distances.append(0.5 * d @ np.linalg.solve(covariance, d))
        return np.array(distances) - self.log_w

    def energy(self, pose):
        return 2 * (self.losses(pose).min() + self.log_w.max())


def safetensors(path):
    data = Path(path).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    types = {"F32": "<f4", "F64": "<f8"}
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            first, end = (8 + length + offset for offset in entry["data_offsets"])
            tensors[name] = np.frombuffer(data[first:end], types[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def project(camera, points):
    """OpenCV's projectPoints; more than five coefficients are those of the rational model."""
    in_camera = points @ rodrigues(np.array(camera["rotation"])).T + camera["translation"]
    x, y = in_camera[:, 0] / in_camera[:, 2], in_camera[:, 1] / in_camera[:, 2]
    k1, k2, p1, p2, k3, k4, k5, k6 = (camera["distortions"] + [0.0] * 8)[:8]
    r2 = x**2 + y**2
    radial = (1 + k1 * r2 + k2 * r2**2 + k3 * r2**3) / (1 + k4 * r2 + k5 * r2**2 + k6 * r2**3)
    xd = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x**2)
    yd = y * radial + p1 * (r2 + 2 * y**2) + 2 * p2 * x * y
    m = np.array(camera["matrix"])
    return np.stack([m[0, 0] * xd + m[0, 1] * yd + m[0, 2], m[1, 1] * yd + m[1, 2]], axis=1)


def project_fisheye(camera, points):
    """OpenCV's fisheye::projectPoints: θd = θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + k4 θ⁸), θ = atan(r)."""
    in_camera = points @ rodrigues(np.array(camera["rotation"])).T + camera["translation"]
    x, y = in_camera[:, 0] / in_camera[:, 2], in_camera[:, 1] / in_camera[:, 2]
    r = np.sqrt(x**2 + y**2)
    theta = np.arctan(r)
    bent = theta + sum(k * theta ** (2 * i + 3) for i, k in enumerate(camera["distortions"]))
    m = np.array(camera["matrix"])
    xd, yd = x * bent / r, y * bent / r
    return np.stack([m[0, 0] * xd + m[0, 1] * yd + m[0, 2], m[1, 1] * yd + m[1, 2]], axis=1)


def huber(s, c):
    return np.where(s <= c**2, s, 2 * c * np.sqrt(s) - c**2)


def geman_mcclure(s, c):
    return s / (1 + s / c**2)


def barron(s, c, alpha):
    """Barron 2019, eq. 8, of x² = s, times 2c²."""
    x2 = s / c**2
    if alpha == 2:
        return s
    if alpha == 0:
        return 2 * c**2 * np.log(x2 / 2 + 1)
    a = abs(alpha - 2)
    return 2 * c**2 * a / alpha * ((x2 / a + 1) ** (alpha / 2) - 1)


ROBUST = {
    "none": lambda s, c: s,
    "huber": huber,
    "cauchy": lambda s, c: c**2 * np.log(1 + s / c**2),
    "geman_mcclure": geman_mcclure,
    "welsch": lambda s, c: c**2 * (1 - np.exp(-s / c**2)),
    "tukey": lambda s, c: c**2 / 3 * (1 - np.maximum(0, 1 - s / c**2) ** 3),
    "l1": lambda s, c: 2 * c**2 * (np.sqrt(1 + s / c**2) - 1),
}


def figures(body):
    """Three people in three poses: rest joints, joints and a few vertices."""
    made = []
    vertices = [0, 17, 1234, 3001, 4500, 5894]
    for scale in (0.0, 0.4, 1.1):
        figure = {
            "betas": rounded(RNG.normal(0, 1.5, 10) * (scale > 0)),
            "root_orient": rounded(RNG.normal(0, scale, 3)),
            "pose_body": rounded(RNG.normal(0, 0.5 * scale, 63)),
            "trans": rounded(RNG.normal(0, 1, 3)),
        }
        rest, joints, skin = body.pose(*figure.values())
        figure |= {"rest_joints": rest, "joints": joints, "vertices": vertices, "skinned": skin[vertices]}
        made.append(figure)
    return made


def cameras():
    """One with OpenCV's five coefficients and skew, one with four; they see the origin from 4 m."""
    common = {"size": [1280.0, 960.0]}
    left = {
        "name": "left",
        "matrix": [[1100.0, 1.5, 650.25], [0.0, 1080.0, 470.5], [0.0, 0.0, 1.0]],
        "distortions": [-0.21, 0.12, 0.0015, -0.0008, -0.03],
        "rotation": [1.5, 0.2, -0.15],
        "translation": [0.1, 0.9, 4.2],
    }
    right = {
        "name": "right",
        "matrix": [[900.0, 0.0, 610.0], [0.0, 905.0, 500.0], [0.0, 0.0, 1.0]],
        "distortions": [0.05, -0.02, -0.001, 0.0005],
        "rotation": [1.1, -1.2, 1.0],
        "translation": [-0.2, 0.8, 3.9],
    }
    return [left | common, right | common]


def z_up(points):
    """The same points with z up: x stays, y up becomes z up."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def projections(both):
    points = rounded(RNG.uniform([-1.0, -1.0, -0.2], [1.0, 1.0, 1.9], (8, 3)))
    return {"points": points, "pixels": [project(camera, points) for camera in both]}


def lenses(both):
    """The same two places with a rational lens and a fisheye lens; points up to 88° off the axis."""
    left, right = both
    rational = left | {"distortions": [8.6, 5.2, 0.0004, -0.0007, 0.22, 8.9, 8.1, 1.35]}
    fisheye = right | {"distortions": [0.08, -0.03, 0.01, -0.002], "fisheye": True}
    rng = np.random.default_rng(21)
    off_axis = np.radians([0.02, 1.0, 8.0, 20.0, 40.0, 60.0, 75.0, 88.0])
    around = rng.uniform(0, 2 * np.pi, len(off_axis))
    directions = np.stack([np.sin(off_axis) * np.cos(around), np.sin(off_axis) * np.sin(around), np.cos(off_axis)], axis=1)
    place = directions * rng.uniform(1, 4, (len(off_axis), 1)) - fisheye["translation"]
    points = rounded(place @ rodrigues(np.array(fisheye["rotation"])), 6)
    pixels = [project(rational, points), project_fisheye(fisheye, points)]
    return {"cameras": [rational, fisheye], "points": points, "pixels": pixels}


def robust_values():
    values = []
    for s in (0.01, 0.3, 0.99, 4.0, 2500.0):
        for c in (1.0, 2.5):
            for name, rho in ROBUST.items():
                values.append({"kind": name, "s": s, "c": c, "rho": rho(s, c)})
            for alpha in (-2.0, 0.0, 0.5, 1.0, 2.0):
                values.append({"kind": "barron", "alpha": alpha, "s": s, "c": c, "rho": barron(s, c, alpha)})
    return values


def in_space(figure):
    """Σ weight · w_label · conf² · huber(‖r‖²/sigma²), targets in mm and z up, some not seen."""
    frames, sigma, scale, weight = 3, 0.02, 0.03, 0.7
    noise = RNG.normal(0, 0.03, (frames, JOINTS, 3))
    targets = rounded(z_up(figure["joints"][:JOINTS] + noise) * 1000, 2)
    confidence = rounded(RNG.uniform(0.2, 1, (frames, JOINTS)), 2)
    missing = [[0, 3], [1, 20], [2, 0]]
    weights = {"left_knee": 2.0, "head": 0.25, "default": 0.8}
    total = 0.0
    for f in range(frames):
        for j, name in enumerate(NAMES):
            if [f, j] not in missing:
                r = z_up(figure["joints"][j]) - targets[f, j] / 1000
                rho = huber(r @ r / sigma**2, scale / sigma)
                total += weight * weights.get(name, weights["default"]) * confidence[f, j] ** 2 * rho
    return {"targets": targets, "confidence": confidence, "missing": missing, "energy": total}


def in_views(figure, both):
    """Σ conf · geman_mcclure(‖r‖²/sigma²) over two cameras, and per coordinate with two sigmas."""
    frames, sigma, scale = 2, 4.0, 25.0
    seen = np.stack([project(c, z_up(figure["joints"][:JOINTS])) for c in both])
    pixels = rounded(seen + RNG.normal(0, 15, (frames, 2, JOINTS, 2)), 2)
    confidence = rounded(RNG.uniform(0.2, 1, (frames, 2, JOINTS)), 2)
    confidence[1, 0, 5] = 0.0
    r = seen - pixels
    s = (r**2).sum(axis=-1) / sigma**2
    sigmas = np.array([4.0, 6.0])
    apart = geman_mcclure(r**2 / sigmas**2, scale / sigmas).sum(axis=-1)
    by_frame = (confidence * geman_mcclure(s, scale / sigma)).sum(axis=(1, 2))
    return {
        "pixels": pixels,
        "confidence": confidence,
        "energy": by_frame.sum(),
        "mean_energy": (by_frame / confidence.sum(axis=(1, 2))).sum(),
        "energy_by_coordinate": (confidence * apart).sum(),
    }


def smoothest(targets, seen, copies, sigma, rate, order, smooth_sigma, smooth_weight):
    """min_x Σ seen ‖x_f − y_f‖²/sigma² + copies · weight · Σ ‖Δx · rate^order‖²/smooth_sigma², solved exactly.

    `targets` (frames, points, 3), x (frames, 3) moves all points.
    """
    frames = len(targets)
    stencil = {1: [-1, 1], 2: [1, -2, 1]}[order]
    difference = np.zeros((frames - order, frames))
    for i in range(frames - order):
        difference[i, i : i + order + 1] = stencil
    difference *= rate**order * np.sqrt(copies * smooth_weight) / smooth_sigma
    normal = difference.T @ difference + np.diag(seen.sum(axis=1) / sigma**2)
    right = np.einsum("fp,fpk->fk", seen, targets) / sigma**2
    x = np.linalg.solve(normal, right)
    data = (seen * ((x[:, None] - targets) ** 2).sum(axis=-1)).sum() / sigma**2
    smooth = ((difference @ x) ** 2).sum()
    return {"data": data, "smooth": smooth, "energy": data + smooth, "x": x}


def along_frames(figure):
    frames = 6
    path = rounded(np.cumsum(RNG.normal(0, 0.05, (frames, 3)), axis=0))
    everything = np.ones((frames, 1))
    first = smoothest(path[:, None], everything, 1, 0.01, 30.0, 1, 0.5, 2.0)
    gap = everything.copy()
    gap[2] = 0
    bridged = smoothest(path[:, None], gap, 1, 0.01, 30.0, 1, 0.5, 2.0)
    offsets = figure["joints"][:JOINTS] - figure["trans"]
    joints = rounded(offsets + path[:, None] + RNG.normal(0, 0.01, (frames, JOINTS, 3)))
    second = smoothest(joints - offsets, np.ones((frames, JOINTS)), JOINTS, 0.01, 30.0, 2, 3.0, 1.0)
    return {"path": path, "first": first, "bridged": bridged, "joints": joints, "second": second}


def mixture(gmm):
    """Near the peak, near other components, at zero and far away."""
    poses = [gmm.means[m] for m in (gmm.component(), 0, 5)]
    poses = [p + RNG.normal(0, 0.2, 63) for p in poses] + [np.zeros(63), RNG.normal(0, 1, 63)]
    poses = rounded(poses)
    return {
        "poses": poses,
        "energies": [gmm.energy(p) for p in poses],
        "component": gmm.component(),
        "mode": gmm.means[gmm.component()][:6],
    }


def plain(x):
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, np.ndarray):
        return plain(x.tolist())
    return float(x) if isinstance(x, np.floating) else x


def text(numbers):
    lines = [f"  {json.dumps(k)}: {json.dumps(plain(v), separators=(',', ':'))}" for k, v in numbers.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    body = Body(ASSETS / "body" / "builtin.npz")
    gmm = Mixture(ASSETS / "priors" / "gmm.safetensors")
    people = figures(body)
    both = cameras()
    numbers = {
        "figures": people,
        "cameras": both,
        "projections": projections(both),
        "robust": robust_values(),
        "in_space": in_space(people[1]),
        "in_views": in_views(people[1], both),
        "along_frames": along_frames(people[1]),
        "mixture": mixture(gmm),
        "lenses": lenses(both),
    }
    (HERE / "numbers.json").write_text(text(numbers))


if __name__ == "__main__":
    main()
