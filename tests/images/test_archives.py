"""Zip archives that nobody vouches for: what they may hold, and what they cannot do."""

import io
import struct
import zipfile
import zlib

import pytest
from PIL import Image

from ram.errors import ArchiveError, ImageError
from ram.images import archives
from ram.images.archives import is_archive, open_archive


def picture(colour="red", size=(40, 30)):
    kept = io.BytesIO()
    Image.new("RGB", size, colour).save(kept, "PNG")
    return kept.getvalue()


def packed(folder, contents, compression=zipfile.ZIP_DEFLATED, name="photos.zip"):
    path = folder / name
    with zipfile.ZipFile(path, "w", compression) as archive:
        for entry, content in contents:
            archive.writestr(entry, content)
    return path


def faults(path):
    with open_archive(path) as archive:
        return {member.name: member.fault for member in archive.members}


def test_pictures_come_out_as_they_went_in(tmp_path):
    path = packed(tmp_path, [("a.png", picture("red")), ("trip/b.png", picture("blue")), ("trip/", b"")])
    with open_archive(path) as archive:
        assert [member.name for member in archive.members] == ["a.png", "trip/b.png"]
        assert [archive.read(member) for member in archive.members] == [picture("red"), picture("blue")]


@pytest.mark.parametrize(
    "name", ["../../a.png", "/etc/a.png", "..\\a.png", "C:\\a.png", "x/../../a.png", "\\\\host\\a.png"]
)
def test_names_that_point_outside_the_archive_are_left_out(tmp_path, name):
    (tmp_path / "inside").mkdir()
    path = packed(tmp_path / "inside", [(name, picture()), ("good.png", picture())])
    with open_archive(path) as archive:
        bad, good = archive.members
        assert "outside the archive" in bad.fault and not good.fault
        with pytest.raises(ImageError, match="outside"):
            archive.read(bad)
        archive.read(good)
    assert sorted(found.name for found in tmp_path.rglob("*")) == ["inside", "photos.zip"]


def test_what_is_no_picture_is_named_and_what_systems_add_is_not(tmp_path):
    inner = packed(tmp_path, [("a.png", picture())], name="inner.zip").read_bytes()
    entries = [
        ("notes.txt", b"hello"),
        ("inner.zip", inner),
        (".DS_Store", b""),
        ("__MACOSX/._a.png", b""),
        ("a.png", picture()),
    ]
    found = faults(packed(tmp_path, entries))
    assert list(found) == ["notes.txt", "inner.zip", "a.png"]
    assert "no picture" in found["notes.txt"] and "unpack it first" in found["inner.zip"] and not found["a.png"]


def test_a_link_is_no_picture(tmp_path):
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    assert "no picture" in faults(packed(tmp_path, [(link, b"/etc/passwd")]))["link.png"]


def test_a_bomb_is_refused_by_its_ratio_before_it_is_unpacked(tmp_path):
    assert "200 times" in faults(packed(tmp_path, [("bomb.bmp", bytes(5_000_000))]))["bomb.bmp"]


def test_a_picture_over_the_limit_for_pictures_is_refused(tmp_path):
    large = faults(packed(tmp_path, [("large.bmp", bytes(20_000_001))], zipfile.ZIP_STORED))
    assert "over 20 MB" in large["large.bmp"]


def test_an_entry_larger_than_announced_is_named_as_broken(tmp_path):
    path = packed(tmp_path, [("a.png", bytes(range(256)) * 4000)], zipfile.ZIP_STORED)
    announced = struct.pack("<L", 256 * 4000)
    lying = path.read_bytes().replace(announced, struct.pack("<L", 1000))
    path.write_bytes(lying)
    with open_archive(path) as archive, pytest.raises(ImageError, match="broken in the archive"):
        archive.read(archive.members[0])


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_methods_that_unpack_without_bound_are_refused(tmp_path, method):
    assert "unusual way" in faults(packed(tmp_path, [("a.png", picture())], method))["a.png"]


def test_a_locked_picture_is_named(tmp_path):
    path = packed(tmp_path, [("a.png", picture())])
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    path.write_bytes(bytes(content))
    assert "password" in faults(path)["a.png"]


