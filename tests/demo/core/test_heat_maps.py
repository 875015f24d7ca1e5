"""A heat map is that of its tag in the photo as the model saw it; where a model cannot tell there is none."""

from types import SimpleNamespace

import numpy as np
from PIL import Image

from demo.core import heat_maps
from demo.core.heat_maps import HeatMaps
from demo.core.photos import look
from ram.images.opening import open_image
from ram.regions.finding import find_regions
from ram.regions.occlusion import look_at_patches, occlusion_maps


def photo_of(tagger, folder, seed=0):
    path = folder / f"{seed}.png"
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (900, 700, 3), np.uint8)).save(path)
    return next(look([tagger], path)).photo


def expected(tagger, image, bank, tag):
    return occlusion_maps(tagger, look_at_patches(tagger, open_image(image)), bank.select([tag]))[0]


def test_a_map_is_that_of_its_tag_in_the_whole_photo(tagger, tmp_path):
    maps, photo = HeatMaps(tagger), photo_of(tagger, tmp_path)
    for tag in ("dog", "cat"):
        drawn, own = maps.draw(photo, tagger.bank, tag), expected(tagger, photo.source, tagger.bank, tag)
        np.testing.assert_array_equal(drawn.effects, own.effects)
        assert drawn.greatest == own.greatest
    assert not np.array_equal(drawn.effects, maps.draw(photo, tagger.bank, "dog").effects)


def test_the_backbone_runs_once_for_a_photo(tagger, tmp_path, monkeypatch):
    maps, photo, looks = HeatMaps(tagger), photo_of(tagger, tmp_path), []
    monkeypatch.setattr(heat_maps, "look_at_patches", lambda *given: looks.append(1) or look_at_patches(*given))
    assert maps.kept(photo, tagger.bank, "dog") is None
    first = maps.draw(photo, tagger.bank, "dog")
    maps.draw(photo, tagger.bank, "cat")
    assert looks == [1] and maps.draw(photo, tagger.bank, "dog") is maps.kept(photo, tagger.bank, "dog") is first


def test_the_box_of_a_tag_is_that_of_its_region(tagger, tmp_path, monkeypatch):
    maps, photo = HeatMaps(tagger), photo_of(tagger, tmp_path)
    maps.draw(photo, tagger.bank, "dog")
    monkeypatch.setattr(heat_maps, "look_at_patches", None)  # its patches are kept
    (region,) = find_regions(tagger, photo.source, tagger.bank.select(["dog"]), 0.0)
    assert maps.box(photo, tagger.bank, "dog") == region.box
    monkeypatch.setattr(heat_maps, "evidence_of_patches", None)
    assert maps.box(photo, tagger.bank, "dog") == region.box


def test_other_sentences_have_another_map(tagger, tmp_path):
    maps, photo = HeatMaps(tagger), photo_of(tagger, tmp_path)
    edited = tagger.embed({"dog": ["an animal that barks"]})
    maps.draw(photo, tagger.bank, "dog")
    assert maps.kept(photo, edited, "dog") is None
    drawn = maps.draw(photo, edited, "dog")
    np.testing.assert_array_equal(drawn.effects, expected(tagger, photo.source, edited, "dog").effects)


def test_the_oldest_photos_and_tags_are_forgotten(tagger, tmp_path, monkeypatch):
    monkeypatch.setattr(heat_maps, "MAX_PHOTOS", 2)
    maps, photos = HeatMaps(tagger), [photo_of(tagger, tmp_path, seed) for seed in range(3)]
    for index, tag in ((0, "dog"), (1, "dog"), (0, "cat"), (2, "dog")):  # the second photo goes
        maps.draw(photos[index], tagger.bank, tag)
    assert [maps.kept(photo, tagger.bank, "dog") is not None for photo in photos] == [True, False, True]
    monkeypatch.setattr(heat_maps, "MAX_TAGS", 1)
    maps.draw(photos[2], tagger.bank, "cat")
    assert maps.kept(photos[2], tagger.bank, "dog") is None and maps.kept(photos[2], tagger.bank, "cat")


def test_a_photo_whose_file_was_deleted_is_drawn_from_its_copy(tagger, tmp_path):
    photo = photo_of(tagger, tmp_path)
    (tmp_path / "0.png").unlink()
    drawn = HeatMaps(tagger).draw(photo, tagger.bank, "dog")
    np.testing.assert_array_equal(drawn.effects, expected(tagger, photo.picture(), tagger.bank, "dog").effects)


def test_only_a_tagger_of_ours_that_knows_the_photo_can_draw(tagger, tmp_path):
    maps, photo = HeatMaps(tagger), photo_of(tagger, tmp_path)
    assert maps.can_draw(photo, tagger.bank, "dog")
    assert not maps.can_draw(None, tagger.bank, "dog") and not maps.can_draw(photo, None, "dog")
    assert not maps.can_draw(photo, tagger.bank, "no such tag")
    other = HeatMaps(SimpleNamespace(name=tagger.name))
    assert not other.can_draw(photo, tagger.bank, "dog") and other.kept(photo, tagger.bank, "dog") is None


def test_a_model_that_sees_one_piece_is_asked_once(tagger, tmp_path, monkeypatch):
    photo = photo_of(tagger, tmp_path)
    monkeypatch.setattr(heat_maps, "look_at_patches", lambda *given: look_at_patches(*given)[:, :1])
    maps = HeatMaps(tagger)
    assert maps.draw(photo, tagger.bank, "dog") is None and not maps.can_draw(photo, tagger.bank, "dog")
