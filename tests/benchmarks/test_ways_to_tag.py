"""Tags by alignment, by tagging and by captions, on a model whose captions name the tags that it sees."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmarks.steering_cases import Words
from benchmarks.ways_to_tag import measure, named_tags, table
from ram.evaluation.benchmarks import Benchmark
from tests.captioners import let_caption
from tests.tiny import tiny_bank, tiny_tagger


def test_a_caption_names_tags_by_lemma_and_synonym():
    words = Words(frozenset({"dog", "ball", "hot dog"}), {"puppy": "dog"})
    found = named_tags([{"puppy", "grass"}, {"ball", "hot dog"}, set()], ["Ball", "dog", "hot dog"], words)
    assert found.tolist() == [[0, 1, 0], [1, 0, 1], [0, 0, 0]]


def test_the_three_ways_are_measured_alike(monkeypatch, tmp_path):
    let_caption(monkeypatch)
    bank = tiny_bank()
    every = tiny_tagger(bank=replace(bank, vocabulary=bank.vocabulary.with_thresholds([0.0] * len(bank))))
    tags, files = every.bank.vocabulary.tags, []
    for color in ("red", "blue"):
        files.append(tmp_path / f"{color}.png")
        Image.new("RGB", (32, 32), color).save(files[-1])
    targets = np.zeros((2, len(tags)), dtype=bool)
    targets[:, 0] = True
    words = Words(frozenset(tag.lower() for tag in tags))

    def names(captions):  # "a picture of TAG and TAG of MEAN by BEAMS"
        return [set(text.split(" of ")[1].lower().split(" and ")) for text in captions]

    results = measure(every, every, Benchmark("two", tags, tuple(files), targets), names, words)
    assert results["captions"]["OP"] == pytest.approx(1 / len(tags)) and results["captions"]["OR"] == 1
    assert results["captions"]["mAP"] is None and results["tagging"] == results["alignment"]
    lines = table(results)
    assert len(lines) == 5 and lines[-1].startswith("| captions | ") and lines[-1].endswith("| - |")
