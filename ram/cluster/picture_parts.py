"""Cut a shard into parts and decode them: the half of the work that needs no model."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch

from ram.cluster.parquet_package import parquet_package
from ram.cluster.work_plan import PICTURES, WEBDATASET, WorkShard
from ram.errors import ImageError, InputError
from ram.export.formats import readable_name
from ram.images.opening import SUFFIXES, open_image
from ram.images.reading import or_fault
from ram.images.size_limits import ImageLimits
from ram.images.transforms import EvalTransform

IMAGE_COLUMNS = ("image", "jpg", "jpeg", "png", "webp", "bytes", "content")
NAME_COLUMNS = ("path", "key", "__key__", "file_name", "filename", "name", "url", "id")
"""Columns of a Parquet file: the first of each that it has is taken."""

PART = 32
"""Pictures of a part: what a worker holds decoded, 57 MB at 384 pixels."""


@dataclass(frozen=True)
class PackedPart:
    """Pictures of a shard that are decoded and tagged together.

    Args:
        shard: name of the shard.
        number: of the part, from 0.
        last: whether it is the last of the shard.
        pictures: name of each with its path, its bytes, or the reason why it cannot be read.
    """

    shard: str
    number: int
    last: bool
    pictures: tuple[tuple[str, str | bytes | ImageError], ...]


@dataclass(frozen=True, eq=False)
class DecodedPart:
    """Pixels of a part.

    Args:
        shard, number, last: of :class:`PackedPart`.
        names: of all pictures.
        faults: the reason where a picture cannot be used, else "".
        pixels: (usable, 3, size, size) of the others.
    """

    shard: str
    number: int
    last: bool
    names: tuple[str, ...]
    faults: tuple[str, ...]
    pixels: torch.Tensor


def packed_parts(shard: WorkShard, size: int = PART) -> Iterator[PackedPart]:
    """Read the files of a shard, without decoding them; a shard without pictures has one empty part."""
    with closing(_pictures(shard)) as pictures:
        number, part = 0, tuple(islice(pictures, size))
        while True:
            following = tuple(islice(pictures, size))
            yield PackedPart(shard.name, number, not following, part)
            if not following:
                return
            number, part = number + 1, following


def decode(part: PackedPart, transform: EvalTransform, limits: ImageLimits) -> DecodedPart:
    """Decode the pictures of a part for a model."""

    def pixels(picture: str | bytes | ImageError) -> torch.Tensor:
        if isinstance(picture, ImageError):
            raise picture
        return transform(open_image(picture, limits))

    found = [or_fault(pixels, picture) for _, picture in part.pictures]
    usable = [one for one in found if not isinstance(one, ImageError)]
    empty = torch.empty(0, 3, transform.size, transform.size)
    return DecodedPart(
        part.shard,
        part.number,
        part.last,
        tuple(readable_name(name) for name, _ in part.pictures),
        tuple(str(one) if isinstance(one, ImageError) else "" for one in found),
        torch.stack(usable) if usable else empty,
    )


def _pictures(shard: WorkShard) -> Generator[tuple[str, str | bytes | ImageError]]:
    if shard.kind == PICTURES:
        for path in shard.paths:
            yield path, path
        return
    (path,) = shard.paths
    try:
        yield from _of_tar(path) if shard.kind == WEBDATASET else _of_parquet(path)
    except (tarfile.TarError, OSError, EOFError, InputError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        yield path, ImageError(f"{os.path.basename(path)} is broken from here on ({reason}): make or copy it again")


def _of_tar(path: str) -> Iterator[tuple[str, bytes]]:
    """Members that are pictures, in the order of the file, which is read once from end to end."""
    with tarfile.open(path, "r|") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.lower().endswith(SUFFIXES) else None
            content = b"" if file is None else file.read()
            if file is not None and len(content) == member.size:
                yield f"{path}/{member.name}", content
    if os.path.getsize(path) % tarfile.BLOCKSIZE:  # tarfile takes half a header for the end
        raise tarfile.ReadError("it is cut short")


def _of_parquet(path: str) -> Iterator[tuple[str, bytes | str | ImageError]]:
    parquet = parquet_package("parquet")
    try:
        with parquet.ParquetFile(path) as file:
            columns = file.schema_arrow.names
            images = next((name for name in IMAGE_COLUMNS if name in columns), None)
            if images is None:
                raise InputError(f"it has none of the columns {', '.join(IMAGE_COLUMNS)}")
            named = next((name for name in NAME_COLUMNS if name in columns), None)
            row = 0
            for batch in file.iter_batches(PART, columns=[images, *([named] if named else [])]):
                for values in batch.to_pylist():
                    content = values[images]
                    inner = content.get("path") if isinstance(content, dict) else None
                    name = values[named] if named else inner or row
                    yield f"{path}/{name}", _content(content)
                    row += 1
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "pyarrow":
            raise
        raise InputError(str(error).splitlines()[0]) from None


def _content(cell: Any) -> bytes | ImageError:
    """Bytes of a picture, which a column has as they are or, as Hugging Face's do, under "bytes"."""
    content = cell.get("bytes") if isinstance(cell, dict) else cell
    return content if isinstance(content, bytes) else ImageError("the row has no bytes of a picture")


def pixels_to_bytes(pixels: torch.Tensor) -> bytes:
    """(usable, 3, size, size) float32 as bytes."""
    return pixels.numpy().tobytes()


def pixels_from_buffer(buffer: Any, size: int) -> torch.Tensor:
    """The inverse of :func:`pixels_to_bytes`."""
    values = torch.frombuffer(bytearray(buffer), dtype=torch.float32) if len(buffer) else torch.empty(0)
    return values.reshape(-1, 3, size, size)
