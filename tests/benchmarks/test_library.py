"""The benchmark of libraries repeats looks as it says, and measures against the exact ranking."""

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import library
from benchmarks.library import category_times, grown, repeated, search_times, stored_loss
from benchmarks.ship_model import looking_closer
from ram.evaluation.benchmarks import Benchmark
from ram.evaluation.pictures import look_at
from ram.library.looks import LookShape, LookStore
from ram.library.photo_library import PhotoLibrary
from ram.models.image_encoder import ImageFeatures
from ram.tagger import Tagger
from tests.tiny import HashTextEncoder, tiny_bank, whole_config, whole_model


@pytest.fixture
def features():
    tokens = torch.nn.functional.layer_norm(torch.randn(5, 2, 16), (16,))
    return ImageFeatures(tokens, class_probabilities=torch.rand(5, 7))


def test_repeated_looks_are_near_to_their_own(features, tmp_path):
    store = LookStore(tmp_path, LookShape.of(features))
    store.write(0, features)
    repeated(features, store, 12)
    back = store.features(np.arange(12)).tokens
    assert (back[:5] - features.tokens).abs().max() < 0.05
    again = back[5:10] - features.tokens
    assert 0.03 < again.std() < 0.3 and not torch.equal(back[5], back[10])


def test_the_same_weights_look_closer_and_are_kept_by_rank(tmp_path):
    tagger = Tagger(*looking_closer(whole_config(), whole_model(), 96, 3), tiny_bank(), HashTextEncoder)
    assert [len(tokens) for tokens in tagger.look_at_pixels(torch.randn(2, 3, 96, 96)).tokens] == [10, 10]
    pictures = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(pictures):
        Image.new("RGB", (64, 48), (80 * number, 0, 99)).save(path)
    benchmark = Benchmark("three", ("dog", "cat"), tuple(pictures), np.eye(3, 2))
    features = ImageFeatures.join(list(look_at(tagger, pictures)))
    lines = [line for rank in (None, 2) for line in stored_loss(tagger, benchmark, tagger.bank, features, rank)]
    sizes = [16 + 4 + 7 + 9 * (16 + 4), 16 + 4 + 7 + 2 * (9 + 16 + 4)]
    assert lines[0].startswith(f"bytes a look: {sizes[0]}, whole patches (")
    assert lines[3].startswith(f"bytes a look: {sizes[1]}, patches of rank 2 (")


@pytest.fixture
def made(tmp_path):
    """A library of 5 pictures, grown to 12."""
    tagger = Tagger(whole_config(), whole_model(), tiny_bank(), HashTextEncoder)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number, colour in enumerate(("red", "green", "blue", "white", "black")):
        Image.new("RGB", (64, 48), colour).save(pictures / f"{number}.png")
    (tmp_path / "library").mkdir()
    return grown(tmp_path / "library", tagger, sorted(pictures.iterdir()), 12)


def test_a_library_grows_by_its_own_looks_and_tags(made):
    assert len(made) == 12 and len(made.index.rows()) == 12
    assert made.index.tags_of(0) == made.index.tags_of(5) == made.index.tags_of(10)
    assert made.looks().features(made.index.rows()).tokens.shape[0] == 12


def test_the_shortlist_is_compared_with_the_exact_ranking(made, monkeypatch):
    monkeypatch.setattr(library, "TOP", 4)
    monkeypatch.setattr(library, "CATEGORIES", ("kite", "corgi"))
    monkeypatch.setattr(library, "SHORTLIST", 12)
    assert "the shortlist holds 100.0 % (kite 100, corgi 100)" in "\n".join(category_times(made))
    monkeypatch.setattr(library, "SHORTLIST", 2)
    assert "holds 100.0 %" not in "\n".join(category_times(made))


@pytest.mark.slow
def test_a_first_search_is_that_of_a_new_process(made, monkeypatch):
    made.index.set_tag("dog", {0: 0.9, 5: 0.9})
    search, here = PhotoLibrary.search, []
    monkeypatch.setattr(PhotoLibrary, "search", lambda *given, **asked: here.append(asked) or search(*given, **asked))
    lines = list(search_times(made))
    assert [line.partition(":")[0] for line in lines] == [
        'search by a sentence, "a dog on a sofa"', "search by a tag, dog", "search by a photo"
    ]  # fmt: skip
    assert all("first" in line and "later" in line for line in lines) and len(here) == 3 * 6, "not the first ones"
