"""Small networks in the published layouts, and what they make of a few inputs, by NumPy alone.

Run `python tests/prior/make.py` in the project's root; it writes the files beside it. Nothing here
shares code with fitrun: layers are written out from the papers' descriptions.
"""

import json
import pathlib
import struct

import numpy as np

HERE = pathlib.Path(__file__).parent
LATENT, HIDDEN, JOINTS = 6, 16, 21
random = np.random.default_rng(20)


def save(name, tensors):
    header, blob = {}, b""
    for key, array in tensors.items():
        data = np.ascontiguousarray(array, dtype="<f4").tobytes()
        header[key] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [len(blob), len(blob) + len(data)],
        }
        blob += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (HERE / name).write_bytes(struct.pack("<Q", len(text)) + text + blob)


def linear(tensors, name, inputs, outputs):
    tensors[f"{name}.weight"] = (random.normal(size=(outputs, inputs)) / inputs**0.5).astype("f4")
    tensors[f"{name}.bias"] = (random.normal(size=outputs) * 0.3).astype("f4")


def norm(tensors, name, dims):
    tensors[f"{name}.weight"] = random.uniform(0.5, 1.5, dims).astype("f4")
    tensors[f"{name}.bias"] = (random.normal(size=dims) * 0.2).astype("f4")
    tensors[f"{name}.running_mean"] = (random.normal(size=dims) * 0.2).astype("f4")
    tensors[f"{name}.running_var"] = random.uniform(0.01, 2.0, dims).astype("f4")
    tensors[f"{name}.num_batches_tracked"] = np.array(7, dtype="f4")


def dense(tensors, name, x):
    return x @ tensors[f"{name}.weight"].astype("f8").T + tensors[f"{name}.bias"]


def normalised(tensors, name, x):
    mean, variance = tensors[f"{name}.running_mean"], tensors[f"{name}.running_var"]
    scaled = (x - mean) / np.sqrt(variance.astype("f8") + 1e-5)
    return scaled * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]


def leaky(x, slope):
    return np.where(x > 0, x, slope * x)


def matrices(six):
    """Columns by Gram-Schmidt from (..., 3, 2)."""
    pairs = six.reshape(-1, 3, 2)
    out = np.zeros((len(pairs), 3, 3))
    for i, pair in enumerate(pairs):
        a, b = pair[:, 0], pair[:, 1]
        first = a / np.linalg.norm(a)
        second = b - first.dot(b) * first
        second /= np.linalg.norm(second)
        out[i] = np.stack([first, second, np.cross(first, second)], axis=1)
    return out.reshape(len(six), -1)


def v1(with_encoder):
    t = {}
    linear(t, "bodyprior_dec_fc1", LATENT, HIDDEN)
    linear(t, "bodyprior_dec_fc2", HIDDEN, HIDDEN)
    linear(t, "bodyprior_dec_out", HIDDEN, 6 * JOINTS)
    if with_encoder:
        norm(t, "bodyprior_enc_bn1", 3 * JOINTS)
        linear(t, "bodyprior_enc_fc1", 3 * JOINTS, HIDDEN)
        norm(t, "bodyprior_enc_bn2", HIDDEN)
        linear(t, "bodyprior_enc_fc2", HIDDEN, HIDDEN)
        linear(t, "bodyprior_enc_mu", HIDDEN, LATENT)
        linear(t, "bodyprior_enc_logvar", HIDDEN, LATENT)
    return t


def decode_v1(t, z):
    x = leaky(dense(t, "bodyprior_dec_fc1", z), 0.2)
    x = leaky(dense(t, "bodyprior_dec_fc2", x), 0.2)
    return matrices(dense(t, "bodyprior_dec_out", x))


def encode_v1(t, pose):
    x = normalised(t, "bodyprior_enc_bn1", pose)
    x = leaky(dense(t, "bodyprior_enc_fc1", x), 0.2)
    x = normalised(t, "bodyprior_enc_bn2", x)
    x = leaky(dense(t, "bodyprior_enc_fc2", x), 0.2)
    return dense(t, "bodyprior_enc_mu", x)


def v2(prefix):
    t = {}
    norm(t, f"{prefix}encoder_net.1", 3 * JOINTS)
    linear(t, f"{prefix}encoder_net.2", 3 * JOINTS, HIDDEN)
    norm(t, f"{prefix}encoder_net.4", HIDDEN)
    linear(t, f"{prefix}encoder_net.6", HIDDEN, HIDDEN)
    linear(t, f"{prefix}encoder_net.7", HIDDEN, HIDDEN)
    linear(t, f"{prefix}encoder_net.8.mu", HIDDEN, LATENT)
    linear(t, f"{prefix}encoder_net.8.logvar", HIDDEN, LATENT)
    linear(t, f"{prefix}decoder_net.0", LATENT, HIDDEN)
    linear(t, f"{prefix}decoder_net.3", HIDDEN, HIDDEN)
    linear(t, f"{prefix}decoder_net.5", HIDDEN, 6 * JOINTS)
    return t


def decode_v2(t, p, z):
    x = leaky(dense(t, f"{p}decoder_net.0", z), 0.01)
    x = leaky(dense(t, f"{p}decoder_net.3", x), 0.01)
    return matrices(dense(t, f"{p}decoder_net.5", x))


def encode_v2(t, p, pose):
    x = normalised(t, f"{p}encoder_net.1", pose)
    x = leaky(dense(t, f"{p}encoder_net.2", x), 0.01)
    x = normalised(t, f"{p}encoder_net.4", x)
    x = dense(t, f"{p}encoder_net.7", dense(t, f"{p}encoder_net.6", x))
    return dense(t, f"{p}encoder_net.8.mu", x)


def main():
    z = random.normal(size=(3, LATENT))
    pose = random.normal(size=(3, 3 * JOINTS)) * 0.5
    prefix = "vp_model."
    old, new, gan = v1(True), v2(prefix), v1(False)
    save("vposer_v1.safetensors", old)
    save("vposer_v2.safetensors", new)
    save("gan.safetensors", gan)
    numbers = {
        "z": z,
        "pose": pose,
        "vposer_v1": {"rotations": decode_v1(old, z), "encoded": encode_v1(old, pose)},
        "vposer_v2": {
            "rotations": decode_v2(new, prefix, z),
            "encoded": encode_v2(new, prefix, pose),
        },
        "gan": {"rotations": decode_v1(gan, z)},
    }
    plain = lambda x: x.round(12).tolist() if isinstance(x, np.ndarray) else {k: plain(v) for k, v in x.items()}
    (HERE / "numbers.json").write_text(json.dumps(plain(numbers)) + "\n")


main()
