"""Files as cameras, phones and card readers leave them: HEIC, huge, cut short, raw."""

import io
import struct
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from ram.errors import ImageError
from ram.images import opening
from ram.images.opening import check_image, open_image
from ram.images.size_limits import OWN_FILES, UPLOADS, ImageLimits
from tests.paths import ROOT

CAT = (ROOT / "assets" / "examples" / "cat.jpg").read_bytes()
BRANDS = ("heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs", "mif1", "msf1")


def encode(picture, form, **options):
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def box(major, *compatible):
    brands = b"".join(brand.encode().ljust(4) for brand in compatible)
    return struct.pack(">I4s4sI", 16 + len(brands), b"ftyp", major.encode().ljust(4), 0) + brands + bytes(200)


def tiff(tags, pixels=b""):
    """A little-endian TIFF: tag -> (type, values), with the pixels right after the header."""
    at = 8 + len(pixels)
    entries, further = b"", b""
    for tag, (kind, *values) in sorted(tags.items()):
        form = {3: "H", 4: "I", 1: "B"}[kind]
        data = struct.pack(f"<{len(values)}{form}", *values)
        if len(data) > 4:
            offset = at + 2 + 12 * len(tags) + 4 + len(further)
            further += data
            data = struct.pack("<I", offset)
        entries += struct.pack("<HHI", tag, kind, len(values)) + data.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", at) + pixels + struct.pack("<H", len(tags)) + entries + bytes(4) + further


def rgb_tiff(bits, planes, more=()):
    """Red, green and blue columns of 2 x 2 pixels and 3 channels, in planes or not."""
    values = np.zeros((2, 2, 3), f"<u{bits // 8}")
    values[0, 0, 0] = values[0, 1, 1] = values[1, 0, 2] = np.iinfo(values.dtype).max
    data = (values.transpose(2, 0, 1) if planes == 2 else values).tobytes()
    strips = [8 + i * len(data) // 3 for i in range(3)] if planes == 2 else [8]
    return tiff(
        {
            256: (3, 2), 257: (3, 2), 258: (3, bits, bits, bits), 259: (3, 1), 262: (3, 2), 273: (4, *strips),
            277: (3, 3), 278: (3, 2), 279: (4, *([len(data) // len(strips)] * len(strips))), 284: (3, planes),
            **dict(more),
        },
        data,
    )  # fmt: skip


@pytest.fixture
def no_heif(monkeypatch):
    """Pillow without a plugin for HEIC, and without a package that has one."""
    Image.init()
    monkeypatch.setattr(Image, "OPEN", {form: opener for form, opener in Image.OPEN.items() if form != "HEIF"})
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    return monkeypatch


@pytest.mark.parametrize("brand", BRANDS)
def test_heic_of_every_brand_names_the_package_it_needs(brand, no_heif):
    for start in (box(brand), box("mif1", brand)):
        with pytest.raises(ImageError, match=r"is a HEIC picture.*pip install \"ram\[heic\]\".*save it as JPEG"):
            open_image(start)


@pytest.mark.parametrize("package", ["pillow_heif", "pi_heif"])
def test_an_installed_heic_package_registers_itself(package, no_heif):
    def register():
        Image.OPEN["HEIF"] = (lambda stream, name: Image.new("RGB", (3, 2), "red"), lambda start: start[4:8] == b"ftyp")

    no_heif.setitem(sys.modules, package, SimpleNamespace(register_heif_opener=register))
    assert open_image(box("heic")).getpixel((0, 0)) == (255, 0, 0)


def test_a_real_heic_is_read_upright():
    heif = pytest.importorskip("pillow_heif")
    halves = Image.new("RGB", (64, 32), "blue")
    halves.paste("red", (0, 0, 32, 32))
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    heif.from_pillow(halves).save(file, exif=exif.tobytes())
    shown = open_image(file.getvalue())
    assert shown.size == (32, 64)
    red, blue = shown.getpixel((16, 8)), shown.getpixel((16, 56))
    assert red[0] > 200 and red[2] < 60 and blue[2] > 200 and blue[0] < 60


def test_a_photo_of_60_megapixels_is_read_at_reduced_size(tmp_path):
    path = tmp_path / "large.jpg"
    Image.open(io.BytesIO(CAT)).resize((9000, 6700)).save(path)
    with pytest.raises(ImageError, match="over 50 megapixels"):
        open_image(path, UPLOADS)
    check_image(path)
    large = open_image(path)
    assert large.size == (4500, 3350)
    small, wanted = (np.asarray(one.resize((60, 45)), float) for one in (large, Image.open(io.BytesIO(CAT))))
    assert np.abs(small - wanted).mean() < 3


def test_a_panorama_of_60_megapixels_keeps_its_shape():
    assert open_image(encode(Image.new("L", (30000, 2000)), "PNG")).size == (15000, 1000)
    palette = Image.new("P", (30000, 2000), 7)
    palette.putpalette([0, 0, 0] * 7 + [255, 0, 0])
    shown = open_image(encode(palette, "PNG"))
    assert shown.size == (15000, 1000) and shown.getpixel((7, 7)) == (255, 0, 0)


def test_a_photo_of_200_megapixels_is_within_the_limits(tmp_path):
    path = tmp_path / "phone.jpg"
    path.write_bytes(encode(Image.new("L", (16320, 12240)), "JPEG"))
    check_image(path)
    assert open_image(path).size == (8160, 6120)


def test_an_ordinary_photo_is_read_pixel_by_pixel(monkeypatch):
    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "draft", None)
    assert np.array_equal(open_image(CAT), Image.open(io.BytesIO(CAT)).convert("RGB"))


def test_limits_can_be_changed():
    data = encode(Image.new("L", (40, 30)), "PNG")
    with pytest.raises(ImageError, match="over 0 megapixels"):
        open_image(data, ImageLimits(OWN_FILES.file, 1199))
    assert open_image(data, ImageLimits(len(data), 1200)).size == (40, 30)
    with pytest.raises(ImageError, match="over 0 MB"):
        open_image(data, ImageLimits(len(data) - 1, 1200))
    with pytest.raises(ValueError, match="must be positive"):
        ImageLimits(0, 1)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True}])
