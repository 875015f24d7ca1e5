"""Models are compared on shared tags, grouped by verdict."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from demo.core.comparison import (
    DIFFER,
    MAX_SHOWN,
    NO,
    YES,
    ModelComparison,
    compare,
    predefined_banks,
    shared_tags,
)
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


def test_categories_are_grouped_by_verdict():
    vocabulary = TagVocabulary.of((f"tag {i}" for i in range(200)), 0.5)
    other = dataclasses.replace(vocabulary, thresholds=(0.7,) * 200)
    rng = np.random.default_rng(0)
    found = {m: rng.random(200).astype(np.float32) for m in ("a", "b", "c")}
    scores = {
        m: Prediction(other if m == "c" else vocabulary, [("x",)] * 200, p, np.ones((200, 1)))
        for m, p in found.items()
    }
    result = ModelComparison(scores, {}, {})
    groups = result.groups
    for tag in vocabulary.tags:
        votes = {prediction[tag].present for prediction in scores.values()}
        expected = DIFFER if len(votes) == 2 else YES if votes == {True} else NO
        assert [group for group, tags in groups.items() if tag in tags] == [expected]
    apart = {tag: max(p[tag].probability for p in scores.values()) - min(p[tag].probability for p in scores.values())
             for tag in vocabulary.tags}  # fmt: skip
    highest = {tag: max(p[tag].probability for p in scores.values()) for tag in vocabulary.tags}
    for group, by in ((DIFFER, apart), (YES, highest), (NO, highest)):
        values = [by[tag] for tag in groups[group]]
        assert values == sorted(values, reverse=True) and len(values) > 1
    assert result.total == 200 and len(result.shown()[DIFFER]) == MAX_SHOWN < len(groups[DIFFER])
    first = result.rows()[0]
    assert first["category"] == groups[DIFFER][0] and first["verdict"] == DIFFER
    assert first["apart"] == pytest.approx(apart[first["category"]], abs=2e-4)


def test_one_model_alone_differs_from_none(taggers, photo):
    alone = Photo({"plus": photo.features["plus"]}, photo.seconds)
    groups = compare(taggers, alone, predefined_banks(taggers)).groups
    assert groups[DIFFER] == () and len(groups[YES]) + len(groups[NO]) == 2


def test_looking_is_timed_for_each_model(taggers, tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    *_, last = Workbench(taggers, lambda name: None).tag(tmp_path / "a.png")
    assert set(last.photo.seconds) == {"plus", "plain"} and min(last.photo.seconds.values()) > 0
    assert all(isinstance(each.tokens, torch.Tensor) for each in last.photo.features.values())
