"""From a file nobody vouches for to a plain RGB picture, and from that to the tensor a model expects."""

from __future__ import annotations

import io
import logging
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from PIL import ExifTags, Image, ImageEnhance, UnidentifiedImageError

from ram.errors import ImageError

MAX_BYTES = 20_000_000
MAX_PIXELS = 50_000_000
SUFFIXES = tuple(".jpg .jpeg .png .webp .gif .bmp .tif .tiff .ppm .pgm .avif .heic .heif".split())

# MPO needs no entry: Pillow reads it through JPEG. HEIF appears once pillow-heif is registered.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "HEIF")
_TOO_MANY_PIXELS = f"{{}} is over {MAX_PIXELS // 10**6} megapixels: make it smaller"
_READABLE = "JPEG, PNG, WebP, GIF, BMP, TIFF, PPM or AVIF"

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_INTERPOLATIONS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}

Source = str | Path | bytes | BinaryIO | Image.Image
Box = tuple[float, float, float, float]

_log = logging.getLogger(__name__)


def open_image(source: Source) -> Image.Image:
    """Read a picture as RGB, as a viewer shows it: upright, first frame, on white, 16 bits scaled to 8.

    Args:
        source: a path, the bytes of a file, a binary file (read from its start, left open), or a PIL image.

    Raises:
        ImageError: missing, a folder, no picture, broken or cut short, over 20 MB or over 50 megapixels.
            Both limits are checked before anything is decoded. Of a path only the file name is repeated.
    """
    name = _name(source)
    if isinstance(source, Image.Image):
        return _decode(source, name)
    with _open_stream(source, name) as stream:
        return _decode(_identify(stream, name), name)


def check_image(path: str | Path) -> None:
    """Raise what :func:`open_image` would, as far as the header tells: quick enough for a data set."""
    name = _name(path)
    with _open_stream(path, name) as stream:
        _check_size(_identify(stream, name), name)


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """List the pictures that files and folders stand for.

    A file stays as given, whatever its suffix; a folder becomes its pictures (known by suffix, sub-folders
    included, hidden ones not), sorted. A picture found twice is listed once.

    Raises:
        ImageError: a path does not exist, or a folder holds no picture.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not os.path.exists(path):
            raise ImageError(f"there is no file or folder {_name(path)}: check the path")
        inside = sorted(_walk(path)) if path.is_dir() else [path]
        if not inside:
            raise ImageError(f"{_name(path)} holds no picture: no name ends in {', '.join(SUFFIXES)}")
        found += inside
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class EvalTransform:
    """RGB picture -> (3, size, size) float tensor, the way the weights were trained to see it.

    Equal to torchvision's Resize, ToTensor, Normalize on PIL pictures, without importing torchvision. The
    official RAM and RAM++ weights expect "bilinear", "squash" and ImageNet's mean and std.

    Args:
        size: side of the square, in pixels.
        mean, std: per channel, for values in 0..1.
        interpolation: "bilinear" or "bicubic", both with antialiasing.
        fit: "squash" shows all of the picture, its shape lost; "crop" shows the centre square.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bilinear"
    fit: str = "squash"

    def __post_init__(self) -> None:
        _check_statistics(self.size, self.mean, self.std, self.interpolation)
        if self.fit not in ("squash", "crop"):
            raise ValueError(f"fit is {self.fit!r}: it must be 'squash' or 'crop'")

    def __call__(self, picture: Image.Image) -> torch.Tensor:
        width, height = picture.size
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (0, 0, width, height) if self.fit == "squash" else (left, top, left + side, top + side)
        return _to_tensor(_cut(picture, box, self.size, self.interpolation), self.mean, self.std)


