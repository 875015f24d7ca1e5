"""Files named like images that are broken, unusual or not images."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, PngImagePlugin

SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def bad_pictures() -> Iterator[tuple[str, bytes, str | None]]:
    """Name, content, and a part of the error message; None where the image is valid."""
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8))
    jpeg, png, gif, webp, bmp, tiff = (saved(photo, f) for f in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"))
    broken, no_picture, large = "broken or cut short", "cannot be read as a picture", "megapixels"

    # truncated
    yield "cut.jpg", jpeg[: len(jpeg) // 2], broken
    yield "cut.png", png[: len(png) // 2], broken
    yield "cut.gif", gif[: len(gif) // 2], broken
    yield "cut.webp", webp[: len(webp) // 2], broken
    yield "cut.bmp", bmp[: len(bmp) // 2], broken
    yield "cut.tif", tiff[: len(tiff) // 2], ""
    yield "header.png", png[:33], no_picture
    yield "magic.jpg", jpeg[:3], no_picture
    yield "magic.png", png[:8], ""
    # changed bytes
    yield "flipped.jpg", flipped(jpeg), ""
    yield "flipped.png", flipped(png), ""
    yield "noise.jpg", bytes(np.random.default_rng(1).integers(0, 255, 5000, np.uint8)), no_picture
    yield "checksum.png", png[:40] + bytes([png[40] ^ 1]) + png[41:], ""
    # larger than the file suggests
    yield "bomb.png", wide_png(60_000, 60_000), large
    yield (
        "bomb.bmp",
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 50_000, 50_000, 1, 24, 0, 0, 0, 0, 0, 0),
        large,
    )
    yield "bomb.gif", b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + gif[10:], large
    yield "bomb.ppm", b"P6 60000 60000 255\n" + bytes(100), large
    yield "bomb.tif", saved(Image.new("1", (20_000, 20_000)), "TIFF", compression="group4"), large
    yield "bomb.webp", saved(Image.new("L", (9000, 6000)), "WEBP", quality=1), large
    yield "text.png", chunk_bomb(photo), None
    yield "limit.png", saved(Image.new("1", (10_000, 5_000)), "PNG"), None
    yield "line.png", saved(Image.new("L", (60_000, 1)), "PNG"), None
    yield "pole.png", saved(Image.new("L", (1, 60_000)), "PNG"), None
    # not images
    yield "empty.jpg", b"", "empty"
    yield "drawing.svg", SVG, "SVG drawing"
    yield "drawing.png", SVG, "SVG drawing"
    yield "letter.jpg", b"Dear all,\n" * 50, no_picture
    yield "page.jpg", b"<html><script>alert(1)</script></html>", no_picture
    yield "document.jpg", b"%PDF-1.7\n" + bytes(500), no_picture
    yield "document.ps.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (w) file\n", no_picture
    yield "program.png", b"\x7fELF\x02\x01\x01" + bytes(500), no_picture
    yield "archive.jpg", zipped(jpeg), no_picture
    yield "archive.png", gzip.compress(png), no_picture
    yield "pickle.jpg", b"\x80\x04\x95cos\nsystem\n(S'true'\ntR.", no_picture
    yield "photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0" + bytes(500), "HEIC"
    yield "icon.ico", saved(photo, "ICO"), no_picture
    yield "film.jpg", b"\0\0\0\x20ftypisom" + bytes(500), no_picture
    # two formats in one file
    yield "polyglot.gif", gif + b"<script>alert(1)</script>", None
    yield "polyglot.jpg", jpeg + zipped(png), None
    yield "polyglot.png", png + SVG, None
    yield "wrong suffix.gif", jpeg, None
    # rare but valid
    yield "grey16.png", saved(Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64) * 16), "PNG"), None
    yield "float.tif", saved(Image.fromarray(np.full((30, 40), np.nan, np.float32)), "TIFF"), None
    yield "infinite.tif", saved(Image.fromarray(np.array([[np.inf, 1], [0, -np.inf]], np.float32)), "TIFF"), None
    yield "cmyk.jpg", saved(photo.convert("CMYK"), "JPEG"), None
    yield "palette.png", saved(photo.convert("P"), "PNG", transparency=bytes(range(256))), None
    yield "clear.png", saved(Image.new("RGBA", (50, 50), (0, 0, 0, 0)), "PNG"), None
    yield "bit.png", saved(photo.convert("1"), "PNG"), None
    yield "lab.tif", saved(photo.convert("LAB"), "TIFF"), None
    yield "moving.gif", saved(photo, "GIF", save_all=True, append_images=[photo.rotate(9)] * 40), None
    yield "moving.png", saved(photo, "PNG", save_all=True, append_images=[photo.rotate(9)] * 9), None
    yield "moving.webp", saved(photo, "WEBP", save_all=True, append_images=[photo.rotate(9)] * 9), None
    yield "pages.tif", saved(photo, "TIFF", save_all=True, append_images=[photo] * 9), None
    yield "dot.png", saved(Image.new("RGB", (1, 1)), "PNG"), None
    yield "dot.jpg", saved(Image.new("L", (1, 1)), "JPEG"), None
    yield "flat.gif", b"GIF89a\0\0\0\0\0\0\0;", ""
    # unusual metadata
    yield "turned.jpg", saved(photo, "JPEG", exif=turned(6)), None
    yield "turned nowhere.jpg", saved(photo, "JPEG", exif=turned(999)), None
    yield "exif noise.jpg", saved(photo, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + bytes(60)), None
    yield "profile.jpg", saved(photo, "JPEG", icc_profile=b"no profile" * 50), None
    yield "loop.tif", b"II*\0\x08\0\0\0\0\0\x08\0\0\0", ""
    yield "../../up.jpg", jpeg, None
    yield "name\u202egpj.exe", jpeg, None
    yield "n" * 300 + ".jpg", jpeg, None
    yield "<img src=x onerror=alert(1)>.jpg", jpeg[:500], ""


def saved(picture: Image.Image, form: str, **options: object) -> bytes:
    kept = io.BytesIO()
    picture.save(kept, form, **options)
    return kept.getvalue()


def flipped(content: bytes) -> bytes:
    """Change every 97th byte after the header."""
    changed = bytearray(content)
    for place in range(200, len(changed), 97):
        changed[place] ^= 0xFF
    return bytes(changed)


def wide_png(width: int, height: int) -> bytes:
    """A small file whose header declares a huge image."""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(
        b"IDAT", zlib.compress(bytes(100_000), 9)
    ) + chunk(b"IEND", b"")  # fmt: skip


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def chunk_bomb(photo: Image.Image) -> bytes:
    """A valid image with a text chunk that unpacks to more than Pillow allows."""
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "x" * 900_000, zip=True)
    return saved(photo, "PNG", pnginfo=notes)


def zipped(content: bytes) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.jpg", content)
    return kept.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = orientation
    return exif
