"""The learning curve has every measurement once, in JSON lines and in TensorBoard."""

import importlib.util
import json

import pytest

from ram.training.log import LearningCurve


def lines(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_every_measurement_is_a_line_with_six_digits(tmp_path):
    with LearningCurve(tmp_path) as curve:
        curve.add(7, step=7, tagging=1 / 3)
        assert lines(tmp_path) == [{"step": 7, "tagging": 0.333333}]  # to be seen at once
        curve.add(8, epoch=1, dev_mAP=0.25)
    assert lines(tmp_path) == [{"step": 7, "tagging": 0.333333}, {"epoch": 1, "dev_mAP": 0.25}]


def test_what_was_written_after_the_saved_length_is_dropped(tmp_path):
    with LearningCurve(tmp_path) as curve:
        curve.add(1, step=1, tagging=0.5)
        saved = curve.length()
        curve.add(2, step=2, tagging=0.4)
    with LearningCurve(tmp_path, saved, 2) as curve:
        curve.add(2, step=2, tagging=0.3)
    assert [(line["step"], line["tagging"]) for line in lines(tmp_path)] == [(1, 0.5), (2, 0.3)]


def test_tensorboard_has_the_same_points(tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with LearningCurve(tmp_path) as curve:
        for step in (1, 2):
            curve.add(step, step=step, tagging=1.0 / step)
        curve.add(2, epoch=1, dev_mAP=0.25)
    board = events.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(point.step, point.value) for point in board.Scalars("step/tagging")] == [(1, 1.0), (2, 0.5)]
    assert [(point.step, point.value) for point in board.Scalars("epoch/dev_mAP")] == [(2, 0.25)]


def test_missing_tensorboard_is_logged_and_changes_no_line(tmp_path, monkeypatch, caplog):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorboard" else find(name))
    with caplog.at_level("INFO"), LearningCurve(tmp_path) as curve:
        curve.add(1, step=1, tagging=0.5)
    assert "TensorBoard is not installed (part of ram[train])" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]
