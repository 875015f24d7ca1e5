"""A library: looks that stay, new categories without a second look, and search, on a tiny untrained model."""

import os
import shutil
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import torch
from PIL import Image

from ram import named_tags
from ram.errors import InputError
from ram.library import look_ranking, looks, photo_library
from ram.library.photo_library import PhotoLibrary
from ram.library.sidecars import Sidecars
from ram.models.image_encoder import ImageEncoder
from ram.tagger import Tagger
from tests.tiny import HashTextEncoder, tiny_bank, tiny_config, tiny_model, whole_config, whole_model

COUNT = 12


def picture(seed):
    """A photo of a few blocks."""
    blocks = np.random.default_rng(seed).integers(0, 255, (1 + seed % 4, 2, 3), np.uint8)
    return Image.fromarray(blocks.repeat(60 // len(blocks), 0).repeat(30, 1))


@pytest.fixture(scope="module")
def tagger():
    """Standardised for these photos: an untrained backbone hardly tells them apart."""
    model, bank = whole_model().eval(), tiny_bank().with_thresholds((0.0, 0.05, 1.0))
    made = Tagger(whole_config(), model, bank, HashTextEncoder)
    with torch.no_grad():
        patches = model.image_encoder.patches(torch.stack([made.transform(picture(i)) for i in range(COUNT)]))
        model.image_encoder.standardize.set(*(of(patches.flatten(0, 1), 0) for of in (torch.mean, torch.std)))
    return Tagger(whole_config(), model, bank, HashTextEncoder)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "photos"
    (root / "trip").mkdir(parents=True)
    for i in range(COUNT):
        picture(i).save(root / ("trip" if i % 2 else ".") / f"{i:02}.png")
    return root


@pytest.fixture
def library(folder, tagger):
    made = PhotoLibrary(folder, tagger)
    made.add()
    yield made
    made.close()


def photos(folder):
    return sorted(folder.glob("**/*.png"))


def names(found):
    return [photo.path.name for photo in found]


def best(folder, score, most=None):
    """Names of the photos by a score of each, computed one by one from the photos themselves."""
    return [photo.name for photo in sorted(photos(folder), key=lambda photo: -score(photo))[:most]]


def test_photos_are_looked_at_once(library, folder, tagger, monkeypatch):
    seen = []
    forward = ImageEncoder.forward
    monkeypatch.setattr(ImageEncoder, "forward", lambda self, x: seen.append(len(x)) or forward(self, x))
    assert library.add().photos == 0 and seen == []
    library.retag(tagger.embed({"kite": ["a kite."]}))
    library.search("a dog on a sofa", all=["dog"])
    assert seen == [] and len(library) == COUNT
    Image.new("RGB", (9, 9)).save(folder / "new.png")
    os.utime(folder / "00.png", ns=(1, 1))
    (folder / "02.png").unlink()
    (folder / "broken.png").write_bytes(b"no photo")
    added = library.add()
    assert (added.photos, added.gone, sum(seen)) == (2, 1, 2)
    assert [photo.name for photo, _ in added.faults] == ["broken.png"] and len(library) == COUNT
    again = PhotoLibrary(folder, tagger)
    assert len(again) == COUNT and "new.png" in names(again.search(all=["dog"], most=99))


def test_tags_are_those_of_the_tagger(library, folder, tagger):
    expected = {photo.name: tagger.tag(photo).tags for photo in photos(folder)}
    for tag in ("dog", "cat"):
        assert sorted(names(library.search(all=[tag], most=99))) == [n for n in sorted(expected) if tag in expected[n]]
    assert 0 < library.tags["cat"] < library.tags["dog"] == COUNT


def test_tags_may_be_required_offered_and_excluded(library):
    cats = set(names(library.search(all=["Cat"], most=99)))
    dogs = set(names(library.search(all=["dog"], most=99)))
    assert set(names(library.search(all=["dog", "cat"], most=99))) == cats & dogs
    assert set(names(library.search(any=["cat", "pine tree"], most=99))) == cats
    assert set(names(library.search(without=["cat"], most=99))) == dogs - cats
    assert library.search(all=["pine tree"]) == []
    with pytest.raises(InputError, match='no photo has been scored for "kite"'):
        library.search(any=["kite"])


def test_a_new_category_gets_the_exact_scores(library, folder, tagger):
    bank = tagger.embed({"kite": ["a kite.", "a toy in the wind"]}).with_thresholds((0.0,))
    exact = {photo.name: tagger.score(tagger.look(photo), bank)["kite"].probability for photo in photos(folder)}
    found = library.retag(bank, shortlist=None)["kite"]
    assert len(found) == COUNT and {p.path.name: p.score for p in found} == pytest.approx(exact, abs=0.02)
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    assert set(names(library.search(all=["kite"], most=99))) == set(exact)
    near = best(folder, lambda photo: float(tagger.nearness(tagger.look(photo), bank)[0, 0]))
    short = library.retag(bank, shortlist=5)["kite"]
    assert set(names(short)) == set(near[:5]) and library.tags["kite"] == 5
    assert {p.path.name: p.score for p in short} == pytest.approx({n: exact[n] for n in near[:5]}, abs=0.02)


def test_a_sentence_finds_by_pooled_token_first_then_by_decoder(library, folder, tagger, monkeypatch):
    sentence = "a dog on a sofa"
    vector = HashTextEncoder.vector(sentence)
    bank = tagger.embed({"sentence": [sentence]})

    def cosine(photo):
        return float(torch.nn.functional.normalize(tagger.look(photo).pooled[0], dim=0) @ vector)

    def score(photo):
        """The sum of the evidence: decoder, cosine, and the margin of the one tag named, whose threshold is 0."""
        look = tagger.look(photo)
        dog = tagger.score_batch(look, tagger.bank).logits[0, tagger.bank.vocabulary.id("dog")]
        decoder = tagger.score_batch(look, bank).logits[0, 0]
        margin = (dog - np.log(1e-6 / (1 - 1e-6))).clip(-named_tags.MOST, named_tags.MOST)
        return float(decoder) + tagger.contrast_scale * cosine(photo) + named_tags.WEIGHT * float(margin)

    monkeypatch.setattr(look_ranking, "CANDIDATES", 4)
    near = best(folder, cosine, 4)
    found = library.search(sentence, most=4)
    exact = {photo.name: score(photo) for photo in photos(folder) if photo.name in near}
    assert set(names(found)) == set(near) and {p.path.name: p.score for p in found} == pytest.approx(exact, abs=0.3)
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    assert len(library.search(sentence, most=7)) == 7, "more than the candidates"


def test_tags_that_a_sentence_names_count(library, tagger, monkeypatch):
    monkeypatch.setattr(named_tags, "WEIGHT", 0.0)
    without = {p.path.name: p.score for p in library.search("a cat", most=99)}
    monkeypatch.setattr(named_tags, "WEIGHT", 10.0)
    found = {p.path.name: p.score - without[p.path.name] for p in library.search("a cat", most=99)}
    cats = {p.path.name for p in library.search(all=["cat"], most=99)}
    assert cats and all((added > 0) == (name in cats) for name, added in found.items())


def test_photos_are_found_by_kind_and_by_day(library, folder):
    cats = set(names(library.search(all=["cat"], most=99)))
    assert set(names(library.search(all=["cat"], kinds=["animal"], most=99))) == cats
    assert len(library.search(kinds=["object"], most=99)) == COUNT and library.search(kinds=["scene"]) == []
    exif = Image.Exif()
    exif[306] = "2020:02:29 10:00:00"
    picture(1).save(folder / "leap.jpg", exif=exif)
    library.add()
    assert names(library.search(since=date(2020, 2, 29), until=date(2020, 2, 29))) == ["leap.jpg"]
    assert "leap.jpg" not in names(library.search(since=date(2020, 3, 1), most=99))
    assert names(library.newest(99))[-1] == "leap.jpg"


def test_a_photo_finds_those_like_it_without_itself(library, folder, tagger):
    one = folder / "trip" / "03.png"
    towards = torch.nn.functional.normalize(tagger.look(one).pooled[0], dim=0)

    def cosine(photo):
        return float(torch.nn.functional.normalize(tagger.look(photo).pooled[0], dim=0) @ towards)

    found = library.search(like=one, most=99)
    assert {p.path.name: p.score for p in found} == pytest.approx(
        {photo.name: cosine(photo) for photo in photos(folder) if photo != one}, abs=0.02
    )
    with Image.open(one) as picture:
        assert names(library.search(like=picture))[0] == "03.png"


def test_tags_are_written_and_undone(library, folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and ".ram" not in path.parts}
    assert library.write(Sidecars()) == []
    assert library.undo(Sidecars()) == COUNT
    assert before == {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and ".ram" not in p.parts}


def test_photos_whose_tags_cannot_be_written_stop_no_other(library, folder):
    (folder / "00.png.xmp").write_text("no XML")
    shutil.rmtree(folder / "trip")
    faults = dict(library.write(Sidecars()))
    assert set(faults) == {folder / "00.png", *(folder / "trip" / f"{i:02}.png" for i in range(1, COUNT, 2))}
    assert faults[folder / "00.png"].startswith("00.png.xmp is no XMP")
    assert faults[folder / "trip/01.png"] == "the tags of 01.png cannot be written: No such file or directory"
    assert (folder / "00.png.xmp").read_text() == "no XML"
    assert len([*folder.glob("*.xmp")]) == COUNT // 2


def test_a_library_is_of_one_model(library, folder, tagger):
    other = Tagger(replace(tiny_config(), name="other"), tiny_model(), tiny_bank(), HashTextEncoder)
    with pytest.raises(InputError, match="is of tiny, with other weights or"):
        PhotoLibrary(folder, other)
    retrained = Tagger(whole_config(), whole_model(seed=5), tiny_bank(), HashTextEncoder)
    with pytest.raises(InputError, match="is of tiny, with other weights or"):
        PhotoLibrary(folder, retrained)


def test_a_stopped_run_goes_on(folder, tagger, monkeypatch):
    monkeypatch.setattr(photo_library, "BATCH", 4)
    library = PhotoLibrary(folder, tagger)

    def stop(what, done, total):
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.add(stop)
    assert len(library) == 8
    assert library.add().photos == COUNT - 8 and len(library) == COUNT
    whole = PhotoLibrary(folder, tagger, folder.parent / "elsewhere")
    whole.add()
    a, b = ({p.path: p.score for p in one.search("a dog", most=99)} for one in (library, whole))
    assert a == pytest.approx(b)


@pytest.fixture
def patched(tagger):
    """A tagger whose looks have four patches."""
    config = replace(whole_config(), image=replace(whole_config().image, grid=2))
    model = whole_model(config=config)
    model.load_state_dict(tagger.model.state_dict())
    return Tagger(config, model, tagger.bank, HashTextEncoder)


def test_large_looks_are_tagged_again_and_searched(folder, patched, tmp_path, monkeypatch):
    bank = patched.embed({"kite": ["a kite in the sky."]})
    whole = PhotoLibrary(folder, patched, tmp_path / "whole")
    whole.add()
    exact = {photo.path: photo.score for photo in whole.retag(bank.with_thresholds((0.0,)))["kite"]}
    monkeypatch.setattr(looks, "MOST_BYTES", whole.looks().shape.nbytes - 1)
    small = PhotoLibrary(folder, patched, tmp_path / "small")
    small.add()
    assert whole.looks().shape.rank == 0 and small.looks().shape.rank == 3
    found = small.retag(bank.with_thresholds((0.0,)), shortlist=None)["kite"]
    assert {photo.path: photo.score for photo in found} == pytest.approx(exact, abs=0.05)
    like = photos(folder)[3]
    assert names(small.search(like=like)) == names(whole.search(like=like))
    whole.index.save_facts({"shape": "4 16 7"})  # as libraries have it that were made before looks had a limit
    for library in (whole, small):
        again, rows = PhotoLibrary(folder, patched, library.home), library.index.rows()
        assert torch.equal(again.looks().features(rows).tokens, library.looks().features(rows).tokens)
        again.close()
        library.close()


def test_two_runs_on_one_library_are_refused(library, folder, tagger):
    (folder / "more.png").write_bytes((folder / "00.png").read_bytes())

    def second(what, done, total):
        with pytest.raises(InputError, match="another run writes tags in"):
            PhotoLibrary(folder, tagger).add()

    assert library.add(second).photos == 1


def test_bad_input_is_one_sentence(folder, tagger, library):
    with pytest.raises(InputError, match="there is no folder"):
        PhotoLibrary(folder / "gone", tagger)
    with pytest.raises(InputError, match="nothing to search for"):
        library.search()
    with pytest.raises(InputError, match="not both"):
        library.search("a dog", like=folder / "00.png")
    (folder.parent / "b").mkdir()
    (folder.parent / "b" / "library.sqlite").write_bytes(b"no database" * 200)
    with pytest.raises(InputError, match="cannot be used as the index of a library"):
        PhotoLibrary(folder, tagger, folder.parent / "b")
    empty = PhotoLibrary(folder, tagger, folder.parent / "c")
    assert empty.search("a dog") == []
    with pytest.raises(InputError, match="run `ram library add` first"):
        empty.retag(tagger.embed({"kite": ["a kite."]}))


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_not_utf8_are_found(folder, tagger):
    os.rename(folder / "00.png", folder / os.fsdecode(b"caf\xe9.png"))
    library = PhotoLibrary(folder, tagger)
    library.add()
    assert os.fsdecode(b"caf\xe9.png") in names(library.search(all=["dog"], most=99))
