"""Read WebDataset shards: tar files of images with their captions and tags, on one or more disks.

Captions and tags are read once, together with the position of each image in its tar file. Images are then read from
there in any order, so that a run is reproducible and resumable with any number of processes.
"""

from __future__ import annotations

import glob
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from ram.errors import InputError
from ram.images.opening import SUFFIXES
from ram.images.reading import read_ahead
from ram.images.size_limits import OWN_FILES

LARGEST_TEXT = 1_000_000
"""Most bytes of the captions and tags of one image."""
_TEXTS = ("json", "txt")


@dataclass(frozen=True)
class ShardPicture:
    """An image inside a tar file.

    Args:
        shard: the tar file.
        member: the image's name in it.
        start, size: position and number of its bytes.
    """

    shard: Path
    member: str
    start: int
    size: int

    @property
    def name(self) -> str:
        """File name of the image."""
        return self.member.rpartition("/")[2]

    @property
    def parent(self) -> Path:
        """The shard, in place of a folder."""
        return self.shard

    def __str__(self) -> str:
        return f"{self.shard}/{self.member}"

    def open(self) -> io.BytesIO:
        """Return its bytes as a named file; fewer bytes where the shard was cut short.

        Raises:
            OSError: the shard cannot be read.
        """
        with open(self.shard, "rb") as file:
            file.seek(self.start)
            content = _Named(file.read(min(self.size, OWN_FILES.file + 1)))
        content.name = self.name
        return content


class _Named(io.BytesIO):
    name: str


@dataclass(frozen=True)
class ShardEntry:
    """An image with its captions and tags from the files beside it; tags are None where there are none listed."""

    picture: ShardPicture
    captions: tuple[str, ...]
    tags: tuple[int, ...] | None


def find_shards(patterns: Sequence[str], folder: Path) -> list[Path]:
    """List the tar files that match patterns such as ``train-{0000..0999}.tar`` or ``disk*/*.tar`` below a folder.

    Raises:
        InputError: a pattern matches no file, or files that it names are missing.
    """
    found: list[Path] = []
    for pattern in patterns:
        matches: list[Path] = []
        absent: list[Path] = []
        for name in expand_braces(pattern):
            if glob.has_magic(name):
                matches += [folder / path for path in sorted(glob.glob(name, root_dir=folder))]
            else:
                (matches if (folder / name).is_file() else absent).append(folder / name)
        if absent:
            raise InputError(f"{pattern!r} names {len(absent)} shards that are not there, first {absent[0].name}")
        if not matches:
            raise InputError(f"there is no shard {pattern!r} below the data folder: check --data and data.shards")
        found += matches
    return list(dict.fromkeys(found))


def expand_braces(pattern: str) -> list[str]:
    """Expand ``{000..120}`` to its numbers and ``{a,b}`` to its words, in every combination.

    Raises:
        InputError: a range runs backwards or to more than a million shards.
    """
    match = re.search(r"\{([^{}]*)\}", pattern)
    if match is None:
        return [pattern]
    words = match[1].split(",")
    if limits := re.fullmatch(r"(\d+)\.\.(\d+)", match[1]):
        low, high = int(limits[1]), int(limits[2])
        if not 0 <= high - low < 1_000_000:
            raise InputError(f"{pattern!r} has the range {low} to {high}: it must go up, to at most a million shards")
        words = [str(number).zfill(len(limits[1])) for number in range(low, high + 1)]
    rest = expand_braces(pattern[match.end() :])
    return [pattern[: match.start()] + word + end for word in words for end in rest]


def read_shards(
    shards: Sequence[Path], tags: int, workers: int, progress: Callable[[int, int], None]
) -> tuple[list[ShardEntry], list[str]]:
    """Read every sample of the shards in order, and list the names and faults of unusable ones.

    A sample is the files that share a name up to its first dot, or up to the last one (see :func:`_split`): an image
    and ``.json`` (``caption``: one or several, ``union_label_id``: tag ids) or ``.txt`` (a caption). Of a broken tar
    file the samples before the fault are used.
    """
    entries: list[ShardEntry] = []
    skipped: list[str] = []
    for number, (read, faults) in enumerate(read_ahead(partial(_read_shard, tags), shards, workers), 1):
        entries += read
        skipped += faults
        progress(number, len(shards))
    return entries, skipped


