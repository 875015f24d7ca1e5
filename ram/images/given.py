"""Images as callers give them: paths, bytes, binary files, numpy arrays and PIL images, but no web addresses."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO, TypeGuard

import numpy as np
from PIL import Image

from ram.errors import ImageError, ImageTypeError

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | np.ndarray | Image.Image
"""One image. An array is uint8, (height, width), (height, width, 3) in RGB order, or (height, width, 4) with alpha."""

TAKEN = "a path, the bytes of a file, a file opened in binary mode, a numpy array or a PIL image"

UNNAMED = "the picture"
"""Name, in messages, of an image without a file name."""

BASE64_STARTS = ("/9j/", "iVBORw0KGgo", "R0lGOD", "UklGR")
"""First characters of JPEG, PNG, GIF and WebP files in base64."""
DECODE = "is base64 text: decode it by base64.b64decode and give the bytes"

_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]+:/+|data:)", re.IGNORECASE)
_LONGEST_SHOWN, _LONGEST_PATH = 80, 255


def shown_name(path: str | os.PathLike[str]) -> str:
    """The file name of a path for a message: safe to print, its middle left out where it is long."""
    given = Path(path).name or os.fspath(path)
    shown = "".join(one if one.isprintable() else "?" for one in given)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:40]}...{shown[-37:]}"


def is_source(value: object) -> TypeGuard[Source]:
    """Whether a value stands for one image; else it may hold several. An array of names or of images holds several."""
    if isinstance(value, np.ndarray):
        return value.ndim != 4 and value.dtype.kind not in "OUS"
    return isinstance(value, (str, os.PathLike, bytes, bytearray, memoryview, Image.Image)) or hasattr(value, "read")


def several(value: object) -> Iterable[Source]:
    """Return what holds several images as it is; ``ImageTypeError`` for anything else, with what is taken."""
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        raise ImageTypeError(f"a picture is {TAKEN}, or give several of them, not {type(value).__name__}")
    return value


def refuse_other_types(value: object) -> None:
    """Raise ``ImageTypeError`` for a value that is not in :data:`Source`; the message says what is taken."""
    if not is_source(value) or isinstance(value, io.TextIOBase):
        raise ImageTypeError(f"a picture is {TAKEN}, not {type(value).__name__}")


def refuse_other_content(content: object) -> None:
    """Raise ``ImageTypeError`` for text or a coroutine in place of a file's bytes, ``ImageError`` for base64."""
    if not isinstance(content, (bytes, bytearray, memoryview)):
        if hasattr(content, "close"):
            content.close()  # a coroutine that is never awaited would warn
        raise ImageTypeError(f"a picture is {TAKEN}, not a file that gives {type(content).__name__}")
    if bytes(content[:16]).startswith(tuple(start.encode() for start in BASE64_STARTS)):
        raise ImageError(f"{UNNAMED} {DECODE}")


def refuse_address(path: str | os.PathLike[str]) -> None:
    """Raise ``ImageError`` for a URL, a ``data:`` address or base64, unless a file or folder has that name."""
    text = os.fspath(path)
    found = _ADDRESS.match(text)
    encoded = len(text) > _LONGEST_PATH and text.startswith(BASE64_STARTS)
    if not (found or encoded) or os.path.exists(text):
        return
    if encoded:
        raise ImageError(f"{UNNAMED} {DECODE}")
    shown = "".join(one for one in re.split(r"[,?#]", text)[0] if one.isprintable())
    shown = shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."
    raise ImageError(f"{shown} is an address, and none is opened: download the picture and give its file or its bytes")


def image_of(array: np.ndarray) -> Image.Image:
    """Convert an array of :data:`Source` to a PIL image.

    Raises:
        ImageTypeError: it has another shape or type; the message says which are taken.
    """
    shape = array.shape[:2] if array.ndim == 3 and array.shape[2] == 1 else array.shape
    channels = shape[2] if len(shape) == 3 else 1
    if len(shape) not in (2, 3) or channels not in (1, 3, 4):
        raise ImageTypeError(
            f"an array of the shape {array.shape} is no picture: give (height, width), (height, width, 3) or "
            "(height, width, 4)"
        )
    if array.dtype != np.uint8:
        raise ImageTypeError(f"an array of {array.dtype} is no picture: give uint8 values from 0 to 255")
    if array.size == 0:
        return Image.new("RGB", (shape[1], shape[0]))
    return Image.fromarray(np.ascontiguousarray(array.reshape(shape)))


def numbered(fault: ImageError, number: int) -> ImageError:
    """Say which of several images a fault is of, where the image has no name."""
    named = not isinstance(fault, ImageTypeError) and not str(fault).startswith(f"{UNNAMED} ")
    return fault if named else type(fault)(f"picture {number}: {fault}")
