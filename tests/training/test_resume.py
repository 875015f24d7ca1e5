"""A run that was stopped goes on as if it had not been, and no run is overwritten."""

import dataclasses
import json
import os
import signal

import pytest
import torch
from safetensors.torch import load_file

from ram.training.loop import train
from tests.forking import forked
from tests.toy_run import curve, make_data, toy_captioning, toy_model, toy_recipe, toy_tag2text, use_hash_text_encoder

pytestmark = pytest.mark.slow


class Stop(Exception):
    """Somebody pulled the plug."""


def stop_in(epoch, step):
    """A progress callback that ends the run in the middle of an epoch."""

    def progress(what, done, total):
        if what.startswith(f"epoch {epoch} ") and done == step:
            raise Stop

    return progress


@pytest.fixture
def data(tmp_path, monkeypatch):
    use_hash_text_encoder(monkeypatch)
    return make_data(tmp_path / "data")


RUNS = {
    "frozen": lambda: toy_recipe(freeze_backbone=True),
    "free": lambda: toy_recipe(freeze_backbone=False),
    "captions": lambda: toy_captioning(toy_tag2text(seen_separator=" ; ")),
}


@pytest.fixture(scope="module", params=RUNS.values(), ids=RUNS)
def whole(request, tmp_path_factory):
    """The recipe of an uninterrupted run, and the folder of its data and its output."""
    with pytest.MonkeyPatch.context() as patch:
        use_hash_text_encoder(patch)
        folder, recipe = tmp_path_factory.mktemp("whole"), request.param()
        train(recipe, make_data(folder / "data"), folder / "run")
    return recipe, folder


def differing(first, second):
    """Names of tensors that differ between the files of two runs."""
    found = []
    for file in ("state.safetensors", "model/model.safetensors", "model/bank.safetensors"):
        one, other = load_file(first / file), load_file(second / file)
        assert one.keys() == other.keys()
        found += [name for name in one if not torch.equal(one[name], other[name])]
    return found


@pytest.mark.parametrize("step", [1, 3])
def test_a_stopped_and_resumed_run_ends_bit_by_bit_alike(whole, tmp_path, monkeypatch, step):
    use_hash_text_encoder(monkeypatch)
    recipe, folder = whole
    with pytest.raises(Stop):
        train(recipe, folder / "data", tmp_path / "stopped", progress=stop_in(2, step))
    assert not (tmp_path / "stopped/model").exists()
    train(recipe, folder / "data", tmp_path / "stopped", resume=True)
    assert differing(folder / "run", tmp_path / "stopped") == []
    runs = folder / "run", tmp_path / "stopped"
    without_time = [[{**record, "seconds": 0} for record in curve(run)] for run in runs]
    assert without_time[0] == without_time[1]
    thresholds = [(run / "model/vocabulary.csv").read_text() for run in runs]
    assert thresholds[0] == thresholds[1]


def test_other_seeds_end_elsewhere(data, tmp_path):
    ends = []
    for seed in (1, 2, 1):
        output = tmp_path / str(len(ends))
        train(toy_recipe(epochs=1, seed=seed), data, output)
        ends.append(load_file(output / "state.safetensors")["model/head.weight"])
    assert torch.equal(ends[0], ends[2]) and not torch.equal(ends[0], ends[1])


def test_resuming_reuses_patches_and_captions(data, tmp_path):
    told = []
    train(toy_recipe(epochs=1), data, tmp_path / "run", progress=lambda what, done, total: told.append(what))
    assert {what.split()[0] for what in told} == {"checking", "looking", "embedding", "epoch"}
    told.clear()
    recipe = toy_recipe(epochs=2)
    train(recipe, data, tmp_path / "run", resume=True, progress=lambda what, done, total: told.append(what))
    assert set(told) == {"epoch 2 of 2"}


def test_an_output_that_holds_a_run_is_refused_without_resume(data, tmp_path):
    train(toy_recipe(epochs=1), data, tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="'run' already holds a run.*--resume.*--output"):
        train(toy_recipe(epochs=1), data, tmp_path / "run")
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


def test_resuming_with_another_model_is_refused(data, tmp_path):
    train(toy_recipe(epochs=1), data, tmp_path / "run")
    other = toy_recipe(toy_model(normalize_tokens=False))
    with pytest.raises(ValueError, match="does not continue this recipe"):
        train(other, data, tmp_path / "run", resume=True)


def test_a_killed_run_resumes_and_ends_bit_by_bit_alike(data, tmp_path):
    recipe = toy_recipe(epochs=4, batch=4, log_every=5)
    often = dataclasses.replace(recipe, schedule=dataclasses.replace(recipe.schedule, save_minutes=0.0))
    state = tmp_path / "killed/state.safetensors"
    child = forked(train, often, data, tmp_path / "killed")
    child.start()
    while child.is_alive() and not (1 <= position(state)["epoch"] and position(state)["step"]):
        child.join(0.005)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert child.exitcode == -signal.SIGKILL and not (tmp_path / "killed/model").exists()
    reached = position(state)
    steps = []
    train(recipe, data, tmp_path / "killed", resume=True, progress=lambda *told: steps.append(told))
    assert steps[0] == (f"epoch {reached['epoch'] + 1} of 4", reached["step"] + 1, 6)
    train(recipe, data, tmp_path / "whole")
    assert differing(tmp_path / "whole", tmp_path / "killed") == []
    for kind in (True, False):
        lines = [curve(tmp_path / run, steps=kind) for run in ("whole", "killed")]
        timeless = [[{**x, "seconds": 0, "pictures_per_second": 0} for x in each] for each in lines]
        assert timeless[0] == timeless[1]


def position(state):
    """Where a saved run stands; at the beginning as long as nothing is saved."""
    if not state.is_file():
        return {"epoch": 0, "step": 0}
    whole = state.read_bytes()  # safe_open opens twice, and may find two files
    header = json.loads(whole[8 : 8 + int.from_bytes(whole[:8], "little")])
    return json.loads(header["__metadata__"]["numbers"])["position"]
