"""Writes the samples of tests/import.rs and expected.json, the numbers that they hold.

    python3 tests/import/make.py

The files have the layouts of published ones with tiny, random contents: nothing of anybody's weights is in them.
Python 3.13, PyTorch 2.11, NumPy 2, SciPy 1. Pickles of Python 2 are written opcode by opcode.
"""

import collections
import io
import json
import os
import pickle
import shutil
import struct
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch

HERE = Path(__file__).resolve().parent
EXPECTED = {}
RNG = np.random.default_rng(7)
torch.manual_seed(7)


def note(file, arrays):
    """Numbers of a file as [shape, numbers]; these are a text, which keeps all their digits."""
    numbers = lambda a: " ".join(map(repr, np.asarray(a, dtype=np.float64).ravel().tolist()))
    EXPECTED[file] = {name: [list(np.shape(a)), numbers(a)] for name, a in arrays.items()}


def flat(value, above=""):
    found = {}
    for key, inner in value.items():
        name = f"{above}.{key}" if above else str(key)
        if isinstance(inner, torch.Tensor):
            found[name] = inner.detach().double().numpy()
        elif isinstance(inner, dict):
            found.update(flat(inner, name))
    return found


def save(file, value, **settings):
    path = HERE / file
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(value, path, **settings)
    note(file, flat(value))


# Classes under the names that published files mention; removed from the interpreter afterwards.
def fake(module, name, bases=(object,), body=None):
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:end]), types.ModuleType(".".join(parts[:end])))
    made = type(name, bases, dict(body or {}, __module__=module))
    setattr(sys.modules[module], name, made)
    return made


Ch = fake("chumpy.ch", "Ch")
Select = fake("chumpy.reordering", "Select")
Mixture = fake("sklearn.mixture.gmm", "GMM")
Modern = fake("sklearn.mixture._gaussian_mixture", "GaussianMixture")
AttributeDict = fake("pytorch_lightning.utilities.parsing", "AttributeDict", (dict,))
ModelCheckpoint = fake("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint")


def made(cls, **fields):
    thing = cls.__new__(cls)
    thing.__dict__.update(fields)
    return thing


def vposer_v2():
    return torch.nn.ModuleDict(
        {
            "encoder_net": torch.nn.ModuleList([torch.nn.Identity(), torch.nn.BatchNorm1d(6), torch.nn.Linear(6, 4)]),
            "decoder_net": torch.nn.ModuleList([torch.nn.Linear(3, 4), torch.nn.Identity(), torch.nn.Linear(4, 6)]),
        }
    )


def checkpoints():
    state = collections.OrderedDict(("vp_model." + k, v) for k, v in vposer_v2().state_dict().items())
    state["bm_train.shapedirs"] = torch.randn(2, 3)
    lightning = {
        "epoch": 13,
        "global_step": 260,
        "pytorch-lightning_version": "1.1.8",
        "callbacks": {ModelCheckpoint: {"best_model_score": torch.tensor(0.25), "best_model_path": "a.ckpt"}},
        "optimizer_states": [{"state": {0: {"step": 3, "exp_avg": torch.randn(4)}}}],
        "lr_schedulers": [{"factor": 0.1}],
        "state_dict": state,
        "hparams_name": "kwargs",
        "hyper_parameters": AttributeDict(batch_size=128, name="V02_05"),
    }
    save("v2/snapshots/V02_05_epoch=13_val_loss=0.03.ckpt", lightning)
    save("v2/snapshots/V02_05_epoch=9_val_loss=0.04.ckpt", {"state_dict": {}})
    (HERE / "v2/V02_05.yaml").write_text("model_params:\n  num_neurons: 4\n")

    names = ["enc_bn1", "enc_fc1", "enc_mu", "enc_logvar", "dec_fc1", "dec_out"]
    layers = [torch.nn.BatchNorm1d(6), torch.nn.Linear(6, 4), torch.nn.Linear(4, 2), torch.nn.Linear(4, 2)]
    layers += [torch.nn.Linear(2, 4), torch.nn.Linear(4, 6)]
    v1 = torch.nn.ModuleDict({f"bodyprior_{n}": layer for n, layer in zip(names, layers)}).state_dict()
    save("v1_zip.pt", v1)
    save("v1_legacy.pt", v1, _use_new_zipfile_serialization=False)
    v1["bodyprior_dec_out.bias"] = v1["bodyprior_dec_out.bias"].double()
    save("v1_protocol1.pt", v1, _use_new_zipfile_serialization=False, pickle_protocol=1)

    generator = torch.nn.ModuleDict({f"bodyprior_{n}": torch.nn.Linear(2, 2) for n in ["dec_fc1", "dec_fc2", "dec_out"]})
    discriminator = torch.nn.ModuleDict({"comm_conv": torch.nn.Conv2d(9, 2, 1)})
    gan = {
        "epoch": 300,
        "generator_state_dict": generator.state_dict(),
        "discriminator_state_dict": discriminator.state_dict(),
        "optimizer_G_state_dict": {"state": {}, "param_groups": [{"lr": 2e-4}]},
    }
    save("gan.pth", gan)


