"""Several processes train as one would alone."""

import contextlib
import os
import socket
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ram.cli import main
from ram.training.distributed import OtherProcessFailed, World, join_world
from ram.training.loop import train
from tests.forking import forked
from tests.toy_run import TOML, curve, make_data, toy_recipe, use_hash_text_encoder

pytestmark = pytest.mark.slow

CAPTIONER = """hidden = 24
heads = 2
intermediate = 48
encoder_layers = 2
decoder_layers = 1
tied_layers = 1
shared_words = true
positions = 24
tag_tokens = 12
min_length = 5
max_length = 14
attend_padding = false
attend_image = true
seen_separator = " ; "
dropout = 0.0"""
RECIPE = (
    TOML.replace("pretrained = false", "pretrained = false\nfreeze_backbone = false")
    .replace("layers = 1}", "layers = 1, dropout = 0.0}")  # whose draws differ
    .replace("batch = 6", "batch = 12\naverage = 0.5\ntags_per_step = 5\nprecision = 'float32'\nlog_every = 1")
    + "[objectives]\ntagging = 1.0\nalignment = 1.0\ncontrastive = 0.5\n"
)


def together(function, processes=2):
    """Run ``function(rank)`` in forked processes that ``torchrun`` might have started; their exit codes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def start(rank):
        places = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes}
        os.environ.update({name: str(value) for name, value in places.items()})
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
        code = function(rank)
        os._exit(code or 0)

    started = [forked(start, rank) for rank in range(processes)]
    for process in started:
        process.start()
    for process in started:
        process.join(timeout=120)
    return [process.exitcode for process in started]


CAPTIONS = (
    RECIPE.replace('text_encoder = "hash"\ndim = 16', 'text_encoder = "learned"\ndim = 49\nmax_descriptions = 1')
    .replace("[model.image]", f"reweight = false\n\n[model.captioner]\n{CAPTIONER}\n\n[model.image]")
    .replace("alignment = 1.0\ncontrastive = 0.5", "captioning = 1.0")
    + "[captions]\nwords = 'words.txt'\ntokens = 20\n[losses]\ntagging_scaled_to = 'captioning'\n"
)
"""Learned tags with a captioner, whose loss scales theirs."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    use_hash_text_encoder(monkeypatch)
    make_data(tmp_path / "data")
    (tmp_path / "toy.toml").write_text(RECIPE)
    (tmp_path / "captions.toml").write_text(CAPTIONS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("recipe", ["toy.toml", "captions.toml"])
def test_two_processes_train_as_one_and_only_the_first_prints(folder, capsys, recipe):
    command = ["train", recipe, "--data", "data", "--output"]

    def run(rank):
        with open(f"said{rank}.txt", "w") as said, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return main([*command, "two"])

    codes = together(run)
    assert codes == [0, 0], [Path(f"said{rank}.txt").read_text() for rank in range(2)]
    assert main([*command, "one"]) == 0
    one, two = curve(folder / "one", steps=True), curve(folder / "two", steps=True)
    assert len(one) == len(two) == 4
    for alone, shared in zip(one, two, strict=True):
        speeds = alone.pop("pictures_per_second"), shared.pop("pictures_per_second")
        assert min(speeds) > 0 and alone == pytest.approx(shared, rel=1e-4)
    for alone, shared in zip(curve(folder / "one"), curve(folder / "two"), strict=True):
        assert {**alone, "seconds": 0} == pytest.approx({**shared, "seconds": 0}, abs=2e-4)
    alone, shared = (load_file(folder / run / "state.safetensors") for run in ("one", "two"))
    assert alone.keys() == shared.keys()
    for name, tensor in alone.items():
        if name.startswith(("model/", "average/")) and not name.endswith("key.bias"):  # has no gradient but rounding
            torch.testing.assert_close(tensor, shared[name], atol=1e-4, rtol=1e-3, msg=name)
    assert (folder / "said1.txt").read_text() == ""
    said = (folder / "said0.txt").read_text()
    assert "toy is in two/model" in said and said.count("dev_mAP") == 2


def test_gathered_values_are_in_rank_order_with_gradients(folder):
    def run(rank):
        with join_world(torch.device("cpu")) as (world, _):
            own = torch.full((2, 3), float(rank + 1), requires_grad=True)
            everything = world.gather(own)
            assert everything[:, 0].tolist() == [1, 1, 2, 2]
            weights = torch.arange(12.0).reshape(4, 3)
            (everything * weights * (rank + 1)).sum().backward()  # 1 in the first process, 2 in the second
            assert torch.equal(own.grad, 3 * weights[2 * rank : 2 * rank + 2])

    assert together(run) == [0, 0]


def test_when_the_first_process_fails_the_others_end_too(folder):
    def run(rank):
        with join_world(torch.device("cpu")) as (world, _):
            try:
                with world.first_alone():
                    assert rank == 0
                    raise ValueError("broken data")
            except (ValueError, OtherProcessFailed) as error:
                return 3 if type(error) is (ValueError if rank == 0 else OtherProcessFailed) else 4

    assert together(run) == [3, 3]


def test_a_batch_must_divide_among_the_processes(tmp_path):
    with pytest.raises(ValueError, match=r"schedule.batch is 6: it must divide into 4 equal pieces"):
        train(toy_recipe(), tmp_path / "nothing", tmp_path / "run", world=World(0, 4))
    assert not (tmp_path / "run").exists()
