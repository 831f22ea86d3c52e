"""Fit bodies, cameras and curves from a TOML spec.

>>> import fitrun
>>> run = fitrun.run("walk.toml")
>>> run.params["pose_body"].shape
(118, 63)
"""

from __future__ import annotations

import builtins
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Iterator

import numpy as np

from . import _fitrun
from ._fitrun import Body, FitError, Prior, __version__, inspect, list

__all__ = [
    "Body",
    "Diagnostic",
    "FitError",
    "Prior",
    "Run",
    "check",
    "inspect",
    "list",
    "run",
    "__version__",
]


@dataclass(frozen=True)
class Diagnostic:
    """A mistake or a warning, with the place in the spec that it is of."""

    severity: str
    code: str
    message: str
    place: str = ""
    span: tuple[int, int, int, int] | None = None
    """Line and column where the place begins, and where it ends, from 1."""
    label: str | None = None
    hints: tuple[str, ...] = ()

    def __str__(self) -> str:
        hints = "".join(f"\n  hint: {hint}" for hint in self.hints)
        return f"{self.severity}[{self.code}] {self.place}: {self.message}{hints}"

    @property
    def line(self) -> int | None:
        return self.span[0] if self.span else None


def _diagnostics(text: str) -> builtins.list[Diagnostic]:
    found = json.loads(text)
    whole = [{**d, "hints": tuple(d["hints"]), "span": d.get("span") and tuple(d["span"])} for d in found]
    return [Diagnostic(**d) for d in whole]


@dataclass(frozen=True)
class Run:
    """A finished run: its folder and what lies in it."""

    dir: Path
    record: dict[str, Any] = field(repr=False)

    @classmethod
    def open(cls, dir: str | os.PathLike[str]) -> Run:
        """A run that was made before."""
        folder = Path(dir)
        return cls(folder, json.loads((folder / "run.json").read_text(encoding="utf-8")))

    @property
    def params(self) -> dict[str, np.ndarray]:
        """The arrays of ``params.npz``."""
        with np.load(self.dir / "params.npz") as file:
            return {name: file[name] for name in file.files}

    @property
    def cost(self) -> float:
        return self.record["cost"]

    @property
    def converged(self) -> int:
        """Frames, or elements of a batch, that converged."""
        return self.record["converged"]

    @property
    def frames(self) -> int:
        return self.record["frames"]

    @property
    def warnings(self) -> builtins.list[str]:
        return self.record["warnings"]

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """Of a spec without a body: value, unit and standard deviation by name."""
        return self.record.get("parameters") or {}

    def __repr__(self) -> str:
        lines = [f"Run '{self.dir}': {self.converged} of {self.frames} converged, E = {self.cost:.6g}"]
        for name, found in self.parameters.items():
            if isinstance(found.get("value"), float):
                sd = found.get("sd")
                lines.append(f"  {name} = {found['value']:.6g}" + (f" ± {sd:.2g}" if sd else ""))
        lines += [f"  warning: {warning}" for warning in self.warnings]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [("folder", str(self.dir)), ("converged", f"{self.converged} of {self.frames}"), ("E", f"{self.cost:.6g}")]
        rows += [("warning", warning) for warning in self.warnings]
        cells = "".join(f"<tr><th>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in rows)
        return f"<table>{cells}</table>"


def _settings(settings: Mapping[str, Any] | None) -> builtins.list[str]:
    return [f"{path}={_toml(value)}" for path, value in (settings or {}).items()]


def _toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, np.integer, np.floating)):
        return repr(value.item() if isinstance(value, np.generic) else value)
    if isinstance(value, (str, os.PathLike)):
        return json.dumps(os.fspath(value), ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (builtins.list, tuple, np.ndarray)):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    raise TypeError(f"{type(value).__name__} cannot be a value of a spec")


def _is_text(spec: str | os.PathLike[str]) -> bool:
    return isinstance(spec, str) and "\n" in spec


@contextmanager
def _file(spec: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Iterator[Path]:
    """The spec as a file; a text lies in ``folder`` while it is run, as its paths start there."""
    if not _is_text(spec):
        yield Path(spec)
        return
    handle, name = tempfile.mkstemp(prefix="spec-", suffix=".toml", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(spec)
        yield Path(name)
    finally:
        os.unlink(name)


def run(
    spec: str | os.PathLike[str],
    *,
    set: Mapping[str, Any] | None = None,
    out: str | os.PathLike[str] | None = None,
    force: bool = False,
    resume: bool = False,
    folder: str | os.PathLike[str] = ".",
) -> Run:
    """Checks and solves a spec, a file or a text of several lines, and returns the run.

    ``set`` lays values over the spec by their paths: ``{"terms.data.sigma": "5 mm"}``. A text needs ``out``,
    and its files lie in ``folder``. Raises :class:`FitError` with all mistakes at once.
    """
    if _is_text(spec) and out is None:
        raise ValueError("a spec as text has no name: say where its results go by `out`")
    with _file(spec, folder) as path:
        place = None if out is None else Path(out)
        dir, record = _fitrun.run(path, _settings(set), place, force, resume)
    return Run(Path(dir), json.loads(record))


def check(
    spec: str | os.PathLike[str],
    *,
    set: Mapping[str, Any] | None = None,
    folder: str | os.PathLike[str] = ".",
) -> builtins.list[Diagnostic]:
    """Mistakes and warnings of a spec, a file or a text; nothing is solved. Errors have the severity ``error``."""
    text = spec if _is_text(spec) else None
    path = Path(folder) / "spec.toml" if text else Path(spec)
    _, said = _fitrun.check(path, text, _settings(set))
    return _diagnostics(said)