def odd_tensors():
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 7
    odd = {
        "half": base.half(),
        "bfloat16": base.bfloat16(),
        "double": base.double() * np.pi,
        "transposed": base.t(),
        "strided": base[1:, 1::2],
        "shared": base,
        "expanded": torch.tensor([[1.5], [2.5]]).expand(2, 3),
        "scalar": torch.tensor(-0.5),
        "empty": torch.zeros(0, 3),
        "long": torch.tensor([-1, 2**40]),
        "int": torch.tensor([-7, 2**31 - 1], dtype=torch.int32),
        "short": torch.tensor([-300, 300], dtype=torch.int16),
        "char": torch.tensor([-128, 127], dtype=torch.int8),
        "byte": torch.tensor([0, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False]),
        "nan": torch.tensor([float("inf"), -0.0]),
        "parameter": torch.nn.Parameter(base[0]),
        "nested": {"deeper": {3: base[2]}},
    }
    save("odd.pt", odd)
    save("odd_legacy.pt", odd, _use_new_zipfile_serialization=False)
    odd["uint16"] = torch.tensor([0, 65535], dtype=torch.uint16)
    save("odd_v3.pt", odd)
    big = base.numpy().astype(">f4").tobytes()
    with zipfile.ZipFile(HERE / "odd.pt") as old, zipfile.ZipFile(HERE / "big_endian.pt", "w") as new:
        key = big_key(old)
        for entry in old.namelist():
            data = old.read(entry)
            if entry.endswith("byteorder"):
                data = b"big"
            elif entry.endswith(f"data/{key}"):
                data = big
            new.writestr(entry.replace("odd/", "another name/"), data)
    note("big_endian.pt", {"shared": base.numpy(), "strided": base[1:, 1::2].numpy()})


def big_key(archive):
    """The storage that holds as many bytes as the shared one."""
    sizes = {n.split("/")[-1]: archive.getinfo(n).file_size for n in archive.namelist() if "/data/" in n}
    base = (torch.arange(24, dtype=torch.float32) / 7).numpy().tobytes()
    return next(k for k, s in sizes.items() if s == 96 and archive.read(f"odd/data/{k}") == base)


def numpy_arrays():
    x = np.arange(6).reshape(2, 3)
    arrays = {f"{order}{kind}": x.astype(order + kind) for order in "<>" for kind in ["f2", "f4", "f8", "i2", "i8", "u4"]}
    arrays |= {"fortran": np.asfortranarray(x / 7), "bool": x > 2, "i1": -x.astype("i1"), "scalar": np.float32(1.5)}
    for protocol in range(6):
        path = HERE / f"arrays{protocol}.pkl"
        path.write_bytes(pickle.dumps({"inside": arrays}, protocol=protocol))
        note(path.name, {f"inside.{name}": a for name, a in arrays.items()})