def test_an_image_broken_in_the_archive_is_named_on_reading(tmp_path):
    path = packed(tmp_path, [("a.png", picture())], zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF  # the sum over the bytes no longer fits
    path.write_bytes(bytes(content))
    with open_archive(path) as archive, pytest.raises(ImageError, match="a.png is broken in the archive"):
        archive.read(archive.members[0])


def test_too_many_pictures_or_bytes_are_one_sentence(tmp_path, monkeypatch):
    path = packed(tmp_path, [(f"{i}.png", picture()) for i in range(4)])
    monkeypatch.setattr(archives, "MOST_PICTURES", 3)
    with pytest.raises(ArchiveError, match="photos.zip holds 4 pictures, over 3: split it"):
        faults(path)
    monkeypatch.setattr(archives, "MOST_PICTURES", 4)
    monkeypatch.setattr(archives, "MOST_UNPACKED", 100)
    with pytest.raises(ArchiveError, match="unpacks to"):
        faults(path)


def test_a_list_that_is_too_long_is_not_read(tmp_path, monkeypatch):
    path = packed(tmp_path, [(f"{i}.txt", b"") for i in range(5001)])
    monkeypatch.setattr(zipfile.ZipFile, "_RealGetContents", lambda self: pytest.fail("the list was read"))
    with pytest.raises(ArchiveError, match="more than 5,000 files"):
        faults(path)


def test_an_archive_with_a_large_count_record_is_refused(tmp_path):
    path = packed(tmp_path, [("a.png", picture())])
    whole = path.read_bytes()
    end = whole.rindex(b"PK\x05\x06")
    path.write_bytes(whole[:end] + b"PK\x06\x07" + bytes(16) + whole[end:])
    with pytest.raises(ArchiveError, match="split it"):
        faults(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 cut short", b"PK\x05\x06" + bytes(10)])
def test_what_is_no_archive_is_one_sentence_with_its_name(tmp_path, content):
    path = tmp_path / "photos.zip"
    path.write_bytes(content)
    with pytest.raises(ArchiveError) as problem:
        faults(path)
    assert str(problem.value).startswith("photos.zip is ") and "\n" not in str(problem.value)


def test_an_empty_archive_says_so(tmp_path):
    with pytest.raises(ArchiveError, match="empty"):
        faults(packed(tmp_path, []))


def test_names_cannot_steer_what_shows_them(tmp_path):
    (name,) = faults(packed(tmp_path, [("\x1b[2J\u202egnp.a" + "x" * 300 + ".png", picture())]))
    assert name.isprintable() and len(name) <= 240


def test_an_archive_is_known_by_its_bytes_or_its_name(tmp_path):
    path = packed(tmp_path, [("a.png", picture())], name="photos")
    (tmp_path / "b.zip").write_bytes(b"hello")
    (tmp_path / "c.png").write_bytes(picture())
    assert [is_archive(each) for each in (path, tmp_path / "b.zip", tmp_path / "c.png")] == [True, True, False]


def test_all_picture_endings_are_read_and_thumbnails_left_out(tmp_path):
    names = ("a.jfif", "b.jpe", "@eaDir/a.jfif/THUMB.jpg", ".thumbnails/c.jpg", "trip/#recycle/d.jpg", "e.jxl")
    found = faults(packed(tmp_path, [(name, picture()) for name in names]))
    assert found == {"a.jfif": "", "b.jpe": "", "e.jxl": "e.jxl is no picture: it was left out"}


class Unflagged(zipfile.ZipInfo):
    """An entry whose name is in an encoding that the archive does not name."""

    def __init__(self, raw, extra=b""):
        super().__init__(raw.decode("latin-1"))
        self.raw, self.extra = raw, extra

    def _encodeFilenameFlags(self):
        return self.raw, self.flag_bits


@pytest.mark.parametrize(
    "encoding, names",
    [
        ("gbk", ["猫.jpg"]),
        ("gbk", ["尤里的陰謀.jpg"]),  # its last byte is a backslash
        ("gbk", ["猫.jpg", "旅行/狗.jpg", "IMG_小熊1.jpg"]),
        ("cp437", ["Zoë.jpg", "Château/Übergröße.jpg", "plain.jpg"]),
        ("utf-8", ["猫.jpg", "Zoë.jpg"]),
        ("cp866", ["кошка.jpg", "Отпуск 2024/собака.jpg"]),
        ("shift_jis", ["ネコ.jpg", "犬とネコ/いぬ1.jpg"]),
        ("shift_jis", ["新しいフォルダ/SJIS_835C_ソ.jpg", "よみ (read).jpg", "ソ.jpg"]),
    ],
)
def test_names_without_the_flag_for_utf_8_are_decoded(tmp_path, encoding, names):
    path = packed(tmp_path, [(Unflagged(name.encode(encoding)), picture()) for name in names])
    with open_archive(path) as archive:
        assert [member.name for member in archive.members] == names
        assert [archive.read(member) for member in archive.members] == [picture()] * len(names)


@pytest.mark.parametrize("fits", [True, False])
def test_a_name_in_an_extra_field_is_used_if_its_checksum_fits(tmp_path, fits):
    name, raw = "고양이.jpg".encode(), "고양이.jpg".encode("cp949")
    checksum = zlib.crc32(raw) if fits else 1
    extra = struct.pack("<HHBL", 0x7075, 5 + len(name), 1, checksum) + name
    path = packed(tmp_path, [(Unflagged(raw, extra), picture())])
    assert (list(faults(path)) == ["고양이.jpg"]) == fits
