"""Any file becomes an upright RGB picture or one sentence."""

import io
import os
import random
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, features

from ram.errors import ImageError
from ram.images import opening as image
from ram.images.opening import check_image, open_image
from ram.images.size_limits import UPLOADS

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

NOISE = np.random.default_rng(0).integers(0, 256, (64, 48, 3), dtype=np.uint8)
PICTURE = Image.fromarray(NOISE)


def encode(picture, form, **options):
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def png(width, height, depth, colour_type, rows=b"", extra=b""):
    """A PNG by hand: what Pillow cannot write, and headers without pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(rows)) if rows else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + pixels + chunk(b"IEND", b"")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def clear(picture):
    """Let the paper show through the second pixel."""
    picture.putalpha(Image.fromarray(np.uint8([[255, 0]])))
    return picture


def floats(*values):
    return Image.fromarray(np.array([values], dtype=np.float32))


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def frames(form, **options):
    pictures = [Image.new("RGB", (6, 4), colour) for colour in ("red", "blue")]
    return encode(pictures[0], form, save_all=True, append_images=pictures[1:], **options)


def palette():
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putdata([0, 1])
    return picture


GREY16 = b"\0" + struct.pack(">3H", 0, 128 * 257, 65535)
GOOD = {  # what a viewer shows: the colours of the first row
    "opaque and clear RGBA": (encode(clear(Image.new("RGB", (2, 1), "red")), "PNG"), ["red", "white"]),
    "half clear black": (encode(Image.new("RGBA", (1, 1), (0, 0, 0, 128)), "PNG"), [(127, 127, 127)]),
    "grey with alpha": (encode(clear(Image.new("L", (2, 1), 9)), "PNG"), [(9, 9, 9), "white"]),
    "premultiplied grey": (Image.new("LA", (1, 1), (0, 0)).convert("La"), ["white"]),
    "palette": (encode(palette(), "PNG"), ["red", "blue"]),
    "palette, one colour clear": (encode(palette(), "PNG", transparency=1), ["red", "white"]),
    "GIF, one colour clear": (encode(palette(), "GIF", transparency=0), ["white", "blue"]),
    "RGB, one colour clear": (
        png(2, 1, 8, 2, b"\0" + bytes([1, 2, 3, 4, 5, 6]), chunk(b"tRNS", struct.pack(">3H", 1, 2, 3))),
        ["white", (4, 5, 6)],
    ),
    "grey, one value clear": (
        png(2, 1, 8, 0, b"\0" + bytes([7, 8]), chunk(b"tRNS", struct.pack(">H", 7))),
        ["white", (8, 8, 8)],
    ),
    "two colours": (encode(Image.new("1", (1, 1), 1), "PNG"), ["white"]),
    "grey": (encode(Image.new("L", (1, 1), 77), "PNG"), [(77, 77, 77)]),
    "16-bit grey PNG": (png(3, 1, 16, 0, GREY16), ["black", (128, 128, 128), "white"]),
    "16-bit grey PNG, black clear": (
        png(3, 1, 16, 0, GREY16, chunk(b"tRNS", struct.pack(">H", 0))),
        ["white", (128, 128, 128), "white"],
    ),
    "16-bit colour PNG": (png(1, 1, 16, 2, b"\0" + struct.pack(">3H", 65535, 0, 32896)), [(255, 0, 128)]),
    "16-bit grey and alpha PNG": (png(1, 1, 16, 4, b"\0" + struct.pack(">2H", 0, 0)), ["white"]),
    "16-bit TIFF": (encode(Image.fromarray(np.uint16([[0, 65535]])), "TIFF"), ["black", "white"]),
    "16-bit PGM": (b"P5 2 1 65535 " + struct.pack(">2H", 0, 65535), ["black", "white"]),
    "32 bits holding 8": (Image.fromarray(np.int32([[0, 200]])), ["black", (200, 200, 200)]),
    "32 bits holding 16": (Image.fromarray(np.int32([[257, 65535]])), [(1, 1, 1), "white"]),
    "32 bits with negatives": (Image.fromarray(np.int32([[-(2**31), 2**31 - 1]])), ["black", "white"]),
    "floats up to 1": (encode(floats(0, 0.2, 1), "TIFF"), ["black", (51, 51, 51), "white"]),
    "floats up to 255": (floats(0, 51, 255), ["black", (51, 51, 51), "white"]),
    "floats of any range": (floats(-3e38, 0, 3e38), ["black", (128, 128, 128), "white"]),
    "floats, one not a number": (floats(np.nan, 0, np.inf, 1), ["black", "black", "black", "white"]),
    "floats, all alike": (floats(-2, -2), ["black", "black"]),
    "CMYK TIFF": (encode(Image.new("CMYK", (1, 1), (0, 255, 255, 0)), "TIFF"), ["red"]),
    "CMYK JPEG": (encode(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), "JPEG"), ["white"] * 8),
    "animated GIF": (frames("GIF"), ["red"] * 6),
    "animated PNG": (frames("PNG"), ["red"] * 6),
    "animated WebP": (frames("WEBP", lossless=True), ["red"] * 6),
    "TIFF of several pages": (frames("TIFF"), ["red"] * 6),
    "MPO of two views": (frames("MPO", quality=100, subsampling=0), [(254, 0, 0)] * 6),
    "one pixel": (encode(Image.new("RGB", (1, 1), "red"), "BMP"), ["red"]),
    "very long": (encode(Image.new("RGB", (60000, 1), "red"), "JPEG", quality=100), [(254, 0, 0)] * 60000),
    "broken EXIF": (
        encode(Image.new("1", (1, 1), 1), "PNG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        ["white"],
    ),
}

WHOLE = {
    "JPEG": encode(PICTURE, "JPEG"),
    "progressive JPEG": encode(PICTURE, "JPEG", progressive=True),
    "PNG": encode(PICTURE, "PNG"),
    "WebP": encode(PICTURE, "WEBP"),
    "GIF": encode(PICTURE, "GIF"),
    "BMP": encode(PICTURE, "BMP"),
    "TIFF": encode(PICTURE, "TIFF"),
    "LZW TIFF": encode(PICTURE, "TIFF", compression="tiff_lzw"),
    "PPM": encode(PICTURE, "PPM"),
}
if features.check("avif"):
    WHOLE["AVIF"] = encode(PICTURE, "AVIF")

BROKEN, STRANGE, HUGE = "broken or cut short", "cannot be read as a picture", "over 50 megapixels"
BAD = {f"half a {form}": (data[: len(data) // 2], f"{BROKEN}|{STRANGE}") for form, data in WHOLE.items()} | {
    "nothing": (b"", "is empty"),
    "one byte": (b"\xff", STRANGE),
    "text": (b"just some words, " * 20, STRANGE),
    "a web page": (b"<!doctype html><html><body>404</body></html>", STRANGE),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", STRANGE),
    "a ZIP": (b"PK\x03\x04" + bytes(60), STRANGE),
    "a format left out": (encode(PICTURE, "EPS"), STRANGE),
    "an SVG": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "is an SVG drawing"),
    "an SVG with a prologue": (b'<?xml version="1.0"?>\n<!-- logo -->\n<SVG></SVG>', "is an SVG drawing"),
    "a HEIC": (b"\0\0\0\x18ftypheic" + bytes(40), "save it as JPEG"),
    "a PNG without pixels": (png(4, 4, 8, 2), BROKEN),
    "a PNG of noise": (png(4, 4, 8, 2).replace(b"IEND", b"IDAT"), BROKEN),
    "a PNG of size 0": (png(0, 4, 8, 2), f"{BROKEN}|{STRANGE}"),
    "a PNG with wrong sums": (WHOLE["PNG"][:20] + b"\x09" + WHOLE["PNG"][21:], f"{BROKEN}|{STRANGE}"),
    "a PNG of 56 megapixels": (png(8000, 7000, 8, 2), HUGE),
    "a PNG of 4 gigapixels": (png(65000, 65000, 1, 0), HUGE),
    "a GIF of 4 gigapixels": (WHOLE["GIF"][:6] + b"\xff\xff\xff\xff" + WHOLE["GIF"][10:], HUGE),
    "a WebP of 268 megapixels": (
        b"RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\xfe\x3f\0\xfe\x3f\0" + WHOLE["WebP"][12:],
        f"{HUGE}|{BROKEN}",
    ),
    "a BMP of 3 gigapixels": (
        b"BM" + bytes(8) + struct.pack("<IIiiHHI", 54, 40, 60000, -60000, 1, 24, 0) + bytes(40),
        HUGE,
    ),
    "a TIFF that points nowhere": (b"II*\0\xff\xff\xff\x7f" + bytes(20), f"{BROKEN}|{STRANGE}"),
    "a JPEG that only begins": (b"\xff\xd8\xff\xe0", f"{BROKEN}|{STRANGE}"),
    "more than 20 MB": (WHOLE["PNG"] + bytes(20_000_001), "over 20 MB"),
}


@pytest.mark.parametrize("case", GOOD)
def test_unusual_pictures_look_as_in_a_viewer(case):
    source, colours = GOOD[case]
    shown = open_image(source)
    expected = Image.new("RGB", (len(colours), 1))
    for x, colour in enumerate(colours):
        expected.paste(colour, (x, 0, x + 1, 1))
    assert shown.mode == "RGB"
    assert np.array_equal(np.asarray(shown)[:1], np.asarray(expected))


@pytest.mark.parametrize("case", BAD)
def test_unusable_files_get_one_sentence_that_names_them(case, tmp_path):
    data, sentence = BAD[case]
    path = tmp_path / "holiday.jpg"
    path.write_bytes(data)
    for source, name in ((path, "holiday.jpg"), (str(path), "holiday.jpg"), (data, "the picture")):
        with pytest.raises(ImageError, match=sentence) as caught:
            open_image(source, UPLOADS)
        message = str(caught.value)
        assert message.startswith(name + " ") and "\n" not in message and str(tmp_path) not in message


@pytest.mark.parametrize("form", WHOLE)
def test_damage_anywhere_gives_a_picture_or_a_sentence(form):
    chance = random.Random(form)
    for _ in range(30):
        data = bytearray(WHOLE[form][: chance.randrange(1, len(WHOLE[form]) + 1)])
        for _ in range(chance.randrange(4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            assert open_image(bytes(data)).mode == "RGB"
        except ImageError as error:
            assert str(error).startswith("the picture ")


def test_paths_without_a_picture_get_a_sentence(tmp_path):
    (tmp_path / "album").mkdir()
    for path, sentence in {
        tmp_path / "album": "album is a folder: name a picture in it",
        tmp_path / "gone.jpg": "there is no file gone.jpg: check the path",
        "a\0b.jpg": r"there is no file a\?b.jpg",
        "\x1b[2Jx.jpg": r"there is no file \?\[2Jx.jpg",
        "x" * 5000: "there is no file x{40}...x{37}:",
        "/dev/zero": "zero is not an ordinary file",
    }.items():
        with pytest.raises(ImageError, match=sentence):
            open_image(path)
    with pytest.raises(ImageError, match="not StringIO"):
        open_image(io.StringIO("text"))
    with pytest.raises(ImageError, match="not NoneType"):
        open_image(None)


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    (tmp_path / "private.jpg").write_bytes(WHOLE["JPEG"])

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(image.Path, "open", denied)
    with pytest.raises(ImageError, match="private.jpg cannot be read: Permission denied"):
        open_image(tmp_path / "private.jpg")


def test_size_limits_hold_to_the_pixel(tmp_path):
    (tmp_path / "fits.png").write_bytes(png(10000, 5000, 1, 0))
    check_image(tmp_path / "fits.png", UPLOADS)
    (tmp_path / "over.png").write_bytes(png(10000, 5001, 1, 0))
    with pytest.raises(ImageError, match="over.png is over 50 megapixels"):
        check_image(tmp_path / "over.png", UPLOADS)
    check_image(tmp_path / "over.png")
    with pytest.raises(ImageError, match=HUGE):
        open_image(Image.new("1", (10000, 5001)), UPLOADS)
    with pytest.raises(ImageError, match="over 250 megapixels"):
        open_image(png(25000, 10001, 1, 0))
    with pytest.raises(ImageError, match="has no pixels"):
        open_image(Image.new("RGB", (0, 3)))


@pytest.mark.parametrize("form, options", [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(form, options, orientation):
    pixels = NOISE[:4, :6]
    upright = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.swapaxes(0, 1),
        6: np.rot90(pixels, -1),
        7: pixels[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(pixels),
    }[orientation]
    data = encode(Image.fromarray(pixels), form, exif=exif(orientation), **options)
    shown = open_image(data)
    assert np.array_equal(shown, upright)
    assert np.array_equal(open_image(shown), upright)
    assert np.array_equal(open_image(Image.open(io.BytesIO(data))), upright)


def test_every_kind_of_source_gives_the_same_picture(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(WHOLE["PNG"])
    stream = io.BytesIO(WHOLE["PNG"])
    stream.read()
    for source in (path, str(path), WHOLE["PNG"], bytearray(WHOLE["PNG"]), stream, PICTURE):
        assert np.array_equal(open_image(source), NOISE)
    assert not stream.closed
    entrance, exit_ = os.pipe()
    with os.fdopen(exit_, "wb") as sender, os.fdopen(entrance, "rb") as receiver:
        sender.write(WHOLE["PNG"])
        sender.close()
        assert np.array_equal(open_image(receiver), NOISE)


def test_a_given_picture_is_left_alone():
    given = Image.fromarray(NOISE)
    open_image(given).putpixel((0, 0), (1, 2, 3))
    assert np.array_equal(given, NOISE)


def test_reading_pictures_needs_no_torchvision():
    script = f"import sys; sys.path = {sys.path}; import ram.images.opening; sys.exit('torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