class Python2:
    """Pickles as Python 2 wrote them: bytes as quoted strings, `__builtin__`, `copy_reg`, names of old packages."""

    def __init__(self, protocol):
        self.protocol = protocol
        self.out = bytearray(b"\x80\x02" if protocol == 2 else b"")
        self.memo = 0

    def dump(self, value):
        self.write(value)
        return bytes(self.out + b".")

    def text(self, data):
        if self.protocol == 0:
            quoted = "".join(chr(c) if 32 <= c < 127 and c not in b"\\'" else f"\\x{c:02x}" for c in data)
            self.out += b"S'" + quoted.encode() + b"'\n"
        else:
            self.out += b"T" + struct.pack("<i", len(data)) + data
        self.put()

    def put(self):
        self.out += b"p%d\n" % self.memo if self.protocol == 0 else b"r" + struct.pack("<I", self.memo)
        self.memo += 1

    def name(self, module, name):
        self.out += f"c{module}\n{name}\n".encode()
        self.put()

    def write(self, value):
        if isinstance(value, np.ndarray):
            self.array(value)
        elif isinstance(value, np.dtype):
            self.name("numpy", "dtype")
            self.write((value.str[1:].encode(), 0, 1))
            self.out += b"R"
            self.write((3, value.str[:1].encode(), None, None, None, -1, -1, 0))
            self.out += b"b"
        elif isinstance(value, (Ch, Select)):
            self.instance(type(value).__module__, type(value).__name__, value.__dict__)
        elif sp.issparse(value):
            fields = {"_shape": value.shape, "data": value.data, "indices": value.indices, "indptr": value.indptr}
            self.instance("scipy.sparse.csc", "csc_matrix", fields | {"format": b"csc", "maxprint": 50})
        elif isinstance(value, Mixture):
            self.instance("sklearn.mixture.gmm", "GMM", value.__dict__)
        else:
            self.plain(value)

    def array(self, value):
        self.name("numpy.core.multiarray", "_reconstruct")
        self.out += b"("
        self.name("numpy", "ndarray")
        self.write((0,))
        self.text(b"b")
        self.out += b"tR"
        fortran = value.flags.f_contiguous and not value.flags.c_contiguous
        self.out += b"("
        self.write(1)
        self.write(value.shape)
        self.write(value.dtype)
        self.write(int(fortran))
        self.text(value.tobytes(order="F" if fortran else "C"))
        self.out += b"tb"

    def instance(self, module, name, fields):
        self.name("copy_reg", "_reconstructor")
        self.out += b"("
        self.name(module, name)
        self.name("__builtin__", "object")
        self.out += b"NtR"
        self.put()
        self.write(fields)
        self.out += b"b"

    def plain(self, value):
        if value is None:
            self.out += b"N"
        elif isinstance(value, dict):
            self.out += b"(d" if self.protocol == 0 else b"}"
            for key, inner in value.items():
                self.text(key if isinstance(key, bytes) else key.encode())
                self.write(inner)
                self.out += b"s"
        elif isinstance(value, tuple):
            self.out += b"("
            for inner in value:
                self.write(inner)
            self.out += b"t"
        elif isinstance(value, bytes):
            self.text(value)
        elif isinstance(value, int):
            self.out += b"I%d\n" % value if value < 2**31 else b"L%dL\n" % value
        else:
            raise TypeError(type(value))


def mixtures():
    d = 4
    root = RNG.normal(size=(2, d, d))
    parts = {"weights": np.array([0.25, 0.75]), "means": RNG.normal(size=(2, d))}
    covars = root @ root.transpose(0, 2, 1) + 3 * np.eye(d)
    expected = parts | {"covariances": covars}
    files = {
        "gmm_python2.pkl": Python2(0).dump(parts | {"covars": covars}),
        "gmm_sklearn.pkl": Python2(2).dump(
            made(Mixture, weights_=parts["weights"], means_=parts["means"], covars_=covars, n_components=2)
        ),
        "gmm_modern.pkl": pickle.dumps(
            {"gmm": made(Modern, weights_=parts["weights"], means_=parts["means"], covariances_=covars)}, protocol=4
        ),
    }
    for file, data in files.items():
        (HERE / file).write_bytes(data)
        note(file, expected)


