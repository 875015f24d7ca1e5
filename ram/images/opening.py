"""Open untrusted image files safely and convert them to RGB."""

from __future__ import annotations

import io
import logging
import math
import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from ram.errors import ImageError
from ram.images.cut_jpegs import read_cut
from ram.images.given import (
    UNNAMED,
    Source,
    image_of,
    refuse_address,
    refuse_other_content,
    refuse_other_types,
    shown_name,
)
from ram.images.kinds import RAW, what_instead
from ram.images.size_limits import LARGE_PIXELS, OWN_FILES, ImageLimits

SUFFIXES = tuple(
    ".jpg .jpeg .jpe .jfif .jif .jfi .pjpeg .pjp .mpo .jps .png .apng .webp .gif .bmp .dib .tif .tiff .ppm .pgm "
    ".pbm .pnm .pfm .avif .avifs .heic .heics .heif .heifs .hif".split()
)
"""Endings of the names of files that :func:`open_image` reads."""

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "HEIF")
"""Names that Pillow gives to the formats. It reads MPO as JPEG, and HEIF with pillow-heif or pi-heif (reading only)."""

_START = 4096
"""First bytes of a file, which tell its kind."""
_REDUCIBLE = ("L", "LA", "RGB", "RGBA", "CMYK")
"""Modes in which an image can be made smaller before it is converted."""

_log = logging.getLogger(__name__)
_one_large = threading.Lock()


def open_image(
    source: Source, limits: ImageLimits = OWN_FILES, note: Callable[[str], None] = _log.warning
) -> Image.Image:
    """Read an image as RGB: upright, first frame, transparency on white, 16 bits scaled to 8.

    An image over 50 megapixels is read at half, a quarter or an eighth of its size, one at a time.

    Args:
        source: a path, the bytes of a file, a binary file (read from its start, left open), a numpy array, or a PIL
            image.
        limits: on the file and the image, :data:`ram.images.size_limits.UPLOADS` for files from strangers.
        note: called with a sentence where a JPEG lacks its last bytes, and is read all the same.

    Raises:
        ImageTypeError: a value of another type.
        ImageError: the file is missing, a folder, not an image, broken, or over a limit. Both limits are checked before
            decoding. The message holds the file name, never the whole path.
    """
    refuse_other_types(source)
    name = _name(source)
    if isinstance(source, np.ndarray):
        source = image_of(source)
    if isinstance(source, Image.Image):
        _check_size(source, name, limits)
        return _decode(source, name)
    with _open_stream(source, name, limits) as stream:
        image = _identify(stream, name)
        _check_size(image, name, limits)
        try:
            return _decode(_drafted(image), name)
        except ImageError:
            if not isinstance(image, JpegImageFile):
                raise
            stream.seek(0)
            read = read_cut(stream.read(), lambda data: _decode(_drafted(_identify(io.BytesIO(data), name)), name))
            if read is None:
                raise
    note(f"{name} lacks its last bytes: it is used as it is")
    return read


def check_image(path: str | Path, limits: ImageLimits = OWN_FILES) -> None:
    """Check an image file by its header alone, which is quick enough for a whole data set.

    Raises:
        ImageError: the file is missing, not an image, too large, or its header is broken.
    """
    name = _name(path)
    with _open_stream(path, name, limits) as stream:
        _check_size(_identify(stream, name), name, limits)


def upright_size(path: str | Path) -> tuple[int, int]:
    """Width and height of an image as :func:`open_image` turns it, from the header alone.

    Raises:
        ImageError: the file is missing, not an image, or its header is broken.
    """
    name = _name(path)
    with _open_stream(path, name, OWN_FILES) as stream:
        image = _identify(stream, name)
        with suppress(Exception):  # broken EXIF data
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5  # by a quarter
            if turned and image.format != "TIFF":  # whose size Pillow gives as it is shown
                return image.height, image.width
        return image.size


def _name(source: Any) -> str:
    """Return the file name to use in a message, safe to print; "the picture" where there is none."""
    given = source if isinstance(source, (str, os.PathLike)) else getattr(source, "filename", None)
    given = given or getattr(source, "name", None)
    return (shown_name(given) if isinstance(given, (str, os.PathLike)) else "") or UNNAMED


def _open_stream(source: Any, name: str, limits: ImageLimits) -> BinaryIO:
    try:
        if isinstance(source, (str, os.PathLike)):
            refuse_address(source)
            stream, size = _open_file(Path(source), name)
        elif isinstance(source, (bytes, bytearray, memoryview)):
            refuse_other_content(source)
            stream, size = io.BytesIO(source), len(source)
        else:
            with suppress(AttributeError, OSError):  # a pipe cannot be rewound
                source.seek(0)
            data = source.read(limits.file + 1)
            refuse_other_content(data)
            stream, size = io.BytesIO(data), len(data)
    except ImageError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a file that is closed
        raise ImageError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if 0 < size <= limits.file:
        return stream
    stream.close()
    fault = f"over {limits.file // 10**6} MB: save it smaller" if size else "empty: save or download it again"
    raise ImageError(f"{name} is {fault}")


def _open_file(path: Path, name: str) -> tuple[BinaryIO, int]:
    if os.path.isdir(path):
        raise ImageError(f"{name} is a folder: name a picture in it")
    if not os.path.exists(path):
        raise ImageError(f"there is no file {name}: check the path")
    if not os.path.isfile(path):  # a pipe would wait for ever, a device might never end
        raise ImageError(f"{name} is not an ordinary file: give a picture")
    return path.open("rb"), path.stat().st_size


