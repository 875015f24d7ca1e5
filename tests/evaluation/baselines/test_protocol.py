"""Baselines are measured like taggers, and say which tags and pictures they lack."""

import numpy as np
import pytest
from PIL import Image

from ram.errors import ImageError, InputError
from ram.evaluation.baselines.protocol import evaluate_baseline, score_with
from ram.evaluation.benchmarks import Benchmark


class ByColour:
    """Scores two tags by how red and how blue a picture is."""

    name, tags, probabilities = "by colour", ("blue", "red"), True

    def score(self, picture):
        red, _, blue = np.asarray(picture).mean(axis=(0, 1)) / 255
        return np.array([blue, red])


@pytest.fixture
def pictures(tmp_path):
    files = []
    for i, colour in enumerate([(250, 0, 10), (0, 0, 240), (100, 0, 30)]):
        files.append(tmp_path / f"{i}.png")
        Image.new("RGB", (8, 8), colour).save(files[-1])
    return tuple(files)


def test_a_baseline_is_measured_in_the_order_of_the_benchmark(pictures):
    targets = np.array([[1, 0], [0, 1], [1, 0]], bool)
    report = evaluate_baseline(ByColour(), Benchmark("colours", ("red", "blue"), pictures, targets))
    assert report.average_precisions.tolist() == [1, 1]
    assert report.rates.recall.tolist() == [0.5, 1] and report.rates.precision.tolist() == [1, 1]
    assert not report.predefined.any()


def test_a_tag_that_the_baseline_was_not_given_is_refused(pictures):
    benchmark = Benchmark("colours", ("green",), pictures, np.ones((3, 1), bool))
    with pytest.raises(InputError, match='by colour was not given the tag "green" of colours'):
        evaluate_baseline(ByColour(), benchmark)


def test_pictures_that_cannot_be_read_are_all_named(pictures, tmp_path):
    (tmp_path / "x.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match="1 of 4 pictures cannot be used: .*x.png"):
        score_with(ByColour(), (*pictures, tmp_path / "x.png"))


def test_times_are_measured_by_clock_and_processor(pictures):
    scored = score_with(ByColour(), pictures)
    assert scored.scores.shape == (3, 2) and scored.seconds > 0 and scored.processor_seconds >= 0
