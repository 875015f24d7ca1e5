"""A shortlist holds the tags nearest to the picture, whose scores are exact, and says nothing of the others."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.shortlist import measure, table
from ram.checkpoints.model_folder import save_model
from ram.models.scoring import CHUNK, Scorer
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from tests.tiny import (
    HashTextEncoder,
    tiny_bank,
    tiny_config,
    tiny_model,
    tiny_pixels,
    tiny_tagger,
    whole_config,
    whole_model,
)

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
def test_scores_of_a_shortlist_are_exact(config, model):
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


def test_a_shortlist_of_all_tags_is_the_bank(tagger):
    features = tagger.look(picture())
    assert tagger.shortlist(features, len(MANY)) is tagger.bank
    with pytest.raises(ValueError, match="keep at least 1"):
        tagger.shortlist(features, 0)


def test_a_shortlist_of_another_encoder_is_refused(tagger):
    features, bank = tagger.look(picture()), tiny_bank({"a": ["x"], "b": ["y"], "c": ["z"]})
    assert len(tagger.shortlist(features, 2, bank)) == 2
    other = TagEmbeddingBank(bank.vocabulary, bank.descriptions, bank.embedded, "clip-vit-b-16")
    with pytest.raises(ValueError, match="this bank is of 'clip-vit-b-16'"):
        tagger.shortlist(features, 2, other)


def test_several_pictures_are_shortlisted_each(tagger):
    several = tagger.tag([picture(0), picture(1)], shortlist=4)
    assert [p.vocabulary.tags for p in several] == [tagger.tag(picture(s), 4).vocabulary.tags for s in (0, 1)]


def test_the_ensemble_of_a_small_model_joins_in_the_order():
    model, bank = whole_model().requires_grad_(False), tiny_bank(MANY).embedded
    features = model.look(tiny_pixels())
    towards, scale = torch.nn.functional.normalize(features.pooled[0], dim=0), model.reweighting.log_scale.exp()
    cosines = bank.embeddings @ towards
    blended = (cosines * scale).masked_fill(~bank.mask, -torch.inf).softmax(1).mul(cosines).sum(1)
    terms = model.evidence(torch.zeros(1, bank.tags), features, model.prepare(bank))
    wanted = model.ensemble.config.shortlist_lift * blended + terms["pooled"][0] + terms["classifier"][0]
    near = Scorer(model).nearness(features, bank)[0]
    assert near.argsort().tolist() == wanted.argsort().tolist() != blended.argsort().tolist()
    torch.testing.assert_close(near - near[0], wanted - wanted[0], atol=1e-5, rtol=0)


@pytest.mark.slow
def test_the_benchmark_counts_the_recall_of_a_shortlist(tagger):
    looks, own, sizes = [tagger.look(picture(seed)) for seed in (0, 1, 2)], list(MANY)[:100], (20, 200)
    middle = np.quantile([tagger.score(look).probabilities for look in looks], 0.9)
    tagger = tagger.with_bank(tagger.bank.with_thresholds((float(middle),) * len(MANY)))
    wanted = {size: np.zeros(4, int) for size in (0, *sizes)}
    for look in looks:
        scored = {tag: tagger.score(look, tagger.bank.select([tag])).probabilities[0] for tag in MANY}
        order, near = sorted(MANY, key=lambda tag: -scored[tag]), nearest(tagger, look)
        over = {tag for tag in MANY if scored[tag] > middle}
        groups = (set(order[:5]), set(order[:10]), over, over - set(own))
        for size, counts in wanted.items():
            counts += [len(group & set(near[: size or None])) for group in groups]
    measured = measure(tagger, looks, sizes, own)
    assert {size: list(found.held.values()) for size, found in measured.items()} == {
        size: counts.tolist() for size, counts in wanted.items()
    }
    assert 0 < wanted[20][2] < wanted[200][2] < wanted[0][2] and all(len(m.seconds) == 3 for m in measured.values())
    percent = f"{100 * wanted[20][2] / wanted[0][2]:.1f}"
    assert next(line for line in table(measured) if line.startswith("| 20 |")).split(" | ")[3] == percent


def test_a_model_without_reweighting_has_no_shortlist():
    tagger = Tagger(replace(tiny_config(), reweight=False), tiny_model(), tiny_bank(MANY), HashTextEncoder)
    with pytest.raises(ValueError, match="tiny did not learn which texts an image is near to: leave"):
        tagger.tag(picture(), shortlist=3)


def test_the_command_line_scores_a_shortlist_and_what_was_typed(tmp_path, hash_encoder, ended):
    save_model(tmp_path / "model", tiny_config(), tiny_model(), tiny_bank(MANY))
    picture().save(tmp_path / "photo.png")
    flags = ("--model", tmp_path / "model", "--threshold", 0, "--json", "--describer", "template")
    code, out, err = ended("tag", tmp_path / "photo.png", *flags, "--shortlist", 3, "--tags", "corgi, TAG 7")
    names = {score["tag"] for score in json.loads(out)[0]["scores"]}
    assert code == 0 and {"corgi", "tag 7"} <= names and 3 <= len(names) <= 5
    code, _, err = ended("tag", tmp_path / "photo.png", *flags, "--shortlist", 0)
    assert code == 2 and "must be a positive integer" in err
