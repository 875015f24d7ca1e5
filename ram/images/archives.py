"""Read images from untrusted zip archives, with limits that are checked before and while unpacking.

Names in the archive are shown but never used as paths: images are unpacked into memory, one at a time.
"""

from __future__ import annotations

import re
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ram.errors import ArchiveError, ImageError
from ram.images.archive_names import read_names
from ram.images.folders import is_of_program, is_of_system
from ram.images.opening import SUFFIXES
from ram.images.size_limits import UPLOADS

MOST_PICTURES = 500
MOST_ENTRIES = 5_000
"""Most files and folders of any kind; a longer list is not read."""
MOST_UNPACKED = 1_000_000_000
"""Most bytes of all images together."""
MOST_RATIO = 200
"""Highest ratio of an image's size to its packed size; photos are hardly compressible."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile unpacks the others without any bound
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_LIST_BYTES = MOST_ENTRIES * 400
_END, _END_OF_64 = b"PK\x05\x06", b"PK\x06\x07"
_ENCRYPTED = 0x1
_FOREIGN = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[A-Za-z]:")


@dataclass(frozen=True)
class Member:
    """An entry of an archive: the name to show, and why it cannot be used, if so."""

    name: str
    info: zipfile.ZipInfo
    fault: str = ""


class Archive:
    """An open archive: its entries, and the bytes of each image on request."""

    def __init__(self, file: zipfile.ZipFile, name: str) -> None:
        self._file = file
        entries = file.infolist()
        self.members = tuple(
            Member(_shown(name), info, _fault(info, _shown(name)))
            for name, info in zip(read_names(entries), entries, strict=True)
            if not (info.is_dir() or _is_hidden(name))
        )
        pictures = [member.info for member in self.members if not member.fault]
        if not pictures and not self.members:
            raise ArchiveError(f"{name} is an empty archive: put photos into it")
        if len(pictures) > MOST_PICTURES:
            raise ArchiveError(f"{name} holds {len(pictures)} pictures, over {MOST_PICTURES}: split it")
        if (unpacked := sum(info.file_size for info in pictures)) > MOST_UNPACKED:
            raise ArchiveError(
                f"{name} unpacks to {unpacked / 1e9:.1f} GB, over {MOST_UNPACKED / 1e9:.0f} GB: split it"
            )

    def read(self, member: Member) -> bytes:
        """Return the bytes of an image.

        Raises:
            ImageError: the entry has a fault or is broken.
        """
        if member.fault:
            raise ImageError(member.fault)
        try:
            with self._file.open(member.info) as packed:
                return packed.read(UPLOADS.file)
        except Exception as error:  # zipfile and zlib raise nearly anything on broken data
            raise ImageError(f"{member.name} is broken in the archive: pack it again") from error


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a zip archive within the limits.

    Raises:
        ArchiveError: it is not a zip archive, cut short, or over a limit. The message holds the file name, never the
            whole path.
    """
    name = _shown(path.name)
    _check_list(path, name)
    try:
        file = zipfile.ZipFile(path)
    except Exception as error:
        raise ArchiveError(f"{name} is a broken archive: pack it again") from error
    with file:
        yield Archive(file, name)


def is_archive(path: Path) -> bool:
    """Tell by the first bytes and the name whether a file is a zip archive."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", _END) or path.suffix.lower() == ".zip"


def _check_list(path: Path, name: str) -> None:
    """Check the length of the list of entries in the end record, before zipfile reads the list into memory."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_536 - 42))  # the longest comment, the end record, and the one of large archives
        tail = file.read()
    ends = [found.start() for found in re.finditer(_END, tail)]
    if not ends:
        raise ArchiveError(f"{name} is no zip archive, or cut short: pack it again")
    for at in ends:
        entries, listed = tail[at + 10 : at + 12], tail[at + 12 : at + 16]
        large = tail[max(0, at - 20) : at].startswith(_END_OF_64)
        if large or int.from_bytes(entries, "little") > MOST_ENTRIES or int.from_bytes(listed, "little") > _LIST_BYTES:
            raise ArchiveError(f"{name} lists more than {MOST_ENTRIES:,} files: split it")


def _is_hidden(path: str) -> bool:
    """Tell whether a file is hidden, or is what a system or program puts beside photos."""
    *folders, name = re.split(r"[/\\]", path)
    hidden = any(folder.startswith(".") and folder not in (".", "..") for folder in folders)
    return hidden or is_of_system(name) or any(map(is_of_program, folders, ("", *folders)))


def _fault(info: zipfile.ZipInfo, name: str) -> str:
    """Return why an entry cannot be used, as far as the list tells, or nothing; ``name`` is the one to show."""
    lower = info.filename.lower()
    if _FOREIGN.search(info.orig_filename) or "\0" in info.orig_filename:
        return f"{name} names a place outside the archive: it was left out"
    if lower.endswith(_ARCHIVES):
        return f"{name} is an archive inside the archive: unpack it first"
    if not lower.endswith(SUFFIXES) or stat.S_ISLNK(info.external_attr >> 16):
        return f"{name} is no picture: it was left out"
    if info.flag_bits & _ENCRYPTED:
        return f"{name} is locked with a password: pack it without one"
    if info.compress_type not in _METHODS:
        return f"{name} is packed in an unusual way: pack it as an ordinary zip"
    if info.file_size > UPLOADS.file:
        return f"{name} is over {UPLOADS.file // 10**6} MB: save it smaller"
    if info.file_size > MOST_RATIO * max(info.compress_size, 1):
        return f"{name} unpacks to over {MOST_RATIO} times its size, as no photo does: it was left out"
    return ""


def _shown(name: str) -> str:
    """Return a printable name, only the end of a very long one."""
    printable = "".join(character if character.isprintable() else "?" for character in name)
    return printable if len(printable) <= 240 else f"…{printable[-239:]}"
