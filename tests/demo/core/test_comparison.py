"""Models are compared on shared tags, the largest differences first."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from demo.core.comparison import MAX_SHOWN, compare, predefined_banks, rank_by_difference, shared_tags
from demo.core.photos import Photo
from demo.core.workbench import Workbench
from ram.prediction import Prediction
from ram.tagger import Tagger
from ram.text.vocabulary import TagVocabulary
from tests.tiny import DESCRIPTIONS, HashTextEncoder, tiny_bank, tiny_config, tiny_model


def tagger(name, tags, seed, most=None):
    config = dataclasses.replace(tiny_config(most), name=name)
    bank = tiny_bank({tag: DESCRIPTIONS[tag][:most] for tag in tags})
    return Tagger(config, tiny_model(config, seed), bank, HashTextEncoder)


@pytest.fixture
def taggers():
    return tagger("plus", ("dog", "cat", "pine tree"), 0), tagger("plain", ("pine tree", "dog"), 1, most=1)


@pytest.fixture
def photo(taggers):
    picture = Image.effect_noise((80, 60), 90).convert("RGB")
    features = {each.name: each.look(picture) for each in taggers}
    return Photo(features, {"plus": 0.25, "plain": 0.5})


def test_only_tags_of_both_models_are_compared(taggers, photo):
    assert shared_tags(taggers) == ("dog", "pine tree")
    result = compare(taggers, photo, predefined_banks(taggers))
    assert result.total == 2 and result.look_seconds == {"plus": 0.25, "plain": 0.5}
    for each in taggers:
        alone = each.score(photo.features[each.name])
        for tag in ("dog", "pine tree"):
            assert result.scores[each.name][tag].probability == pytest.approx(alone[tag].probability, abs=1e-6)


def test_a_model_that_has_not_looked_is_left_out(taggers, photo):
    alone = Photo({"plus": photo.features["plus"]}, photo.seconds)
    assert list(compare(taggers, alone, predefined_banks(taggers)).scores) == ["plus"]


def test_time_is_measured_for_each_model(taggers, photo):
    times = iter([1.0, 1.25, 2.0, 2.5])
    found = compare(taggers, photo, predefined_banks(taggers), clock=lambda: next(times))
    assert found.score_seconds == {"plus": 0.25, "plain": 0.5}


def test_the_largest_differences_come_first():
    vocabulary = TagVocabulary.of(f"tag {i}" for i in range(20))
    rng = np.random.default_rng(0)
    found = {m: rng.random(20).astype(np.float32) for m in ("a", "b", "c")}
    scores = {m: Prediction(vocabulary, [("x",)] * 20, p, np.ones((20, 1))) for m, p in found.items()}
    result = rank_by_difference(scores, Photo({}, dict.fromkeys(found, 0.1)), dict.fromkeys(found, 0.1))
    apart = {f"tag {i}": max(p[i] for p in found.values()) - min(p[i] for p in found.values()) for i in range(20)}
    expected = sorted(apart, key=lambda tag: -apart[tag])[:MAX_SHOWN]
    assert [row["category"] for row in result.rows()] == expected and result.total == 20
    assert [row["apart"] for row in result.rows()] == pytest.approx([apart[tag] for tag in expected], abs=2e-4)


def test_looking_is_timed_for_each_model(taggers, tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    *_, last = Workbench(taggers, lambda name: None).tag(tmp_path / "a.png")
    assert set(last.photo.seconds) == {"plus", "plain"} and min(last.photo.seconds.values()) > 0
    assert all(isinstance(each.tokens, torch.Tensor) for each in last.photo.features.values())
