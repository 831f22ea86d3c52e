"""The package as a program uses it."""

import json
from pathlib import Path

import fitrun
import numpy as np
import pytest

SPECS = Path(__file__).resolve().parents[2] / "specs" / "fit"
CURVE = """
fitrun = 1

[data.points]
file = "points.csv"
columns = { x = "1", y = "1" }

[vars]
a = { init = 1.0 }

[terms.fit]
kind = "expr"
residual = "a * x - y"
"""


@pytest.fixture
def folder(tmp_path):
    rows = "\n".join(f"{x},{2 * x + 0.1 * (-1) ** x}" for x in range(1, 9))
    (tmp_path / "points.csv").write_text("x,y\n" + rows + "\n")
    return tmp_path


def test_a_text_is_solved_and_its_run_is_there_again(folder):
    run = fitrun.run(CURVE, folder=folder, out=folder / "run")
    assert abs(run.parameters["a"]["value"] - 2.0) < 0.01
    assert run.converged == 1
    assert "a = " in repr(run) and "<table>" in run._repr_html_()
    again = fitrun.Run.open(run.dir)
    assert again.record == run.record
    assert sorted(p.name for p in folder.glob("spec-*")) == []


def test_values_are_laid_over_by_their_paths(folder):
    run = fitrun.run(CURVE, folder=folder, out=folder / "run", set={"vars.a.bounds": [0.0, 1.5]})
    assert run.parameters["a"]["value"] == 1.5


def test_all_mistakes_come_at_once_with_their_places(folder):
    wrong = CURVE.replace('"a * x - y"', '"a * z - y"') + "\n[solvee]\n"
    found = [d for d in fitrun.check(wrong, folder=folder) if d.severity == "error"]
    assert len(found) == 2
    assert all(d.code.startswith("F0") and d.line for d in found)
    with pytest.raises(fitrun.FitError) as caught:
        fitrun.run(wrong, folder=folder, out=folder / "run")
    assert "solvee" in str(caught.value.args[0])
    assert len(json.loads(caught.value.args[1])) >= 2


def test_a_body_is_fitted_and_posed(tmp_path):
    run = fitrun.run(SPECS / "joints.toml", out=tmp_path / "run", set={"output.plots": [], "output.write": ["params.npz"]})
    params = run.params
    body = fitrun.Body()
    _, joints = body(params["poses"][:, :66], params["trans"], params["betas"])
    away = np.linalg.norm(joints[:, :22] - params["joints"][:, :22], axis=-1)
    assert np.nanmax(away) < 1e-4


def test_priors_decode_what_they_encode():
    prior = fitrun.Prior("vposer")
    codes, poses = prior.sample(20, seed=3)
    assert codes.shape == (20, prior.latent_dim) and poses.shape == (20, 63)
    assert np.array_equal(prior.sample(20, seed=3)[0], codes)
    back = prior.decode(prior.encode(poses))
    assert np.abs(back - poses).mean() < 0.2
    with pytest.raises(ValueError, match="no encoder"):
        fitrun.Prior("gan-s").encode(poses)


def test_what_there_is_can_be_listed():
    assert "BODY_25" in fitrun.list("conventions")
    with pytest.raises(ValueError, match="did you mean `layouts`"):
        fitrun.list("layout")
    assert "arrays" in fitrun.inspect(SPECS / "walk.npz")


def test_the_decoder_in_torch_is_the_decoder():
    torch = pytest.importorskip("torch")
    from fitrun.torch import Decoder

    prior = fitrun.Prior("vposer")
    codes, poses = prior.sample(5)
    turns = Decoder(prior)(torch.tensor(codes, requires_grad=True))
    turns[0, 0, 0, 0].backward()
    angle = np.linalg.norm(poses.reshape(5, 21, 3), axis=-1)
    trace = torch.diagonal(turns, dim1=-2, dim2=-1).sum(-1).detach().numpy()
    assert np.abs(trace - (1 + 2 * np.cos(angle))).max() < 1e-4
