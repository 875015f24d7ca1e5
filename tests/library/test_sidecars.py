"""Sidecars: which file it is, what is never touched, and what a broken one does."""

import os

import pytest

from ram.errors import InputError
from ram.library import sidecars
from ram.library.folder_lock import locked
from ram.library.sidecars import Sidecars, sidecar_of
from tests.library.layouts import DARKTABLE, LAYOUTS

RECORD = {"model": "tiny", "tags": ["dog", "cat"], "scores": [{"tag": "dog"}, {"tag": "cat"}, {"tag": "sky"}]}


@pytest.fixture
def photo(tmp_path):
    (tmp_path / "IMG.jpg").touch()
    return tmp_path / "IMG.jpg"


@pytest.mark.parametrize(
    "others, expected",
    [
        ((), "IMG.jpg.xmp"),
        (("IMG.xmp",), "IMG.xmp"),
        (("IMG.XMP",), "IMG.XMP"),
        (("IMG.xmp", "IMG.jpg.xmp"), "IMG.jpg.xmp"),
        (("IMG.xmp", "IMG.CR2"), "IMG.jpg.xmp"),
        (("IMG.xmp", "IMG.png"), "IMG.jpg.xmp"),
    ],
)
def test_the_sidecar_of_a_photo_is_of_no_other_file(photo, others, expected):
    for name in others:
        (photo.parent / name).touch()
    assert sidecar_of(photo).name == expected


@pytest.mark.parametrize("name", ["IMG.jpg.xmp", "IMG.xmp"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_sidecar_is_equal_to_the_byte_after_tag_and_untag(photo, layout, name):
    path = photo.parent / name
    path.write_bytes(layout.encode())
    path.chmod(0o640)
    writer = Sidecars()
    assert not writer.holds(photo, "tiny")
    assert writer.add(photo, RECORD) == (path, ("dog", "cat"))
    assert writer.holds(photo, "tiny") and not writer.holds(photo, "other")
    assert path.read_bytes() != layout.encode()
    assert Sidecars().undo(photo) == ("dog", "cat")
    assert path.read_bytes() == layout.encode() and path.stat().st_mode & 0o777 == 0o640


def test_a_sidecar_that_was_made_for_the_tags_is_removed_again(photo):
    Sidecars().add(photo, RECORD)
    assert sorted(os.listdir(photo.parent)) == ["IMG.jpg", "IMG.jpg.xmp"]
    Sidecars().undo(photo)
    assert os.listdir(photo.parent) == ["IMG.jpg"] and Sidecars().undo(photo) == ()


def test_paths_and_listed_tags_are_written(photo):
    path, names = Sidecars(path_of=lambda tag: f"object|animal|{tag}", listed=True).add(photo, RECORD)
    assert names == ("dog", "cat", "sky") and "<rdf:li>object|animal|sky</rdf:li>" in path.read_text()


def test_a_translation_stands_in_the_place_of_its_tag(photo):
    record = RECORD | {"scores": [{"tag": "dog", "translation": "狗"}, {"tag": "cat", "translation": ""}]}
    path, names = Sidecars(path_of=lambda tag: f"object|{tag}").add(photo, record)
    assert names == ("狗", "cat") and "<rdf:li>object|狗</rdf:li>" in path.read_text()


def test_a_dry_run_writes_nothing(photo):
    writer = Sidecars(dry=True)
    assert writer.add(photo, RECORD)[1] == ("dog", "cat") and writer.written == 1
    assert os.listdir(photo.parent) == ["IMG.jpg"]
    Sidecars().add(photo, RECORD)
    before = sidecar_of(photo).read_bytes()
    assert writer.undo(photo) == ("dog", "cat") and sidecar_of(photo).read_bytes() == before


def broken(path):
    path.write_bytes(b"no XML")
    return "is no XMP, it is not XML"


def huge(path):
    with open(path, "wb") as file:
        file.truncate(2 << 30)  # sparse
    return "has more than 16 MB"


def cyclic(path):
    path.symlink_to(path.name)
    return "cannot be read"


def folder(path):
    path.mkdir()
    return "cannot be read|is no file"


def pipe(path):
    os.mkfifo(path)
    return "is no file"


@pytest.mark.parametrize("spoil", [broken, huge, cyclic, folder, pipe])
def test_a_sidecar_that_cannot_be_read_is_left_as_it_is(photo, spoil):
    path = photo.parent / "IMG.jpg.xmp"
    said = spoil(path)
    before = os.lstat(path)
    for act in (lambda: Sidecars().add(photo, RECORD), lambda: Sidecars().undo(photo)):
        with pytest.raises(InputError, match=f"IMG.jpg.xmp ({said})") as refused:
            act()
        assert "\n" not in str(refused.value)
    assert not Sidecars().holds(photo, "tiny")
    after = os.lstat(path)
    assert (before.st_ino, before.st_size, before.st_mtime_ns) == (after.st_ino, after.st_size, after.st_mtime_ns)
    assert sorted(os.listdir(photo.parent)) == ["IMG.jpg", "IMG.jpg.xmp"]


def test_a_linked_sidecar_is_changed_where_it_is(photo, tmp_path):
    (tmp_path / "real").mkdir()
    real = tmp_path / "real" / "a.xmp"
    real.write_text(DARKTABLE)
    (tmp_path / "IMG.jpg.xmp").symlink_to(real)
    Sidecars().add(photo, RECORD)
    assert (tmp_path / "IMG.jpg.xmp").is_symlink() and "<rdf:li>dog</rdf:li>" in real.read_text()


def test_a_full_disk_leaves_the_sidecar_as_it_was(photo, monkeypatch):
    path = photo.parent / "IMG.jpg.xmp"
    path.write_text(DARKTABLE)

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "write_bytes", full)
    with pytest.raises(OSError, match="No space left on device.*IMG.jpg.xmp"):
        Sidecars().add(photo, RECORD)
    assert path.read_text() == DARKTABLE and sorted(os.listdir(photo.parent)) == ["IMG.jpg", "IMG.jpg.xmp"]


def test_what_another_program_wrote_meanwhile_is_not_replaced(photo, monkeypatch):
    path = photo.parent / "IMG.jpg.xmp"
    path.write_text(DARKTABLE)
    edit = sidecars.add_tags

    def slow(*given):
        path.write_text(LAYOUTS["digikam"])
        return edit(*given)

    monkeypatch.setattr(sidecars, "add_tags", slow)
    with pytest.raises(InputError, match="was changed meanwhile by another program"):
        Sidecars().add(photo, RECORD)
    assert path.read_text() == LAYOUTS["digikam"]


def test_names_that_are_not_utf8_have_sidecars(tmp_path):
    photo = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    photo.touch()
    Sidecars().add(photo, RECORD)
    assert b"caf\xe9.jpg.xmp" in os.listdir(os.fsencode(tmp_path))
    Sidecars().undo(photo)
    assert os.listdir(os.fsencode(tmp_path)) == [b"caf\xe9.jpg"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")
def test_one_run_at_a_time_writes_to_a_folder(tmp_path):
    with locked([tmp_path]):
        with pytest.raises(InputError, match="another run writes tags in"), locked([tmp_path / "IMG.jpg"]):
            pass
    with locked([tmp_path]):
        assert os.listdir(tmp_path) == []