@dataclass(frozen=True)
class TrainTransform:
    """RGB picture, generator -> (3, size, size) float tensor: randomly cropped, mirrored and coloured.

    All randomness comes from the generator, so the same generator state gives the same tensor in any process.

    Args:
        size, mean, std, interpolation: as in :class:`EvalTransform`.
        scale: smallest and largest share of the picture's area that a crop keeps.
        ratio: narrowest and widest crop, relative to the picture's shape: 1 is squashed as in evaluation.
        flip: probability of mirroring.
        jitter: largest relative change of brightness, contrast and saturation.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bilinear"
    scale: tuple[float, float] = (0.4, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    jitter: float = 0.2

    def __post_init__(self) -> None:
        _check_statistics(self.size, self.mean, self.std, self.interpolation)
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise ValueError(f"crop scale is {self.scale}: it must be shares with 0 < low <= high <= 1")
        if not 0 < self.ratio[0] <= self.ratio[1]:
            raise ValueError(f"crop ratio is {self.ratio}: it must be 0 < low <= high")
        if not (0 <= self.flip <= 1 and 0 <= self.jitter < 1):
            raise ValueError(f"flip is {self.flip}, jitter {self.jitter}: both must be between 0 and 1")

    def __call__(self, picture: Image.Image, generator: torch.Generator) -> torch.Tensor:
        draws = torch.rand(8, generator=generator).tolist()
        area, shape, left, top, flip, brightness, contrast, colour = draws
        area = self.scale[0] + area * (self.scale[1] - self.scale[0])
        shape = self.ratio[0] * (self.ratio[1] / self.ratio[0]) ** shape
        width = picture.width * min(1.0, math.sqrt(area * shape))
        height = picture.height * min(1.0, math.sqrt(area / shape))
        left, top = left * (picture.width - width), top * (picture.height - height)
        # Pillow refuses a box that rounding pushes over the edge
        box = (left, top, min(left + width, picture.width), min(top + height, picture.height))
        cut = _cut(picture, box, self.size, self.interpolation)
        if flip < self.flip:
            cut = cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        cut = ImageEnhance.Brightness(cut).enhance(1 + self.jitter * (2 * brightness - 1))
        cut = ImageEnhance.Contrast(cut).enhance(1 + self.jitter * (2 * contrast - 1))
        cut = ImageEnhance.Color(cut).enhance(1 + self.jitter * (2 * colour - 1))
        return _to_tensor(cut, self.mean, self.std)


def _cut(picture: Image.Image, box: Box, size: int, interpolation: str) -> Image.Image:
    if picture.mode != "RGB":
        raise ValueError(f"transforms take RGB pictures, not mode {picture.mode}: read it with open_image")
    return picture.resize((size, size), _INTERPOLATIONS[interpolation], box=box)


def _to_tensor(picture: Image.Image, mean: tuple[float, ...], std: tuple[float, ...]) -> torch.Tensor:
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
    return ((pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]).contiguous()


def _check_statistics(size: int, mean: tuple[float, ...], std: tuple[float, ...], interpolation: str) -> None:
    if size < 1:
        raise ValueError(f"image size is {size}: it must be at least 1 pixel")
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
        raise ValueError(f"picture statistics need 3 means and 3 positive stds, not {mean} and {std}")
    if interpolation not in _INTERPOLATIONS:
        raise ValueError(f"interpolation is {interpolation!r}: it must be 'bilinear' or 'bicubic'")


def _name(source: Any) -> str:
    """The base name to use in a message, safe to print; "the picture" where there is none."""
    given = source if isinstance(source, (str, Path)) else getattr(source, "filename", None)
    given = given or getattr(source, "name", None)
    given = Path(given).name or str(given) if isinstance(given, (str, Path)) else ""
    shown = "".join(c if c.isprintable() else "?" for c in given)
    return (shown if len(shown) <= 80 else f"{shown[:40]}...{shown[-37:]}") or "the picture"


def _open_stream(source: Any, name: str) -> BinaryIO:
    try:
        if isinstance(source, (str, Path)):
            stream, size = _open_file(Path(source), name)
        elif isinstance(source, (bytes, bytearray, memoryview)):
            stream, size = io.BytesIO(source), len(source)
        elif hasattr(source, "read") and not isinstance(source, io.TextIOBase):
            with suppress(AttributeError, OSError):  # a pipe cannot be rewound
                source.seek(0)
            data = source.read(MAX_BYTES + 1)
            stream, size = io.BytesIO(data), len(data)
        else:
            kind = type(source).__name__
            raise ImageError(f"a picture is a path, bytes, a binary file or a PIL image, not {kind}")
    except OSError as error:
        raise ImageError(f"{name} cannot be read: {error.strerror or error}") from error
    if 0 < size <= MAX_BYTES:
        return stream
    stream.close()
    fault = f"over {MAX_BYTES // 10**6} MB: save it smaller" if size else "empty: save or download it again"
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
    """Read the header; Pillow decodes later."""
    start = stream.read(1024)
    Image.init()
    with _failures_named(name):
        try:
            return Image.open(stream, formats=[known for known in _FORMATS if known in Image.OPEN])
        except UnidentifiedImageError as error:
            raise ImageError(f"{name} {_what_instead(start)}") from error


def _what_instead(start: bytes) -> str:
    if b"<svg" in start.lower():
        return "is an SVG drawing, made of shapes instead of pixels: export it as PNG"
    if start[4:8] == b"ftyp" and start[8:12] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1"):
        return "is a HEIC picture, which cannot be read here: save it as JPEG"
    return f"cannot be read as a picture: give a {_READABLE} file that opens elsewhere"


def _decode(picture: Image.Image, name: str) -> Image.Image:
    _check_size(picture, name)
    with _failures_named(name):
        picture.load()
        turn = _turn(picture)
        rgb = _to_rgb(picture)
        rgb.info = {}  # an orientation left there would turn the picture again
        return rgb if turn is None else rgb.transpose(turn)


@contextmanager
def _failures_named(name: str) -> Iterator[None]:
    """Turn what Pillow raises into one sentence: decoders of untrusted files raise nearly anything."""
    try:
        yield
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(_TOO_MANY_PIXELS.format(name)) from error
    except Exception as error:
        _log.debug("%s: %r", name, error)
        raise ImageError(f"{name} is broken or cut short: save or download it again") from error


def _check_size(picture: Image.Image, name: str) -> None:
    pixels = picture.width * picture.height
    if pixels > MAX_PIXELS:
        raise ImageError(_TOO_MANY_PIXELS.format(name))
    if pixels == 0:
        raise ImageError(f"{name} has no pixels: it is {picture.width} x {picture.height}")


def _turn(picture: Image.Image) -> Image.Transpose | None:
    """Read the EXIF orientation; after loading, because Pillow turns TIFFs by itself then."""
    try:
        return _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # broken EXIF beside sound pixels
        return None


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        picture = _to_eight_bits(picture)
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = (picture.convert("LA") if picture.mode == "La" else picture).convert("RGBA")
    paper = Image.new("RGB", picture.size, "white")
    paper.paste(layer, mask=layer)
    return paper


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    """Scale one channel of 16-bit, 32-bit or float values to 0..255; Pillow alone would clip them.

    Only 16-bit files say what white is. Elsewhere it is the smallest usual white that holds all values (1 for
    floats, 255, 65535); what fits none is stretched from darkest to brightest. Not-a-number is darkest.
    """
    raw = np.asarray(picture)
    known = np.isfinite(raw)
    if not known.all():
        raw = np.where(known, raw, raw[known].min() if known.any() else 0)
    low, high = float(raw.min()), float(raw.max())
    whites = {"F": (1.0, 255.0, 65535.0), "I": (255.0, 65535.0)}.get(picture.mode, (65535.0,))
    low, high = next(((0.0, white) for white in whites if low >= 0 and high <= white), (low, high))
    values, scaled = raw.reshape(-1), np.empty(raw.size, np.uint8)
    for i in range(0, raw.size, 2**20):  # in parts: 64 bits for all of 50 megapixels would take 400 MB
        part = values[i : i + 2**20].astype(np.float64)
        scaled[i : i + 2**20] = np.rint((part - low) * (255 / ((high - low) or 1)))
    shown = Image.fromarray(scaled.reshape(raw.shape))
    clear = picture.info.get("transparency")
    if isinstance(clear, int):
        shown.putalpha(Image.fromarray(np.where(raw == clear, 0, 255).astype(np.uint8)))
    return shown


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and name.lower().endswith(SUFFIXES):
                yield Path(parent, name)
