"""A shortlist holds the tags nearest to the picture, whose scores are exact, and says nothing of the others."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

import ram.build
from ram.checkpoints import save_model
from ram.embeddings import TagEmbeddingBank
from ram.tagger import CHUNK, Tagger
from tests.tiny import HashTextEncoder, tiny_bank, tiny_config, tiny_model, tiny_tagger, whole_config, whole_model

MANY = {f"tag {i}": [f"{i} says {k}" for k in range(1 + i % 5)] for i in range(CHUNK + 40)}


def picture(seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (50, 70, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def tagger():
    return tiny_tagger(bank=tiny_bank(MANY))


def nearest(tagger, features):
    """Tags by the weighted mean of their descriptions' cosines, one after the other, as RAM++ blends them."""
    towards, scale = torch.nn.functional.normalize(features.pooled[0], dim=0), tagger.model.reweighting.log_scale.exp()
    near = {}
    for tag, sentences in MANY.items():
        cosines = torch.stack([HashTextEncoder.vector(s) @ towards for s in sentences])
        near[tag] = float((cosines * scale).softmax(0) @ cosines)
    return sorted(near, key=lambda tag: -near[tag])


@pytest.mark.parametrize("most", [1, 7, 100])
def test_a_shortlist_is_the_nearest_tags_in_the_banks_order(tagger, most):
    features = tagger.look(picture())
    kept = tagger.shortlist(features, most).vocabulary.tags
    assert set(kept) == set(nearest(tagger, features)[:most])
    assert list(kept) == [tag for tag in MANY if tag in set(kept)]


def test_every_picture_has_its_own(tagger):
    first, second = (tagger.shortlist(tagger.look(picture(seed)), 20).vocabulary.tags for seed in (0, 1))
    assert first != second


@pytest.mark.parametrize("config, model", [(tiny_config, tiny_model), (whole_config, whole_model)])
def test_the_scores_of_a_shortlist_are_exact_and_other_tags_are_absent(config, model):
    tagger = Tagger(config(), model(), tiny_bank(MANY), HashTextEncoder)
    whole, short = tagger.tag(picture()), tagger.tag(picture(), shortlist=30)
    assert len(short) == 30
    for score in short:
        assert score.probability == pytest.approx(whole[score.tag].probability, abs=1e-6)
        assert score.threshold == whole[score.tag].threshold
        assert dict(zip([d.text for d in score.descriptions], score.descriptions, strict=True)).keys() == {
            d.text for d in whole[score.tag].descriptions
        }
    absent = next(tag for tag in MANY if tag not in short.vocabulary)
    with pytest.raises(ValueError, match=f"tag '{absent}' is not among the 30 tags"):
        short[absent]


def test_what_is_to_be_kept_stays_beside_the_nearest(tagger):
    features = tagger.look(picture())
    order = nearest(tagger, features)
    kept = tagger.shortlist(features, 5, keep=(order[-1], order[0])).vocabulary.tags
    assert set(kept) == {*order[:5], order[-1]}
    with pytest.raises(ValueError, match="'corgi' is not among"):
        tagger.shortlist(features, 5, keep=("corgi",))


def test_a_shortlist_of_all_is_the_bank_and_one_of_none_is_refused(tagger):
    features = tagger.look(picture())
    assert tagger.shortlist(features, len(MANY)) is tagger.bank
    with pytest.raises(ValueError, match="keep at least 1"):
        tagger.shortlist(features, 0)


def test_a_shortlist_of_any_bank_can_be_had_but_not_of_another_encoders(tagger):
    features, bank = tagger.look(picture()), tiny_bank({"a": ["x"], "b": ["y"], "c": ["z"]})
    assert len(tagger.shortlist(features, 2, bank)) == 2
    other = TagEmbeddingBank(bank.vocabulary, bank.descriptions, bank.embedded, "clip-vit-b-16")
    with pytest.raises(ValueError, match="this bank is of 'clip-vit-b-16'"):
        tagger.shortlist(features, 2, other)


def test_several_pictures_are_shortlisted_each(tagger):
    several = tagger.tag([picture(0), picture(1)], shortlist=4)
    assert [p.vocabulary.tags for p in several] == [tagger.tag(picture(s), 4).vocabulary.tags for s in (0, 1)]


def test_the_command_line_scores_a_shortlist_and_what_was_typed(tmp_path, monkeypatch, ended):
    monkeypatch.setitem(ram.build.TEXT_ENCODERS, "hash", lambda *placed: HashTextEncoder())
    save_model(tmp_path / "model", tiny_config(), tiny_model(), tiny_bank(MANY))
    picture().save(tmp_path / "photo.png")
    flags = ("--model", tmp_path / "model", "--threshold", 0, "--json", "--describer", "template")
    code, out, err = ended("tag", tmp_path / "photo.png", *flags, "--shortlist", 3, "--tags", "corgi, TAG 7")
    names = {score["tag"] for score in json.loads(out)[0]["scores"]}
    assert code == 0 and {"corgi", "tag 7"} <= names and 3 <= len(names) <= 5
    code, _, err = ended("tag", tmp_path / "photo.png", *flags, "--shortlist", 0)
    assert code == 2 and "give a whole number from 1 up" in err
