"""An uploaded pack becomes categories, or an error that says what is wrong with it."""

import pytest

from demo.core.pack_upload import add_pack
from demo.core.workbench import Workbench
from ram.errors import InputError
from ram.text.tag_packs import save_pack
from tests.demo.core.test_workbench import LEXICON, looked_at, photo_file, tagger, typed
from tests.tiny import HashTextEncoder, tiny_bank

PETS = {"corgi": ["short legs", "the face of a fox"], "KITE": ["a toy on a string"]}


@pytest.fixture
def bench():
    return Workbench([tagger("plus"), tagger("plain", max_descriptions=1, seed=1)], {"lexicon": LEXICON}.__getitem__)


@pytest.fixture
def packed(tmp_path):
    def write(descriptions, threshold=0.3):
        bank = tiny_bank(descriptions).with_thresholds((threshold,) * len(descriptions))
        save_pack(tmp_path / "pets.tagpack", bank, HashTextEncoder())
        return tmp_path / "pets.tagpack"

    return write


def test_tags_of_a_pack_have_the_scores_of_every_model(bench, packed, tmp_path):
    photo = looked_at(bench, photo_file(tmp_path))
    opened = add_pack(bench, packed(PETS), photo, None)
    assert opened.names == tuple(PETS) and opened.finished == set(PETS)
    scores = bench.score(photo, opened)
    for each in bench.taggers:
        wanted = each.score(photo.features[each.name], each.embed(PETS))
        for tag in PETS:
            assert scores[each.name][tag].probability == pytest.approx(wanted[tag].probability, abs=1e-3)
            assert scores[each.name][tag].threshold == 0.3


def test_sentences_of_a_pack_are_not_embedded_again(bench, packed, monkeypatch):
    def refuse(self, sentences):
        raise AssertionError(f"embedded again: {sentences}")

    path = packed(PETS)
    monkeypatch.setattr(HashTextEncoder, "encode", refuse)
    opened = add_pack(bench, path, None, None)
    assert [s.origin for s in opened.sentences["corgi"]] == ["pets.tagpack"] * 2


def test_a_pack_is_added_and_replaces_equal_categories(bench, packed):
    before = typed(bench, "robin, kite")
    opened = add_pack(bench, packed(PETS), None, before)
    assert opened.names == ("robin", "corgi", "KITE")
    assert opened.enabled("robin") == before.enabled("robin") and opened.enabled("KITE") == ("a toy on a string",)
    vocabulary = opened.banks["plus"].vocabulary
    assert dict(zip(vocabulary.tags, vocabulary.thresholds, strict=True)) == {"robin": 0.5, "corgi": 0.3, "KITE": 0.3}


def test_incomplete_categories_are_removed(bench, packed):
    *_, half_way, _ = bench.describe("robin, owl", "lexicon")
    assert half_way.names == ("robin", "owl") and half_way.finished == {"robin"}
    assert add_pack(bench, packed(PETS), None, half_way).names == ("robin", "corgi", "KITE")


def test_a_large_pack_shows_its_most_probable_tags(bench, packed, tmp_path):
    many = {f"tag {i}": [f"sentence {i}"] for i in range(50)}
    photo, path = looked_at(bench, photo_file(tmp_path)), packed(many)
    main = bench.taggers[0]
    best = main.score(photo.features["plus"], main.embed(many)).top(20)
    opened = add_pack(bench, path, photo, None)
    assert set(opened.names) == {score.tag for score in best}
    assert opened.messages == ("pets.tagpack has 50 tags: shown are 20, the most probable in this photo.",)
    assert add_pack(bench, path, None, None).names == tuple(many)[:20]


def test_an_invalid_pack_is_refused_with_a_sentence(bench, packed, tmp_path):
    whole = packed(PETS).read_bytes()
    for content in (b"", b"GIF89a", whole[:-1]):
        (tmp_path / "odd.tagpack").write_bytes(content)
        with pytest.raises(InputError, match="'odd.tagpack' is no usable tag pack"):
            add_pack(bench, tmp_path / "odd.tagpack", None, None)
    with pytest.raises(InputError, match="1001 tags are more than 1000"):
        add_pack(bench, packed({f"tag {i}": ["a"] for i in range(1001)}), None, None)
