"""A run that is resumed by more or fewer processes has the same images in the same order, and the same losses."""

import json
import os

import pytest
import torch

from ram.cli import main
from ram.training.loop import Learner
from ram.training.recipe import ScheduleRecipe
from tests.toy_run import TOML, curve, make_data, use_hash_text_encoder
from tests.training.test_distributed import together

SCHEDULE = "batch = 12\naverage = 0.5\ntags_per_step = 5\nprecision = 'float32'\nlog_every = 1\nsave_minutes = 0"
RECIPES = {
    "dropout": TOML.replace("batch = 6", f"{SCHEDULE}\nfixed_pieces = 6")
    .replace("size = 64", "size = 64\ndropout = 0.2")
    + "[objectives]\ntagging = 1.0\nalignment = 1.0\ncontrastive = 0.5\n",
    "together": TOML.replace("batch = 6", SCHEDULE).replace("layers = 1}", "layers = 1, dropout = 0.0}")
    + "[objectives]\ntagging = 1.0\ncontrastive = 0.5\n",
}
"""Pieces of their own with dropout; all images of a step together without."""

STOPPED = 3
"""Exit code of a process that is stopped."""

EQUAL = 2e-5
"""1e-5, and what the log rounds away of two losses: it has six digits."""


@pytest.fixture(params=RECIPES)
def folder(request, tmp_path, monkeypatch):
    use_hash_text_encoder(monkeypatch)
    make_data(tmp_path / "data", train=48)
    (tmp_path / "toy.toml").write_text(RECIPES[request.param])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def seen_by(folder, name):
    """Let a process write the images of its pieces to a file, in order."""

    def take(self, step, draw, views, plain=Learner._take):
        pieces = [self._step.piece(round_) for round_ in range(self._step.rounds)]
        rows = [[piece, draw.ids[self._step.rows(draw, piece)].tolist()] for piece in pieces]
        result = plain(self, step, draw, views)
        with open(folder / f"{name}.jsonl", "a") as file:
            file.write(json.dumps([draw.epoch, step, rows]) + "\n")
        return result

    return take


def order(folder, names):
    """Epoch and step to the images of a whole batch, from the files of these runs; later ones repeat lost steps."""
    batches = {}
    for name in names:
        pieces = {}
        for file in folder.glob(f"{name}-*.jsonl"):
            for line in file.read_text().splitlines():
                epoch, step, rows = json.loads(line)
                pieces.setdefault((epoch, step), {}).update({piece: ids for piece, ids in rows})
        batches |= {place: [i for _, ids in sorted(found.items()) for i in ids] for place, found in pieces.items()}
    return batches


def run(folder, monkeypatch, name, processes, stop=None):
    """Train on, until the first process is stopped after so many steps in all; the exit codes."""

    def process(rank):
        torch.set_num_threads(1)
        monkeypatch.setattr(Learner, "_take", seen_by(folder, f"{name}-{processes}-{rank}"))
        if stop is not None and rank == 0:

            def leave(self, what, done, total):
                if what.startswith("epoch") and (int(what.split()[1]) - 1) * total + done == stop + 1:
                    os._exit(STOPPED)  # no state of this step

            monkeypatch.setattr("ram.cli.terminal.Progress.__call__", leave)
        return main(["train", "toy.toml", "--data", "data", "--output", name, "--resume"])

    return together(process, processes)


@pytest.mark.slow
def test_two_then_three_then_one_process_end_as_one(folder, monkeypatch, capfd):
    assert run(folder, monkeypatch, "whole", 1) == [0]
    assert run(folder, monkeypatch, "elastic", 2, stop=1)[0] == STOPPED
    assert run(folder, monkeypatch, "elastic", 3, stop=5)[0] == STOPPED
    assert run(folder, monkeypatch, "elastic", 1) == [0]
    whole, elastic = curve(folder / "whole", steps=True), curve(folder / "elastic", steps=True)
    assert [line["step"] for line in whole] == [line["step"] for line in elastic] == list(range(1, 9))
    for alone, shared in zip(whole, elastic, strict=True):
        for name in set(alone) - {"pictures_per_second", "gradient_norm"}:
            assert alone[name] == pytest.approx(shared[name], rel=0, abs=EQUAL), (alone["step"], name)
    images = order(folder, ["whole-1"])
    assert images == order(folder, ["elastic-2", "elastic-3", "elastic-1"]) and len(images) == 8
    assert all(len(set(ids)) == 12 for ids in images.values())


def test_fixed_pieces_are_alike_for_any_processes_that_divide_them():
    schedule = ScheduleRecipe(epochs=1, batch=12, learning_rate=1e-3, fixed_pieces=6)
    assert [schedule.pieces(processes) for processes in (1, 2, 3, 6)] == [6, 6, 6, 6]
    with pytest.raises(ValueError, match="schedule.fixed_pieces is 6: it must divide among 4 processes"):
        schedule.pieces(4)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"fixed_pieces": 5}, r"schedule.batch is 12: it must divide into 5 equal pieces \(schedule.fixed_pieces\)"),
        ({"fixed_pieces": 6, "accumulate": 2}, "fixed_pieces and accumulate both divide a batch"),
        ({"fixed_pieces": 6, "mosaics": 0.5}, "mosaics joins images of a whole step"),
        ({"fixed_pieces": -1}, "schedule.fixed_pieces is -1: it must not be negative"),
    ],
)
def test_fixed_pieces_that_do_not_fit_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        ScheduleRecipe(epochs=1, batch=12, learning_rate=1e-3, **changes)
