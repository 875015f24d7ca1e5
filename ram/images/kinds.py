"""Name the kind of a file that is not read as a picture, from its first bytes."""

from __future__ import annotations

from pathlib import PurePath

from PIL import Image

READABLE = "JPEG, PNG, WebP, GIF, BMP, TIFF, PPM or AVIF"
HEIC_EXTRA = 'pip install "ram[heic]"'
RAW = "is a camera's raw file, which cannot be read as a picture: save it as JPEG or PNG"

_KINDS = (
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (4, b"JXL \r\n\x87\n", "a JPEG XL picture"),
    (4, b"jP  \r\n\x87\n", "a JPEG 2000 picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (8, b"CR\x02\x00", "a camera's raw file"),  # Canon CR2
    (0, b"FUJIFILMCCD-RAW", "a camera's raw file"),
    (0, b"IIRO", "a camera's raw file"),  # Olympus
    (0, b"IIRS", "a camera's raw file"),
    (0, b"MMOR", "a camera's raw file"),
    (0, b"IIU\0", "a camera's raw file"),  # Panasonic
    (0, b"\0MRM", "a camera's raw file"),  # Minolta
    (0, b"FOVb", "a camera's raw file"),  # Sigma
    (6, b"HEAPCCDR", "a camera's raw file"),  # Canon CRW
    (0, b"\0\0\1\0", "an icon (ICO)"),
    (0, b"icns", "an icon (ICNS)"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"gimp xcf", "a GIMP document"),
    (0, b"%PDF", "a PDF document"),
    (0, b"%!PS", "a PostScript drawing"),
    (0, b"\xc5\xd0\xd3\xc6", "a PostScript drawing"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (0, b"#?RADIANCE", "a Radiance HDR picture"),
    (0, b"#?RGBE", "a Radiance HDR picture"),
    (0, b"DDS ", "a texture (DDS)"),
    (0, b"qoif", "a QOI picture"),
    (0, b"SIMPLE  =", "a FITS picture"),
    (128, b"DICM", "a DICOM picture"),
    (0, b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
    (40, b" EMF", "a Windows metafile"),
    (0, b"\x1aE\xdf\xa3", "a video"),  # Matroska, WebM
    (8, b"AVI LIST", "a video"),
    (4, b"moov", "a video"),
    (4, b"mdat", "a video"),
    (4, b"wide", "a video"),
    (0, b"FLV\1", "a video"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "a video"),  # WMV
    (0, b"\0\0\1\xba", "a video"),  # MPEG
    (0, b"\0\0\1\xb3", "a video"),
    (0, b"OggS", "a video or sound"),
    (0, b"ID3", "a sound"),
    (8, b"WAVE", "a sound"),
    (0, b"PK\3\4", "a zip archive or an office document"),
    (0, b"Rar!", "an archive"),
    (0, b"7z\xbc\xaf", "an archive"),
    (0, b"\x1f\x8b", "a compressed file"),
    (0, b"version https://git-lfs", "a pointer to a file that Git LFS has not fetched"),
)
"""Offset, bytes there, and what the file is. The first row that fits counts."""

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1")
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_UNREADABLE = "broken or cut short, or of a kind that cannot be read here: save it as JPEG"
_FRAMES = "cannot be read as a picture: save single frames as JPEG"
_WITHOUT_MAGIC = {
    ".cur": "a mouse pointer (CUR)",
    ".pcx": "a PCX picture",
    ".tga": "a Targa picture",
    ".ts": "a video",
}


def what_instead(start: bytes, name: str) -> str:
    """Say what a file is that cannot be read as a picture, and what to do; the end of a sentence.

    Args:
        start: its first bytes, at least 200 of them where the file is so long.
        name: of the file.
    """
    text = start.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if b"<svg" in start.lower():
        return "is an SVG drawing, made of shapes instead of pixels: export it as PNG"
    if text.startswith((b"<!doctype html", b"<html")):
        return "is a web page, which cannot be read as a picture: download the picture itself"
    if start[4:8] == b"ftyp":
        return _what_box_file(start)
    kind = next((kind for offset, magic, kind in _KINDS if start[offset : offset + len(magic)] == magic), "")
    kind = kind or _WITHOUT_MAGIC.get(PurePath(name).suffix.lower(), "")
    if "Git LFS" in kind:
        return f"is {kind}: run `git lfs pull`"
    if "archive" in kind or "compressed" in kind:
        return f"is {kind}, which cannot be read as a picture: unpack it first"
    if "video" in kind:
        return f"is {kind}, which {_FRAMES}"
    if kind:
        how = "here" if kind.endswith("picture") else "as a picture"
        return f"is {kind}, which cannot be read {how}: save it as JPEG or PNG"
    if start.startswith(_TIFF):
        return (
            "is a TIFF that cannot be read as a picture, broken or of an unusual kind such as floating-point colours: "
            "save it as TIFF or PNG with 8 bits a channel"
        )
    if start.startswith(b"\xff\xd8\xff"):
        return (
            "is a JPEG that cannot be read as a picture, broken or of an unusual kind such as 12 bits a channel: save "
            "it as an ordinary JPEG or PNG"
        )
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "is a WebP picture that is broken or cut short: save or download it again"
    return f"cannot be read as a picture: give a {READABLE} file that opens elsewhere"


def _what_box_file(start: bytes) -> str:
    """Say what an ISO media file is: its brands follow the word "ftyp"."""
    end = min(int.from_bytes(start[:4], "big"), len(start))
    brands = [start[8:12], *(start[at : at + 4] for at in range(16, end - 3, 4))]
    if brands[0] == b"crx ":
        return RAW
    if any(brand in (b"avif", b"avis") for brand in brands):
        return f"is an AVIF picture, {_UNREADABLE}"
    if any(brand in _HEIF_BRANDS for brand in brands):
        if "HEIF" in Image.OPEN:
            return f"is a HEIC picture, {_UNREADABLE}"
        return f"is a HEIC picture, which cannot be read here: install pillow-heif ({HEIC_EXTRA}), or save it as JPEG"
    return f"is a video, which {_FRAMES}"
