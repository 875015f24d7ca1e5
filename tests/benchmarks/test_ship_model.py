"""Shipping: probabilities change, rankings do not."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import ship_model
from benchmarks.development_sets import kinds_left_open, read_labelled, tags_of_sources
from benchmarks.everyday_labels import FOLDER as EVERYDAY
from benchmarks.labelled_photos import is_held_out, load_labelled
from benchmarks.ship_model import (
    SURE,
    choose_thresholds,
    describe_classes,
    fit_cut,
    fold,
    limit_wrong,
    mean_of,
    score,
    strengths,
    thresholds_like,
)
from ram.images.transforms import EvalTransform
from ram.labels.label_system import LabelSystem
from ram.models.build import build_model
from ram.models.config import DecoderConfig
from ram.tagger import Tagger
from tests.tiny import HashTextEncoder, tiny_bank, whole_config, whole_model
from tests.toy_run import toy_model


def matching_model(seed):
    config = toy_model()
    decoder = DecoderConfig(**{**dataclasses.asdict(config.decoder), "matching": True})
    torch.manual_seed(seed)
    return build_model(dataclasses.replace(config, decoder=decoder))


@pytest.fixture
def model():
    return matching_model(0)


def test_scale_and_shift_are_folded_into_the_head(model):
    patches, bank = torch.randn(3, 4, model.image_encoder.project.in_features), tiny_bank()
    before = score(model, patches, bank)["decoder"]
    fold(model, 0.5, -1.25)
    assert score(model, patches, bank)["decoder"] == pytest.approx(0.5 * before - 1.25, abs=1e-5)


def test_the_cut_leaves_two_percent_of_the_photos_below():
    photos = np.random.default_rng(0).normal(4, 1, 1000).astype(np.float32)
    assert (photos < fit_cut(photos)).sum() == pytest.approx(20, abs=1)


def test_the_strength_of_a_shipped_model_is_that_of_its_tagger(model):
    bank, patches = tiny_bank(), torch.randn(1, 4, model.image_encoder.project.in_features)
    tagger = Tagger(dataclasses.replace(toy_model(), unlike_below=0.0), model.eval(), bank, HashTextEncoder)
    features = tagger.model.image_encoder.embed(patches)
    assert strengths(model, patches, bank) == pytest.approx(tagger.strength(features).value, abs=1e-5)


def test_the_mean_of_two_models_lies_between_them(model):
    other = matching_model(1)
    mine, theirs = ({name: x.clone() for name, x in one.state_dict().items()} for one in (model, other))
    mean_of(model, [other])
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            assert torch.allclose(value, (mine[name] + theirs[name]) / 2, atol=1e-6), name


def test_a_tag_that_is_not_shown_has_the_threshold_of_those_like_it():
    means = torch.tensor([[1.0, 0, 0], [0.9, 0.1, 0], [0.95, 0.05, 0], [0, 0, 1], [0, 0.1, 0.9]])
    thresholds = np.array([0.8, 0.6, 0.5, 0.3, 0.5])
    thresholds_like(thresholds, np.array([0, 1, 3]), means, count=2)
    assert thresholds.tolist()[:3] == [0.8, 0.6, 0.7]
    thresholds_like(thresholds, np.array([0, 1, 3]), means, count=1)
    assert thresholds.tolist()[3:] == [0.3, 0.3]


def test_a_threshold_rises_until_half_as_many_images_have_a_tag_wrongly_as_rightly():
    scores = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]]).repeat(3, axis=0).T
    targets, known = np.zeros((6, 3), bool), np.ones((6, 3), bool)
    targets[[2, 4, 5], 0] = True  # three have it: two of the others may, and the third of them has 0.6
    known[0, 2] = False  # none has it: none of the others may, and the highest of them has 0.8
    limited = limit_wrong(np.array([0.1, 0.95, 0.1]), scores, targets, known)
    assert limited.tolist() == [0.6, 0.95, 0.8]
    known[0, 2] = True  # one that is sure of it and wrong does not hide it for good
    assert limit_wrong(np.array([0.1, 0.95, 0.1]), 1.1 * scores, targets, known)[2] == SURE
    known[0, 2] = False
    shown = (scores > limited) & known & ~targets
    assert shown.sum(axis=0).tolist() == [2, 0, 0]


def test_a_tag_that_no_development_image_has_is_limited_by_those_that_lack_it():
    bank = tiny_bank()
    scores = np.full((4, len(bank)), 0.2)
    targets, known = np.zeros(scores.shape, bool), np.ones(scores.shape, bool)
    targets[0, 0], scores[0, 0], scores[1, 1] = True, 0.8, 0.87
    thresholds = choose_thresholds(scores, targets, known, bank)
    assert thresholds[0] == pytest.approx(0.5, abs=0.01)
    assert thresholds[1] == 0.87
    assert thresholds[2] == thresholds[0]


def test_a_dog_of_no_named_kind_may_be_any_kind_but_a_beagle_is_no_spaniel():
    tags = ["dog", "beagle", "spaniel", "cat"]
    targets = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]], dtype=bool)
    left_open = kinds_left_open(targets, tags, {"beagle": ["dog"], "spaniel": {"dog"}})
    assert left_open.tolist() == [[False, True, True, False], [False] * 4, [False] * 4]


def test_a_source_lists_the_tags_of_all_its_images_those_of_training_too(tmp_path):
    for name, path, ids in (
        ("broad_dev", "images/pacs/1.jpg", [0]), ("broad_pacs", "images/pacs/2.jpg", [1]),
        ("broad_open", "images/ikea/3.jpg", [2]), ("flickr8k_dev", "images/4.jpg", [2]),
    ):  # fmt: skip
        entries = [{"image_path": path, "union_label_id": ids}]
        (tmp_path / f"{name}.json").write_text(json.dumps(entries), encoding="utf-8")
    found = tags_of_sources(tmp_path, "broad", ["dog", "horse", "chair"])
    assert found == {"pacs": {"dog", "horse"}, "ikea": {"chair"}}


def test_the_labelled_photos_are_known_in_full_and_none_is_held_out(model):
    system = LabelSystem.load(EVERYDAY)
    ids = {tag: index for index, tag in enumerate(system.vocabulary.tags)}
    image = toy_model().image
    see = EvalTransform(image.size, image.mean, image.std, image.interpolation)
    found = read_labelled(ids, system, model, see)
    photos = load_labelled("choice").benchmark
    assert len(found.targets) == len(photos.pictures) == len(found.patches)
    assert found.targets.sum() == pytest.approx(photos.targets.sum(), rel=0.02)
    assert found.known.any(axis=0).sum() > 200
    assert not any(is_held_out(path.name) for path in photos.pictures)


def test_a_class_is_described_by_the_tag_that_it_means_and_by_its_gloss(monkeypatch):
    model, bank = whole_model(), tiny_bank()
    classes, tags = len(model.words.words), len(bank)
    own = torch.zeros(classes, tags)
    own[3, 1] = 1
    glosses = torch.randn(classes, whole_config().dim)
    encoder = SimpleNamespace(encode=lambda texts: glosses)
    monkeypatch.setattr(ship_model, "class_membership", lambda ids, kinds: own)
    monkeypatch.setattr(ship_model, "class_glosses", lambda: [""] * classes)
    before = model.words.words.clone()
    describe_classes(model, bank, encoder)
    described = model.words.described + model.words.center
    wanted = torch.nn.functional.normalize(glosses, dim=1)
    wanted[3] = torch.nn.functional.normalize(bank.embedded.mean()[1].float(), dim=0)
    torch.testing.assert_close(described, wanted, atol=1e-5, rtol=0)
    glosses = torch.nn.functional.normalize(glosses, dim=1)
    torch.testing.assert_close(model.words.glosses, glosses - glosses.mean(dim=0), atol=1e-5, rtol=0)
    assert torch.equal(model.words.words, before)
