"""Winning descriptions of many photos equal the tagger's, also in the plot."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from PIL import Image

from demo.core.album import Album, AlbumPhoto, tag_album
from demo.core.feature_cache import FeatureCache
from demo.core.winners import find_winners, matrix
from demo.views.plots import to_svg, weights_figure
from ram.errors import InputError
from ram.models.image_encoder import ImageFeatures
from tests.tiny import tiny_tagger

CORGI = ("a photo of a corgi.", "a small dog with short legs", "$x^2$ <b>", "large ears")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def tagger():
    return tiny_tagger()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for i in range(3):
        pixels = np.random.default_rng(i).integers(0, 255, (60, 80, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def cache():
    return FeatureCache()


@pytest.fixture(scope="module")
def album(tagger, files, cache):
    return list(tag_album(tagger, files, cache))[-1]


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_winners_equal_the_taggers_and_are_sorted(tagger, album, files, cache):
    bank = tagger.embed({"corgi": CORGI})
    (found,) = find_winners(tagger, album, bank, cache)
    alone = {path.name: tagger.score(tagger.look(path), bank)["corgi"] for path in files}
    rows = found.rows()
    assert {row["photo"]: row["description"] for row in rows} == {n: s.descriptions[0].text for n, s in alone.items()}
    for row in rows:
        assert row["probability"] == pytest.approx(alone[row["photo"]].probability, abs=1e-4)
        assert row["weight"] == pytest.approx(alone[row["photo"]].descriptions[0].weight, abs=1e-4)
    assert [row["probability"] for row in rows] == sorted((row["probability"] for row in rows), reverse=True)


def large_album(tagger, cache, count):
    """Photos with random features, named by their index."""
    drawn = torch.Generator().manual_seed(0)
    tokens = torch.randn(count, 1, 5, tagger.config.dim, generator=drawn)
    none = np.zeros(0)
    photos = tuple(
        AlbumPhoto(str(i), (4, 3), b"", none, none, none, cache.add(ImageFeatures(one))) for i, one in enumerate(tokens)
    )
    return Album("tiny", tagger.bank.vocabulary, tagger.bank.sentences, count, photos)


def test_large_albums_are_scored_and_highlights_shown(tagger):
    cache = FeatureCache()
    (found,) = find_winners(tagger, large_album(tagger, cache, 60), tagger.embed({"corgi": CORGI}), cache)
    assert len(found.photos) == len(found.rows()) == 60 and found.left_out == 0
    probabilities = [won.score.probability for won in found.photos]
    highest, closest, lowest = ([won.score.probability for won in kind] for kind in found.highlights().values())
    assert highest == sorted(probabilities)[:-9:-1] and lowest == sorted(probabilities)[:8][::-1]
    others = [p for p in probabilities if p not in highest + lowest]
    assert closest == sorted(sorted(others, key=lambda p: abs(p - 0.5))[:8], reverse=True)
    assert found.over == sum(p > 0.5 for p in probabilities)
    (few,) = find_winners(tagger, large_album(tagger, cache, 24), tagger.embed({"corgi": CORGI}), cache)
    assert [*few.highlights().values()] == [few.photos]


def test_photos_with_removed_features_are_counted(tagger):
    photo = 5 * tagger.config.dim * 4
    cache = FeatureCache(max_bytes=3 * photo)
    album = large_album(tagger, cache, 5)
    (found,) = find_winners(tagger, album, tagger.embed({"corgi": CORGI}), cache)
    assert (sorted(won.photo.name for won in found.photos), found.left_out) == (["2", "3", "4"], 2)
    another = large_album(tagger, cache, 3)
    with pytest.raises(InputError, match="tag them again"):
        find_winners(tagger, album, tagger.embed({"corgi": CORGI}), cache)
    assert len(find_winners(tagger, another, tagger.embed({"corgi": CORGI}), cache)[0].photos) == 3


def test_no_photos_are_an_error(tagger, files, cache):
    with pytest.raises(InputError, match="no photos"):
        find_winners(tagger, next(tag_album(tagger, files, cache)), tagger.embed({"corgi": CORGI}), cache)


def test_several_categories_have_the_scores_of_each_alone(tagger, album, cache):
    described = {"corgi": CORGI, "kite": ("a kite.",)}
    together = find_winners(tagger, album, tagger.embed(described), cache)
    for found, (category, sentences) in zip(together, described.items(), strict=True):
        (alone,) = find_winners(tagger, album, tagger.embed({category: sentences}), cache)
        assert found.category == category and found.rows() == alone.rows()
    rows = matrix(together)
    best = [max(row["corgi"], row["kite"]) for _, row in rows]
    assert best == sorted(best, reverse=True)
    assert {name: row["kite"] for name, row in rows} == {r["photo"]: r["probability"] for r in together[1].rows()}


@pytest.mark.parametrize("width", [800, 230])
@pytest.mark.parametrize("count", [1, 4, 51])
def test_weights_are_drawn_with_the_winners_number(tagger, album, cache, width, count):
    told = [f"{CORGI[i % 4]} {i}" for i in range(count)]
    (found,) = find_winners(tagger, album, tagger.embed({"corgi": told}), cache)
    svg = to_svg(weights_figure(found, width))
    shown, root = texts(svg), ET.fromstring(svg)
    for row, won in enumerate(found.photos):
        winner = told.index(won.score.descriptions[0].text)
        assert f"{winner + 1}: {won.weights.max():.0%}" in shown
        assert won.photo.name in shown
        bars = [e for e in root.iter() if (e.get("id") or "").startswith(f"weight-{row}-")]
        assert len(bars) == count