def bodies():
    v, j = 5, 24
    short = lambda *shape: np.round(RNG.normal(size=shape), 1)
    template, shapes = short(v, 3), short(v, 3, 2)
    poses = np.zeros((v, 3, 9 * (j - 1)))
    poses[1, 2, 3], poses[4, 0, 206] = 0.5, -0.25
    regressor = sp.random(j, v, density=0.3, format="csc", random_state=3)
    weights = np.full((v, j), 1 / j)
    parents = [2**32 - 1] + [max(0, i - 3) for i in range(1, j)]
    faces = np.array([[0, 1, 2], [2, 3, 4]], dtype=np.uint32)
    order = np.arange(shapes.size)[::-1].copy()
    body = {
        "v_template": made(Ch, x=template, _dirty_vars=None),
        "shapedirs": made(
            Select, a=made(Ch, x=shapes.ravel()[::-1].copy()), idxs=order, preferred_shape=(v, 3, 2)
        ),
        "posedirs": poses.astype(np.float32),
        "J_regressor": regressor,
        "weights": np.asfortranarray(weights),
        "kintree_table": np.array([parents, range(j)], dtype=np.uint32),
        "f": faces,
        "bs_style": b"lb\xe9",
    }
    (HERE / "body_python2.pkl").write_bytes(Python2(2).dump(body))
    body["kintree_table"] = np.array([[-1] + parents[1:], range(j)], dtype=np.int64)
    body["J_regressor"] = sp.csr_matrix(regressor)
    del body["posedirs"]
    (HERE / "body_python3.pkl").write_bytes(pickle.dumps(body, protocol=2))
    plain = {"v_template": template, "shapedirs": shapes, "J_regressor": regressor.toarray(), "weights": weights}
    plain |= {"f": faces, "kintree_table": np.array([[-1] + parents[1:], range(j)])}
    note("body", plain)


class Hostile:
    """Python would make a file on reading it."""

    def __reduce__(self):
        return os.system, ("touch fitrun_was_here",)


def hostile():
    data = pickle.dumps({"weights": Hostile()}, protocol=2)
    (HERE / "hostile.pkl").write_bytes(data.replace(b"posix", b"os"))
    buffer = io.BytesIO()
    torch.save({"state_dict": {"a": torch.zeros(2), "b": Hostile()}}, buffer)
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(HERE / "hostile.pt", "w") as new:
        for entry in old.namelist():
            data = old.read(entry)
            new.writestr(entry, data.replace(b"posix\n", b"os\n") if entry.endswith("data.pkl") else data)
    # Every dictionary holds the one before it twice: 2^28 names for one array.
    value = np.zeros(3)
    for _ in range(28):
        value = {"a": value, "b": value}
    (HERE / "doubling.pkl").write_bytes(pickle.dumps(value, protocol=2))
    loop = {}
    loop["again"] = loop
    (HERE / "loop.pkl").write_bytes(pickle.dumps(loop, protocol=2))
    with zipfile.ZipFile(HERE / "other.zip.pt", "w") as other:
        other.writestr("notes/readme.txt", "no checkpoint")


if __name__ == "__main__":
    for old in [*HERE.glob("*.pkl"), *HERE.glob("*.pt"), *HERE.glob("*.pth")]:
        old.unlink()
    shutil.rmtree(HERE / "v2", ignore_errors=True)
    checkpoints()
    odd_tensors()
    numpy_arrays()
    mixtures()
    bodies()
    hostile()
    (HERE / "expected.json").write_text(json.dumps(EXPECTED))