@pytest.mark.parametrize("missing", [1, 2, 3, 10])
def test_a_jpeg_without_its_last_bytes_is_read_with_a_note(options, missing, tmp_path):
    whole = encode(Image.open(io.BytesIO(CAT)), "JPEG", quality=90, **options)
    path, notes = tmp_path / "card.jpg", []
    path.write_bytes(whole[:-missing])
    shown = open_image(path, note=notes.append)
    assert notes == ["card.jpg lacks its last bytes: it is used as it is"]
    difference = np.abs(np.asarray(shown, int) - np.asarray(open_image(whole), int)).max(axis=2)
    assert (difference > 0).mean() < 0.01


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_jpeg_that_lacks_much_is_refused(options):
    whole = encode(Image.open(io.BytesIO(CAT)), "JPEG", quality=90, **options)
    for left in (0.1, 0.3, 0.5) if options else (0.1, 0.3, 0.5, 0.8, 0.9):
        with pytest.raises(ImageError, match="broken or cut short"):
            open_image(whole[: int(left * len(whole))])


@pytest.mark.parametrize(("bits", "planes"), [(8, 1), (8, 2), (16, 1)])
def test_colours_of_a_tiff_are_right(bits, planes):
    shown = np.asarray(open_image(rgb_tiff(bits, planes)))
    assert shown.tolist() == [[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [0, 0, 0]]]


@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_in_which_0_is_white_is_no_negative(bits):
    values = np.array([[0, np.iinfo(f"u{bits // 8}").max]], f"<u{bits // 8}")
    tags = {256: (3, 2), 257: (3, 1), 258: (3, bits), 259: (3, 1), 262: (3, 0), 273: (4, 8), 277: (3, 1), 278: (3, 1)}
    shown = open_image(tiff({**tags, 279: (4, values.nbytes)}, values.tobytes()))
    assert np.asarray(shown).tolist() == [[[255] * 3, [0] * 3]]