def _identify(stream: BinaryIO, name: str) -> Image.Image:
    """Read the header; Pillow decodes later. Unlike ``Image.open`` it leaves the limit on pixels to the caller."""
    start = stream.read(_START)
    Image.init()
    if start[4:8] == b"ftyp":
        _register_heif()
    with _failures_named(name):
        for factory, accept in (Image.OPEN[known] for known in _FORMATS if known in Image.OPEN):
            if accept is None or accept(start[:16]) is True:
                stream.seek(0)
                with suppress(SyntaxError, LookupError, TypeError, struct.error):  # another kind of file
                    image = factory(stream, "")
                    _refuse_misread(image, name, start)
                    return image
    raise ImageError(f"{name} {what_instead(start, name)}")


def _register_heif() -> None:
    """Let Pillow read HEIC where a package for it is installed."""
    for package in ("pillow_heif", "pi_heif"):
        if "HEIF" not in Image.OPEN:
            with suppress(ImportError):
                import_module(package).register_heif_opener()


def _refuse_misread(image: Image.Image, name: str, start: bytes) -> None:
    """Refuse a TIFF whose pixels Pillow would read wrongly, or of which it would read a thumbnail only."""
    tags = getattr(image, "tag_v2", {})
    bits, planes, reduced, others = (tags.get(number, 0) for number in (258, 284, 254, 330))
    if start[8:12] == b"CR\x02\x00" or 50706 in tags or (reduced == 1 and others):  # Canon's, DNG, others
        raise ImageError(f"{name} {RAW}")
    if planes == 2 and bits and max(bits) > 8:
        raise ImageError(
            f"{name} is a TIFF with its colours in planes of {max(bits)} bits, which cannot be read here: save it as "
            "TIFF or PNG with 8 bits a channel"
        )


def _drafted(image: Image.Image) -> Image.Image:
    """Let a large JPEG be decoded at a half, a quarter or an eighth of its size; it never takes the whole memory."""
    if isinstance(image, JpegImageFile) and image.width * image.height > LARGE_PIXELS:
        factor = next((f for f in (2, 4) if image.width * image.height <= LARGE_PIXELS * f * f), 8)
        image.draft(None, (image.width // factor, image.height // factor))
    return image


def _reduced(image: Image.Image) -> Image.Image:
    factor = math.ceil(math.sqrt(image.width * image.height / LARGE_PIXELS))
    return image.reduce(factor) if factor > 1 else image


def _decode(image: Image.Image, name: str) -> Image.Image:
    large = image.width * image.height > LARGE_PIXELS
    with _one_large if large else nullcontext(), _failures_named(name):
        image.load()  # first, because Pillow applies the orientation of a TIFF while loading
        if large and image.mode in _REDUCIBLE:
            image = _reduced(image)
        rgb = _reduced(_to_rgb(image))
        with suppress(Exception):  # broken EXIF data beside sound pixels
            ImageOps.exif_transpose(rgb, in_place=True)
        rgb.info = {}
        return rgb


@contextmanager
def _failures_named(name: str) -> Iterator[None]:
    """Convert any exception of Pillow's decoders, which raise many kinds, to an ``ImageError``."""
    try:
        yield
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"{name} has too many pixels: make it smaller") from error
    except Exception as error:
        _log.debug("%s: %r", name, error)
        raise ImageError(f"{name} is broken or cut short: save or download it again") from error


def _check_size(image: Image.Image, name: str, limits: ImageLimits) -> None:
    pixels = image.width * image.height
    if pixels > limits.pixels:
        raise ImageError(f"{name} is over {limits.pixels // 10**6} megapixels: make it smaller")
    if pixels == 0:
        raise ImageError(f"{name} has no pixels: it is {image.width} x {image.height}")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        image = _to_eight_bits(image)
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(layer, mask=layer)
    paper.info = image.info
    return paper


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale one channel of 16-bit, 32-bit or float values to 0..255; Pillow alone would clip them.

    Only 16-bit files define white. Otherwise it is the smallest usual maximum that holds all values (1 for floats,
    255, 65535); values beyond all of these are stretched from the lowest to the highest. NaN counts as the lowest.
    """
    raw = np.asarray(image)
    known = np.isfinite(raw)
    if not known.all():
        raw = np.where(known, raw, raw[known].min() if known.any() else 0)
    low, high = float(raw.min()), float(raw.max())
    whites = {"F": (1.0, 255.0, 65535.0), "I": (255.0, 65535.0)}.get(image.mode, (65535.0,))
    low, high = next(((0.0, white) for white in whites if low >= 0 and high <= white), (low, high))
    values, scaled = raw.reshape(-1), np.empty(raw.size, np.uint8)
    for i in range(0, raw.size, 2**20):  # in parts: 64 bits for all of 50 megapixels would take 400 MB
        part = values[i : i + 2**20].astype(np.float64)
        scaled[i : i + 2**20] = np.rint((part - low) * (255 / ((high - low) or 1)))
    if image.mode.startswith("I;16") and getattr(image, "tag_v2", {}).get(262) == 0:  # a TIFF in which 0 is white
        np.subtract(255, scaled, out=scaled)
    shown = Image.fromarray(scaled.reshape(raw.shape))
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        shown.putalpha(Image.fromarray(np.where(raw == clear, 0, 255).astype(np.uint8)))
    return shown
