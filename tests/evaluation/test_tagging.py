"""Pictures of a benchmark through a tagger: the same scores as one by one, and unusable pictures named."""

import numpy as np
import pytest
from PIL import Image

from ram.evaluation.benchmarks import Benchmark
from ram.evaluation.metrics import average_precisions
from ram.evaluation.pictures import look_at, sound_pictures
from ram.evaluation.tagging import evaluate_tagger, score_pictures
from tests.tiny import tiny_bank, tiny_tagger


@pytest.fixture
def pictures(tmp_path):
    """Ten pictures of noise: three batches, the last one short."""
    noise = np.random.default_rng(0).integers(0, 255, (10, 24, 32, 3), np.uint8)
    files = tuple(tmp_path / f"{i}.png" for i in range(10))
    for pixels, file in zip(noise, files, strict=True):
        Image.fromarray(pixels).save(file)
    return files


def cut_short(file):
    """Leave the header whole and half of the pixels."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def test_a_report_holds_what_the_tagger_says_of_each_picture(pictures):
    tagger = tiny_tagger(bank=tiny_bank().with_thresholds([0.1, 0.2, 0.3]))
    targets = np.random.default_rng(1).random((10, 3)) < 0.5
    report = evaluate_tagger(tagger, Benchmark("park", ("pine tree", "DOG", "dog"), pictures, targets))
    said = [[p["pine tree"].probability, p["dog"].probability, p["dog"].probability] for p in tagger.tag(pictures)]
    np.testing.assert_allclose(report.average_precisions, average_precisions(said, targets))
    assert report.thresholds.tolist() == [0.3, 0.1, 0.1] and report.predefined.all()


def test_tags_outside_the_vocabulary_count_as_described(pictures):
    bank = tiny_bank({"kite": ("it flies", "made of paper"), "dog": ("it barks",)})
    benchmark = Benchmark("park", ("dog", "kite"), pictures, np.eye(10, 2))
    tagger, told = tiny_tagger(), []
    report = evaluate_tagger(tagger, benchmark, bank, lambda *step: told.append(step))
    other = evaluate_tagger(tagger.with_bank(bank), benchmark)
    np.testing.assert_array_equal(report.average_precisions, other.average_precisions)
    assert report.predefined.tolist() == [True, False] and other.predefined.all()
    assert told == [("tiny looks at the pictures", done, 10) for done in (0, 4, 8)]
    with pytest.raises(ValueError, match='the bank does not hold "dog" of park'):
        evaluate_tagger(tagger, benchmark, bank.select(["kite"]))


def test_every_broken_image_is_named_and_none_is_scored(pictures):
    for i in (1, 2, 9):
        cut_short(pictures[i])
    names = [file.name for file in pictures]
    assert sound_pictures(names, dict(zip(names, pictures, strict=True)), "park") == pictures  # headers are whole
    broken = r"3 of 10 pictures cannot be used: 1.png is broken .*; 2.png is broken .*; 9.png is broken"
    with pytest.raises(ValueError, match=broken):
        score_pictures(tiny_tagger(), tiny_bank(), pictures)
    assert len(next(look_at(tiny_tagger(), pictures[3:])).tokens) == 4
