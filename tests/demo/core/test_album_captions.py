"""Captions of an album's photos, as a table to download."""

import csv
import io
import zipfile

import pytest
from PIL import Image

from demo.core.album import tag_album
from demo.core.album_captions import caption_album
from demo.core.feature_cache import FeatureCache
from ram.errors import RamError
from tests.captioners import let_caption
from tests.tiny import tiny_tagger


@pytest.fixture
def tagger(monkeypatch):
    let_caption(monkeypatch)
    return tiny_tagger()


@pytest.fixture
def album(tagger, tmp_path):
    for name in ("=red", "green", "blue"):
        Image.new("RGB", (40, 30), name.removeprefix("=")).save(tmp_path / f"{name}.png")
    files = [tmp_path / f"{name}.png" for name in ("=red", "green", "blue")]
    return list(tag_album(tagger, files, FeatureCache()))[-1]


def test_chosen_photos_are_captioned_one_by_one(tagger, album, tmp_path):
    steps = list(caption_album(tagger, album, [2, 0]))
    assert [done for done, _ in steps] == [1, 2]
    first, last = [list(csv.DictReader(io.StringIO(file.text))) for _, file in steps]
    assert first == last[:1] and list(last[0]) == ["image", "model", "caption", "tags"]
    assert [row["image"] for row in last] == ["blue.png", "./=red.png"]  # no formula for a spreadsheet
    assert last[0]["caption"] == tagger.caption(tmp_path / "blue.png") and last[0]["model"] == "tiny"


def test_a_photo_that_is_gone_is_told(tagger, album, tmp_path):
    (tmp_path / "green.png").unlink()
    with pytest.raises(RamError, match=r"green\.png|no longer kept"):
        list(caption_album(tagger, album, [0, 1]))


def test_photos_in_an_archive_are_read_there(tagger, tmp_path):
    Image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.write(tmp_path / "red.png", "holiday/red.png")
    album = list(tag_album(tagger, [tmp_path / "photos.zip"], FeatureCache()))[-1]
    before = sorted(tmp_path.rglob("*"))
    *_, (_, file) = caption_album(tagger, album, [0])
    (row,) = csv.DictReader(io.StringIO(file.text))
    assert row["caption"] == tagger.caption(tmp_path / "red.png")
    assert sorted(tmp_path.rglob("*")) == before
