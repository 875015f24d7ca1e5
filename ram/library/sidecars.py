"""Tags in an XMP file beside each photo, where photo programs read them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from ram.errors import InputError
from ram.export.formats import Record
from ram.export.tag_files import record_tags
from ram.images.opening import SUFFIXES
from ram.library.xmp import LIMIT, XmpDocument
from ram.library.xmp_edits import EMPTY, Tags, add_tags, added_by_us, remove_tags
from ram.runtime import atomic_write

RAW_SUFFIXES = tuple(
    ".3fr .ari .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw "
    ".rw2 .rwl .sr2 .srf .srw .x3f .mov .mp4".split()
)
"""Files beside which ``IMG.xmp`` may stand, too: camera's raw files, and the videos of live photos."""


class Sidecars:
    """Writes tags into the sidecar of each photo, and takes them out again.

    Args:
        path_of: path of a tag from the general to the particular, joined by "|".
        listed: write all listed tags, instead of those over their thresholds.
        dry: find out what would be written, and write nothing.

    Attributes:
        written: how many sidecars were written, or would be.
    """

    def __init__(self, path_of: Callable[[str], str] = str, listed: bool = False, dry: bool = False) -> None:
        self._path_of = path_of
        self._listed = listed
        self._dry = dry
        self.written = 0

    def holds(self, photo: Path, model: str) -> bool:
        """Whether the sidecar of a photo has tags of this model; False where it cannot be read."""
        try:
            document, _ = _read(sidecar_of(photo))
        except InputError:
            return False
        ours = added_by_us(document)
        return ours is not None and ours.model == model

    def add(self, photo: Path, record: Record) -> tuple[Path, tuple[str, ...]]:
        """Write the tags of a photo in place of those that we wrote before.

        Returns:
            The sidecar, and the tags that it did not have without us.

        Raises:
            InputError: the sidecar is no XMP, too large, or cannot take tags; it is left as it is.
            OSError: it cannot be written.
        """
        path = sidecar_of(photo)
        document, before = _read(path)
        data = add_tags(document, tags_of(record, self._path_of, self._listed), path.name)
        if data != before:
            if not self._dry:
                _write(path, data, before)
            self.written += 1
        ours = added_by_us(XmpDocument.parse(data, path.name))
        return path, ours.names if ours else ()

    def undo(self, photo: Path) -> tuple[str, ...]:
        """Take out what we wrote; a sidecar that we made is removed. Gives the tags that were ours.

        Raises:
            InputError: the sidecar is no XMP or too large; it is left as it is.
            OSError: it cannot be written.
        """
        path = sidecar_of(photo)
        document, before = _read(path)
        ours = added_by_us(document)
        if ours is None or before is None:
            return ()
        data = remove_tags(document, path.name)
        if not self._dry:
            if data == EMPTY:
                path.unlink()
            else:
                _write(path, data, before)
        self.written += 1
        return ours.names


def sidecar_of(photo: Path) -> Path:
    """Where the tags of a photo are: ``IMG.jpg.xmp``, or an ``IMG.xmp`` that can be of no other file.

    digiKam, darktable and Immich write the first form, Lightroom the second; a new sidecar has the first.
    """
    full = photo.with_name(f"{photo.name}.xmp")
    if os.path.lexists(full):
        return full
    for short in (photo.with_suffix(".xmp"), photo.with_suffix(".XMP")):
        if short.is_file():
            endings = {*SUFFIXES, *RAW_SUFFIXES} - {photo.suffix.lower()}
            others = (photo.with_suffix(ending) for low in endings for ending in (low, low.upper()))
            return full if any(map(os.path.exists, others)) else short
    return full


def tags_of(record: Record, path_of: Callable[[str], str], listed: bool) -> Tags:
    """The tags of a record, in the language that it has, with their paths."""
    named = record_tags(record, listed)
    paths = (path_of(tag).rpartition("|")[0] for tag in named)
    joined = (f"{path}|{name}" if path else name for path, name in zip(paths, named.values(), strict=True))
    return Tags(record["model"], tuple(named.values()), tuple(joined))


def _read(path: Path) -> tuple[XmpDocument, bytes | None]:
    """A sidecar and its bytes; an empty one and None where there is none."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return XmpDocument.parse(EMPTY, path.name), None
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror or error}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise InputError(f"{path.name} is no file: it is left as it is")
    with os.fdopen(handle, "rb") as file:
        content = file.read(LIMIT + 1)
    return XmpDocument.parse(content, path.name), content


def _write(path: Path, data: bytes, before: bytes | None) -> None:
    """Replace a sidecar by other bytes, unless another program has changed it meanwhile."""
    path = Path(os.path.realpath(path))
    with atomic_write(path) as partial:
        partial.write_bytes(data)
        if _read(path)[1] != before:
            raise InputError(f"{path.name} was changed meanwhile by another program: run the command again")
