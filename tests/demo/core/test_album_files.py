"""A photo of an album is found again, also in its archive."""

import zipfile
from hashlib import sha256

import pytest
from PIL import Image

from demo.core.album import tag_album
from demo.core.album_files import find_file
from demo.core.feature_cache import FeatureCache
from demo.core.links import View
from ram.errors import InputError
from tests.tiny import tiny_tagger


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (90, 60), "red").save(path)
    return path


def tagged(*files):
    return list(tag_album(tiny_tagger(), files, FeatureCache()))[-1]


def test_a_file_is_its_own(picture, tmp_path):
    (photo,) = tagged(picture).photos
    assert find_file(photo, tmp_path / "uploads") == picture


def test_a_photo_of_an_archive_is_unpacked_among_the_uploads(picture, tmp_path):
    packed, uploads = tmp_path / "all.zip", tmp_path / "uploads"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(picture, "trip/one/back\\slash.png")
        archive.write(picture, "trip/=1+1.png")
    album = tagged(packed)
    for photo in album.photos:
        path = find_file(photo, uploads)
        assert path.read_bytes() == picture.read_bytes()
        assert path.parent == uploads / sha256(picture.read_bytes()).hexdigest()  # where links look for uploads
        assert find_file(photo, uploads) == path
    assert View(upload="/".join(path.parts[-2:])).query()


def test_a_deleted_photo_is_told(picture, tmp_path):
    (photo,) = tagged(picture).photos
    picture.unlink()
    with pytest.raises(InputError, match="no longer kept here"):
        find_file(photo, tmp_path / "uploads")
