"""Shipping: probabilities change, rankings do not."""

import dataclasses

import numpy as np
import pytest
import torch

from benchmarks import ship_model
from benchmarks.development_sets import read_labelled
from benchmarks.everyday_labels import FOLDER as EVERYDAY
from benchmarks.labelled_photos import is_held_out, load_labelled
from benchmarks.ship_model import describe_classes, fit_cut, fold, mean_of, score, strengths, thresholds_like
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


def test_a_class_is_described_by_the_tag_that_it_means_or_by_its_gloss(monkeypatch):
    model, bank = whole_model(), tiny_bank()
    classes, tags = len(model.words.words), len(bank)
    own = torch.zeros(classes, tags)
    own[3, 1] = 1
    glosses = torch.randn(classes, whole_config().dim)
    encoder = type("Glosses", (), {"encode": lambda self, texts: glosses})()
    monkeypatch.setattr(ship_model, "class_membership", lambda ids, kinds: own)
    monkeypatch.setattr(ship_model, "class_glosses", lambda: [""] * classes)
    monkeypatch.setattr(ship_model, "build_text_encoder", lambda name: encoder)
    before = model.words.words.clone()
    describe_classes(model, bank)
    described = model.words.described + model.words.center
    wanted = torch.nn.functional.normalize(glosses, dim=1)
    wanted[3] = torch.nn.functional.normalize(bank.embedded.mean()[1].float(), dim=0)
    torch.testing.assert_close(described, wanted, atol=1e-5, rtol=0)
    assert torch.equal(model.words.words, before)
