"""A model divided among processes learns as a whole one, and its state goes on with any number of processes."""

import os

import pytest
import torch
from safetensors.torch import load_file

from ram.cli import main
from ram.models.build import build_model
from ram.training.distributed import join_world
from ram.training.recipe import ScheduleRecipe
from ram.training.sharding import ShardedModel, whole
from tests.toy_run import TOML, curve, make_data, toy_model, use_hash_text_encoder
from tests.training.test_distributed import together

SWIN = 'options = {img_size = 64, window_size = 2, embed_dim = 8, depths = [1, 1, 1, 1], num_heads = [1, 2, 4, 8]}'
SCHEDULE = "batch = 12\naverage = 0.5\nprecision = 'float32'\nlog_every = 1\nsave_minutes = 0"
OBJECTIVES = "[objectives]\ntagging = 1.0\nalignment = 1.0\ncontrastive = 0.5\n"
RECIPES = {
    "frozen": TOML.replace("batch = 6", f"{SCHEDULE}\naccumulate = 2"),
    "swin": TOML.replace("pretrained = false", "pretrained = false\nfreeze_backbone = false")
    .replace('backbone = "test_efficientnet"', f'backbone = "swin_tiny_patch4_window7_224"\n{SWIN}')
    .replace("batch = 6", f"{SCHEDULE}\nfixed_pieces = 2"),  # which the backbone's stochastic depth needs
}

EQUAL = 2e-5
"""1e-5, and what the log rounds away of two losses: it has six digits."""


@pytest.fixture(params=RECIPES)
def folder(request, tmp_path, monkeypatch):
    use_hash_text_encoder(monkeypatch)
    make_data(tmp_path / "data", train=36)
    recipe = RECIPES[request.param].replace("layers = 1}", "layers = 1, dropout = 0.0}") + OBJECTIVES
    (tmp_path / "plain.toml").write_text(recipe)
    (tmp_path / "sharded.toml").write_text(recipe.replace("log_every", "shard = true\nlog_every"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch, recipe, output, stop=None):
    """Train in two processes, until the first one is stopped before it has saved that step; the exit codes."""

    def process(rank):
        torch.set_num_threads(1)
        if stop is not None and rank == 0:

            def leave(self, what, done, total):
                if what.startswith("epoch") and (int(what.split()[1]) - 1) * total + done == stop + 1:
                    os._exit(3)

            monkeypatch.setattr("ram.cli.terminal.Progress.__call__", leave)
        return main(["train", recipe, "--data", "data", "--output", output, "--resume"])

    return together(process)


def assert_alike(first, second):
    """Losses of every step, dev mAP and saved tensors of two runs."""
    for kind in (True, False):
        for one, other in zip(curve(first, kind), curve(second, kind), strict=True):
            for name in one.keys() - {"pictures_per_second", "seconds", "gradient_norm"}:
                assert one[name] == pytest.approx(other[name], rel=0, abs=EQUAL if kind else 2e-3), (one, other, name)
    states = [load_file(run / "state.safetensors") for run in (first, second)]
    assert states[0].keys() == states[1].keys()
    for name, tensor in states[0].items():
        if name.startswith(("model/", "average/")) and "key.bias" not in name:  # has no gradient but rounding
            torch.testing.assert_close(tensor, states[1][name], atol=1e-4, rtol=1e-3, msg=name)
    models = [load_file(run / "model/model.safetensors") for run in (first, second)]
    assert models[0].keys() == models[1].keys()


@pytest.mark.slow
def test_a_sharded_model_learns_as_a_whole_one_and_resumes(folder, monkeypatch, capfd):
    assert run(monkeypatch, "plain.toml", "plain") == [0, 0]
    assert run(monkeypatch, "sharded.toml", "sharded", stop=4)[0] == 3
    if "swin" in (folder / "plain.toml").read_text():  # alone and whole
        assert main(["train", "plain.toml", "--data", "data", "--output", "sharded", "--resume"]) == 0
    else:
        assert run(monkeypatch, "sharded.toml", "sharded") == [0, 0]
    assert_alike(folder / "plain", folder / "sharded")


@pytest.mark.slow
def test_each_process_holds_half_of_the_weights():
    def process(rank):
        with join_world(torch.device("cpu")) as (world, device):
            model = build_model(toy_model())
            before = {name: p.detach().clone() for name, p in model.named_parameters()}
            ShardedModel(model, device, world.size)
            held = sum(p.to_local().numel() for p in model.parameters() if p.ndim)
            assert held == pytest.approx(sum(p.numel() for p in before.values()) / 2, rel=0.1)
            for name, parameter in model.named_parameters():
                assert torch.equal(whole(parameter.detach()), before[name])

    assert together(process) == [0, 0]


def test_sharding_refuses_float16():
    with pytest.raises(ValueError, match="schedule.shard does not go with precision 'float16'"):
        ScheduleRecipe(epochs=1, batch=2, learning_rate=1e-3, shard=True, precision="float16")
