"""Tags within the files of photos, as XMP and as IPTC keywords; only where that was asked for.

By exiv2 (`pyexiv2`), in memory: the file of a photo is replaced in one step, when its new content is whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ram.errors import ImageError, InputError, MissingPackageError
from ram.export.formats import Record
from ram.images.size_limits import OWN_FILES
from ram.library.sidecars import tags_of
from ram.library.xmp import XmpDocument
from ram.library.xmp_edits import EMPTY, Tags, add_tags, added_by_us, remove_tags, tag_key
from ram.runtime import atomic_write

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp")
"""Files that tags are written into. Others, such as TIFF, hold offsets that a changed length could break."""
WITH_KEYWORDS = SUFFIXES[:4]
"""Those that get IPTC keywords, too, which only JPEG has by a standard."""
KEYWORDS, CHARACTERS = "Iptc.Application2.Keywords", "Iptc.Envelope.CharacterSet"
_UTF8 = "\x1b%G"
_PACKET, _CHARACTERS = "xmp", "characters"
"""Names of the parts that tagging added to a photo which had none: a whole XMP packet, the encoding of its keywords."""


class EmbeddedTags:
    """Writes tags into the files of photos, and takes them out again.

    Args:
        path_of, listed, dry: as of :class:`ram.library.sidecars.Sidecars`.

    Attributes:
        written: how many photos were changed, or would be.

    Raises:
        MissingPackageError: pyexiv2 is not installed.
    """

    def __init__(self, path_of: Callable[[str], str] = str, listed: bool = False, dry: bool = False) -> None:
        self._exiv2 = _exiv2()
        self._path_of = path_of
        self._listed = listed
        self._dry = dry
        self.written = 0

    def holds(self, photo: Path, model: str) -> bool:
        """Whether a photo has tags of this model within; False where it cannot be read."""
        try:
            with self._opened(photo) as (image, _):
                ours = added_by_us(_packet(image, photo.name))
        except InputError:
            return False
        return ours is not None and ours.model == model

    def add(self, photo: Path, record: Record) -> tuple[Path, tuple[str, ...]]:
        """Write the tags of a photo in place of those that we wrote before.

        Returns:
            The photo, and the tags that it did not have without us.

        Raises:
            InputError: the file is of a kind that cannot take tags, or its XMP is broken; it is left as it is.
            OSError: it cannot be written.
        """
        with self._opened(photo) as (image, before):
            document = _packet(image, photo.name)
            ours = added_by_us(document)
            tags = tags_of(record, self._path_of, self._listed)
            keywords = _keywords(image, without=ours)
            present = set(map(tag_key, keywords))
            added = tuple(name for name in tags.names if tag_key(name) not in present)
            if photo.suffix.lower() not in WITH_KEYWORDS:
                added = ()
            made = {_PACKET, _CHARACTERS} & set(ours.made if ours else ())
            if document.data == EMPTY:
                made.add(_PACKET)
            iptc: dict[str, Any] = {KEYWORDS: [*keywords, *added]}
            if not all(map(str.isascii, added)) and not image.read_iptc(_BYTES):
                made.add(_CHARACTERS)
                iptc[CHARACTERS] = _UTF8
            tags = Tags(tags.model, tags.names, tags.paths, added, tuple(sorted(made)))
            data = add_tags(document, tags, photo.name)
            if data != document.data:
                self._replace(photo, before, data, iptc)
        ours = added_by_us(XmpDocument.parse(data, photo.name))
        return photo, ours.names if ours else ()

    def undo(self, photo: Path) -> tuple[str, ...]:
        """Take out what we wrote; all other fields stay. Gives the tags that were ours.

        Raises:
            InputError: the photo cannot be read; it is left as it is.
            OSError: it cannot be written.
        """
        if photo.suffix.lower() not in SUFFIXES:
            return ()
        with self._opened(photo) as (image, before):
            document = _packet(image, photo.name)
            ours = added_by_us(document)
            if ours is None:
                return ()
            iptc: dict[str, Any] = {KEYWORDS: _keywords(image, without=ours)}
            if _CHARACTERS in ours.made:
                iptc[CHARACTERS] = None
            data = remove_tags(document, photo.name)
            left = XmpDocument.parse(data, photo.name).rdf
            self._replace(photo, before, b"" if _PACKET in ours.made and not left.children else data, iptc)
            return ours.names

    def _replace(self, photo: Path, before: bytes, packet: bytes, iptc: dict[str, Any]) -> None:
        """Write the file anew with this XMP, none where it is empty, and these IPTC fields, of which empty ones go."""
        if self._dry:
            self.written += 1
            return
        fields = iptc | {KEYWORDS: list(map(_as_bytes, iptc[KEYWORDS]))}
        with self._faults(photo), self._exiv2.ImageData(before) as image:
            foreign = _foreign(image)
            if photo.suffix.lower() in WITH_KEYWORDS:
                image.modify_iptc({name: value or None for name, value in fields.items()}, _BYTES)
            image.modify_raw_xmp(packet.decode())
            after = image.get_bytes()
        if after == before:
            return
        with self._faults(photo), self._exiv2.ImageData(after) as image:
            if _foreign(image) != foreign:
                lost = "would lose fields of other programs, so it is left as it is"
                raise InputError(f"{photo.name} {lost}: use --sidecars")
        path = Path(os.path.realpath(photo))
        with atomic_write(path, sync=True) as partial:
            partial.write_bytes(after)
            if path.read_bytes() != before:
                raise InputError(f"{photo.name} was changed meanwhile by another program: run the command again")
        self.written += 1

    @contextmanager
    def _opened(self, photo: Path) -> Iterator[tuple[Any, bytes]]:
        """A photo in exiv2, and its bytes."""
        if photo.suffix.lower() not in SUFFIXES:
            raise InputError(f"{photo.name} cannot take tags within, only {', '.join(SUFFIXES)} can: use --sidecars")
        try:
            if photo.stat().st_size > OWN_FILES.file:
                raise InputError(f"{photo.name} has more than {OWN_FILES.file >> 20} MB: it is left as it is")
            content = photo.read_bytes()
        except OSError as error:
            raise InputError(f"{photo.name} cannot be read: {error.strerror or error}") from None
        with self._faults(photo), self._exiv2.ImageData(content) as image:
            yield image, content

    @contextmanager
    def _faults(self, photo: Path) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:  # of exiv2; our own are of other kinds
            reason = " ".join(str(error).split())
            raise ImageError(f"{photo.name} cannot take tags within, it is left as it is: {reason}") from None


_BYTES = "latin-1"
"""Encoding under which bytes of any encoding come and go unchanged."""


_POINTERS = ("ExifTag", "GPSTag", "InteroperabilityTag", "JPEGInterchangeFormat", ".Offset")
"""Ends of the names of fields that say where others are."""


def _foreign(image: Any) -> list[dict[str, Any]]:
    """All fields of a photo without those that we write, which have tests of their own."""
    ours = (KEYWORDS, CHARACTERS, "Xmp.dc.subject", "Xmp.lr.hierarchicalSubject", "Xmp.ram.")
    kinds = image.read_xmp(), image.read_iptc(_BYTES), image.read_exif(_BYTES)
    return [
        {name: value for name, value in fields.items() if not (name.startswith(ours) or name.endswith(_POINTERS))}
        for fields in kinds
    ]


def _as_bytes(keyword: str) -> str:
    return keyword.encode("utf-8", "surrogateescape").decode(_BYTES)


def _keywords(image: Any, without: Tags | None) -> list[str]:
    """The keywords of a photo that are not ours."""
    found = image.read_iptc(_BYTES).get(KEYWORDS, [])
    keywords = [keyword.encode(_BYTES).decode("utf-8", "surrogateescape") for keyword in found]
    for ours in without.keywords if without else ():
        if ours in keywords:
            keywords.remove(ours)
    return keywords


def _packet(image: Any, name: str) -> XmpDocument:
    """The XMP of a photo; an empty one where it has none."""
    return XmpDocument.parse(image.read_raw_xmp().encode() or EMPTY, f"the XMP of {name}")


def _exiv2() -> Any:
    try:
        import pyexiv2
    except (ImportError, OSError, RuntimeError):
        raise MissingPackageError(
            'tags within photos need pyexiv2: install it with pip install "ram[embed]", or use --sidecars'
        ) from None
    pyexiv2.set_log_level(3)  # errors, which become exceptions; warnings would be printed
    return pyexiv2