def shuffle(pictures: Sequence[Path | ShardPicture], generator: torch.Generator, buffer: int) -> torch.Tensor:
    """Return all indices (images,) in random order, with the images of a shard near each other for slow disks.

    Shards come in random order, and images are shuffled within ``buffer`` consecutive ones. An image file counts as a
    shard of its own.
    """
    shards: dict[Path | int, int] = {}
    keys = (picture.shard if isinstance(picture, ShardPicture) else i for i, picture in enumerate(pictures))
    shard_of = torch.tensor([shards.setdefault(key, len(shards)) for key in keys])
    if len(shards) == len(pictures):
        return torch.randperm(len(pictures), generator=generator)
    order = torch.randperm(len(shards), generator=generator)[shard_of].argsort(stable=True)
    return torch.cat([part[torch.randperm(len(part), generator=generator)] for part in order.split(buffer)])


def _read_shard(tags: int, shard: Path) -> tuple[list[ShardEntry], list[str]]:
    """Return the samples of a shard, and the names and faults of unusable ones."""
    entries, skipped = [], []
    try:
        for key, members, texts in _samples(shard):
            try:
                entries.append(_entry(tags, shard, members, texts))
            except (ValueError, RecursionError) as error:
                skipped.append(f"{shard}/{key}: {error}")
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        skipped.append(f"{shard}: broken after {len(entries)} samples ({error}): make it again or copy it again")
    return entries, skipped


def _entry(tags: int, shard: Path, members: list[tarfile.TarInfo], texts: dict[str, bytes]) -> ShardEntry:
    if len(members) != 1:
        raise ValueError(f"has {len(members)} pictures: a sample, the files of one name up to its first dot, has one")
    picture = ShardPicture(shard, members[0].name, members[0].offset_data, members[0].size)
    if "json" not in texts:
        return ShardEntry(picture, (texts["txt"].decode("utf-8-sig").strip(),) if "txt" in texts else (), None)
    values = json.loads(texts["json"])
    if not isinstance(values, dict):
        raise ValueError("its JSON is no object with caption and union_label_id")
    captions, ids = values.get("caption", []), values.get("union_label_id")
    captions = [captions] if isinstance(captions, str) else captions
    if not (isinstance(captions, list) and all(isinstance(text, str) for text in captions)):
        raise ValueError("its JSON has no caption that is a text or a list of texts")
    if ids is None:
        return ShardEntry(picture, tuple(captions), None)
    if not (isinstance(ids, list) and all(type(id_) is int and 0 <= id_ < tags for id_ in ids)):
        raise ValueError(f"its union_label_id is no list of tag ids under {tags}")
    return ShardEntry(picture, tuple(captions), tuple(ids))


_Sample = tuple[str, list[tarfile.TarInfo], dict[str, bytes]]
"""Name, images, and texts by suffix."""


def _samples(shard: Path) -> Iterator[_Sample]:
    """Yield the samples of a shard; the files of each are consecutive."""
    key = ""
    files: list[tuple[str, tarfile.TarInfo, bytes]] = []
    with tarfile.open(shard, "r:") as archive:  # compressed shards could not be read from the middle
        for member in archive:
            archive.members = []  # type: ignore[attr-defined]  # else it remembers every file
            if not member.isfile():
                continue
            folder, slash, name = member.name.rpartition("/")
            stem, _, ending = name.partition(".")
            if folder + slash + stem != key:
                yield from _split(key, files)
                key, files = folder + slash + stem, []
            content = b""
            if ending.lower().endswith(_TEXTS) and member.size <= LARGEST_TEXT:
                file = archive.extractfile(member)
                content = file.read() if file is not None else b""
            files.append((ending, member, content))
    yield from _split(key, files)


def _split(key: str, files: Sequence[tuple[str, tarfile.TarInfo, bytes]]) -> Iterator[_Sample]:
    """Yield the samples among files that share a name up to the first dot, each with its ending after that dot.

    That is one sample, as in WebDataset. Where all their names have further dots ("22.05.jpg", "22.06.jpg") and each
    image has its own name up to the last dot, that name makes a sample.
    """
    parts: dict[str, list[tuple[str, tarfile.TarInfo, bytes]]] = {}
    for ending, member, content in files:
        parts.setdefault(ending.rpartition(".")[0], []).append((ending, member, content))
    samples = [_sample(f"{key}.{name}", part) for name, part in parts.items()] if "" not in parts else []
    if not samples or any(len(members) != 1 for _, members, _ in samples):
        samples = [_sample(key, files)]
    yield from (sample for sample in samples if sample[1] or sample[2])


def _sample(key: str, files: Sequence[tuple[str, tarfile.TarInfo, bytes]]) -> _Sample:
    members = [member for ending, member, _ in files if f".{ending.lower()}".endswith(SUFFIXES)]
    texts: dict[str, bytes] = {}
    for ending, member, content in sorted(files, key=lambda file: file[0].count(".")):
        suffix = ending.lower().rpartition(".")[2]
        if suffix in _TEXTS and member.size <= LARGEST_TEXT:
            texts.setdefault(suffix, content)
    return key, members, texts
