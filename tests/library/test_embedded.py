"""Tags within photos: every other field and every pixel stays, and the tags can be taken out again."""

import os

import numpy as np
import pytest
from PIL import Image

from ram.errors import InputError, MissingPackageError

pyexiv2 = pytest.importorskip("pyexiv2", reason="needs the extra ram[embed]")

from ram.library import embedded  # noqa: E402
from ram.library.embedded import CHARACTERS, KEYWORDS, EmbeddedTags  # noqa: E402

RECORD = {"model": "tiny", "tags": ["dog", "häuser"], "scores": [{"tag": "dog"}, {"tag": "häuser"}, {"tag": "sky"}]}
FORMATS = ("jpg", "png", "webp")


@pytest.fixture(params=FORMATS)
def photo(tmp_path, request):
    """A photo with Exif alone."""
    path = tmp_path / f"IMG.{request.param}"
    exif = Image.Exif()
    exif[0x010E] = "a description"
    exif[0x9286] = b"ASCII\0\0\0note"
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def fill(path):
    """Give a photo keywords and fields of other programs."""
    with pyexiv2.Image(str(path)) as image:
        pyexiv2.registerNs("http://example.com/n/", "other")
        image.modify_xmp({"Xmp.dc.subject": ["Dog", "sofa"], "Xmp.xmp.Rating": "4", "Xmp.other.field": "kept"})
        if path.suffix == ".jpg":
            fields = {KEYWORDS: ["Dog", "caf\xe9"], "Iptc.Application2.City": "Z\xfcrich"}
            image.modify_iptc(fields, "latin-1")


def state(path):
    """All fields and pixels of a photo."""
    with pyexiv2.Image(str(path)) as image:
        fields = image.read_xmp(), image.read_iptc("latin-1"), image.read_exif()
    with Image.open(path) as picture:
        return *fields, np.asarray(picture).tobytes()


def test_a_photo_without_tags_is_as_before_afterwards(photo):
    photo.chmod(0o640)
    before, fields = photo.read_bytes(), state(photo)
    assert EmbeddedTags().add(photo, RECORD) == (photo, ("dog", "häuser"))
    xmp, iptc, _, _ = state(photo)
    assert xmp["Xmp.dc.subject"] == ["dog", "häuser"] == xmp["Xmp.lr.hierarchicalSubject"]
    if photo.suffix == ".jpg":
        assert [word.encode("latin-1").decode() for word in iptc[KEYWORDS]] == ["dog", "häuser"]
        assert iptc[CHARACTERS] == "\x1b%G"
    assert EmbeddedTags().holds(photo, "tiny") and not EmbeddedTags().holds(photo, "other")
    assert EmbeddedTags().undo(photo) == ("dog", "häuser")
    assert photo.stat().st_mode & 0o777 == 0o640
    assert state(photo) == fields and not EmbeddedTags().holds(photo, "tiny")
    assert photo.suffix != ".jpg" or photo.read_bytes() == before


def test_fields_of_other_programs_stay(photo):
    fill(photo)
    before = state(photo)
    EmbeddedTags().add(photo, RECORD)
    xmp, iptc, exif, pixels = state(photo)
    assert xmp["Xmp.dc.subject"] == ["Dog", "sofa", "häuser"] and xmp["Xmp.other.field"] == "kept"
    assert (exif, pixels) == before[2:]
    if photo.suffix == ".jpg":
        assert iptc == before[1] | {KEYWORDS: ["Dog", "caf\xe9", "h\xc3\xa4user"]}
    EmbeddedTags().undo(photo)
    assert state(photo) == before


def test_tagging_again_replaces_what_was_ours_alone(photo):
    fill(photo)
    before = state(photo)
    EmbeddedTags().add(photo, RECORD)
    once, writer = photo.read_bytes(), EmbeddedTags()
    writer.add(photo, RECORD)
    assert photo.read_bytes() == once and writer.written == 0
    writer.add(photo, RECORD | {"tags": ["sky"]})
    assert state(photo)[0]["Xmp.dc.subject"] == ["Dog", "sofa", "sky"]
    writer.undo(photo)
    assert state(photo) == before


def test_what_stands_after_the_picture_stays(tmp_path):
    path = tmp_path / "motion.jpg"
    Image.new("RGB", (8, 8)).save(path)
    path.write_bytes(path.read_bytes() + b"the video of a motion photo")
    before = path.read_bytes()
    EmbeddedTags().add(path, RECORD)
    assert path.read_bytes().endswith(b"the video of a motion photo")
    EmbeddedTags().undo(path)
    assert path.read_bytes() == before


def test_a_photo_that_would_lose_a_field_is_left_as_it_is(photo, monkeypatch):
    before, fields = photo.read_bytes(), iter([{"Exif.Image.Make": "x"}, {}])
    monkeypatch.setattr(embedded, "_foreign", lambda image: next(fields))
    with pytest.raises(InputError, match="would lose fields of other programs"):
        EmbeddedTags().add(photo, RECORD)
    assert photo.read_bytes() == before


def test_a_dry_run_changes_no_photo(photo):
    before, writer = photo.read_bytes(), EmbeddedTags(dry=True)
    assert writer.add(photo, RECORD)[1] == ("dog", "häuser") and writer.written == 1
    assert photo.read_bytes() == before


@pytest.mark.parametrize("name", ["IMG.tif", "IMG.jpg", "gone.jpg"])
def test_a_file_that_cannot_take_tags_is_left_as_it_is(tmp_path, name):
    (tmp_path / "IMG.tif").write_bytes(b"II*\0")
    (tmp_path / "IMG.jpg").write_bytes(b"no photo")
    with pytest.raises(InputError, match=f"{name} cannot") as refused:
        EmbeddedTags().add(tmp_path / name, RECORD)
    assert "\n" not in str(refused.value) and not EmbeddedTags().holds(tmp_path / name, "tiny")
    assert (tmp_path / "IMG.jpg").read_bytes() == b"no photo" and len(os.listdir(tmp_path)) == 2


def test_a_full_disk_leaves_the_photo_as_it_was(photo, monkeypatch):
    before = photo.read_bytes()

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(photo), "write_bytes", full)
    with pytest.raises(OSError, match="No space left on device"):
        EmbeddedTags().add(photo, RECORD)
    assert photo.read_bytes() == before and os.listdir(photo.parent) == [photo.name]


def test_without_the_package_one_sentence_says_so(monkeypatch):
    monkeypatch.setitem(embedded.__dict__["__builtins__"], "__import__", _without(embedded.__builtins__["__import__"]))
    with pytest.raises(MissingPackageError, match=r'pip install "ram\[embed\]"'):
        EmbeddedTags()


def _without(imported):
    def find(name, *rest):
        if name == "pyexiv2":
            raise ImportError(name)
        return imported(name, *rest)

    return find