def test_a_tiff_of_an_unknown_compression_is_named():
    data = rgb_tiff(8, 1, {259: (3, 34713)})
    with pytest.raises(ImageError, match="is a TIFF that cannot be read as a picture.*unusual kind"):
        open_image(data)


def test_a_jpeg_of_12_bits_is_named():
    data = bytearray(encode(Image.new("RGB", (8, 8)), "JPEG"))
    data[data.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(ImageError, match="is a JPEG that cannot be read.*12 bits"):
        open_image(bytes(data))


def test_bytes_after_a_jpeg_are_no_damage():
    notes = []
    assert np.array_equal(open_image(CAT + b"SEFT" * 99, note=notes.append), open_image(CAT)) and not notes


def test_a_large_photo_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.new("RGB", (9000, 6000), "blue")
    picture.paste("red", (0, 0, 4500, 6000))
    shown = open_image(encode(picture, "JPEG", exif=exif.tobytes()))
    assert shown.size == (3000, 4500) and shown.getpixel((9, 9))[0] > 200 and shown.getpixel((9, 4490))[2] > 200


def test_a_tiff_in_planes_of_16_bits_is_refused(tmp_path):
    path = tmp_path / "rgb16planar.tif"
    path.write_bytes(rgb_tiff(16, 2))
    for use in (open_image, check_image):
        with pytest.raises(ImageError, match="rgb16planar.tif is a TIFF with its colours in planes of 16 bits"):
            use(path)


def test_a_canon_raw_file_is_refused_though_its_preview_opens():
    data = bytearray(rgb_tiff(8, 1))
    moved = bytes(data[:8]) + b"CR\x02\x00" + bytes(4) + bytes(data[8:])
    data = bytearray(moved)
    data[4:8] = struct.pack("<I", struct.unpack("<I", moved[4:8])[0] + 8)
    with pytest.raises(ImageError, match="is a camera's raw file"):
        open_image(bytes(data))


@pytest.mark.parametrize("more", [{50706: (1, 1, 4, 0, 0)}, {254: (4, 1), 330: (4, 8)}])
def test_a_raw_file_is_refused_in_place_of_its_thumbnail(more):
    with pytest.raises(ImageError, match="is a camera's raw file.*save it as JPEG"):
        open_image(rgb_tiff(8, 1, more))


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\xff\x0a\xfa\x7f", "a JPEG XL picture"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
        (b"\xff\x4f\xff\x51\0", "a JPEG 2000 picture"),
        (b"II*\0\x10\0\0\0CR\2\0", "a camera's raw file"),
        (box("crx ", "isom"), "a camera's raw file"),
        (b"FUJIFILMCCD-RAW 0201", "a camera's raw file"),
        (b"IIU\0\x18\0\0\0", "a camera's raw file"),
        (box("isom", "mp41"), "a video"),
        (box("qt  "), "a video"),
        (b"\x1aE\xdf\xa3\x9f", "a video"),
        (b"RIFF\0\0\0\0AVI LIST", "a video"),
        (b"\0\0\1\0\1\0\x10\x10", "an icon"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x76\x2f\x31\x01", "an OpenEXR picture"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS has not fetched"),
        (tiff({256: (3, 1), 257: (3, 1), 258: (3, 32, 32, 32), 262: (3, 2), 277: (3, 3), 339: (3, 3, 3, 3)}), "a TIFF"),
    ],
)
def test_known_kinds_of_files_are_named(start, kind, tmp_path):
    path = tmp_path / "file.jpg"
    path.write_bytes(start + bytes(300))
    with pytest.raises(ImageError, match=f"file.jpg is .*{kind}"):
        open_image(path)


def test_a_targa_picture_is_known_by_its_name(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.tga")
    with pytest.raises(ImageError, match="a.tga is a Targa picture"):
        open_image(tmp_path / "a.tga")


def test_large_images_are_decoded_one_at_a_time(monkeypatch):
    monkeypatch.setattr(opening, "LARGE_PIXELS", 100)
    with opening._one_large:
        assert open_image(Image.new("L", (10, 10))).size == (10, 10)  # not large
    assert open_image(Image.new("L", (20, 10))).size == (10, 5)
