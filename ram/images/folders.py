"""Find the image files in folders; count what is left out and why."""

from __future__ import annotations

import glob
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from ram.errors import ImageError
from ram.images.given import refuse_address, shown_name
from ram.images.kinds import READABLE
from ram.images.opening import SUFFIXES

MOST_NAMED = 8
"""Endings or folders that a notice lists by name."""
_SYSTEM_FILES = ("thumbs.db", "ehthumbs.db", "desktop.ini")
_SYSTEM_STARTS = (".", "synophoto_thumb", "synofile_thumb")
_OF_PROGRAMS = (
    "@eadir", "#recycle", "#snapshot",  # Synology
    "@recycle", "@recently-snapshot", "@__thumb",  # QNAP
    "$recycle.bin", "recycler", "recycled", "system volume information", "lost+found", "__macosx",
)  # fmt: skip
_PREVIEWS = ".lrdata"
_NEXTCLOUD = "appdata_oc"
_LIBRARIES = (".photoslibrary", ".photolibrary", ".migratedphotolibrary", ".aplibrary")
_IN_LIBRARIES = ("resources", "thumbnails", "previews", "private", "scopes")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoundImages:
    """Image files of a path, and what was left out.

    Args:
        images: files in sorted order, each once.
        left_out: how many files have an ending that is not read, by ending in lower case ("" for none).
        program_folders: how many folders of each name were not searched, because programs keep thumbnails, previews or
            deleted photos there.
        unreadable: folders that cannot be listed, each with the reason.
    """

    images: tuple[Path, ...]
    left_out: Counter[str] = field(default_factory=Counter)
    program_folders: Counter[str] = field(default_factory=Counter)
    unreadable: tuple[tuple[Path, str], ...] = ()

    def notices(self) -> Iterator[str]:
        """Sentences on what was left out, except for unreadable folders."""
        if self.left_out:
            names = Counter({ending or "without an ending": count for ending, count in self.left_out.items()})
            yield f"{_files(self.left_out.total())} of other kinds left out: {_counted(names)}"
        if self.program_folders:
            yield f"folders of thumbnails or deleted photos left out: {_counted(self.program_folders)}"


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """List the image files among paths, inside folders, and that match patterns such as ``*.jpg``; see :func:`search`.

    What is left out is logged. A file found twice is listed once.

    Raises:
        ImageError: a path does not exist, or a folder holds no image or cannot be listed.
    """
    images: dict[Path, None] = {}
    for path in paths:
        found = search(path)
        for notice in found.notices():
            _log.info("%s: %s", path, notice)
        for folder, reason in found.unreadable:
            _log.warning("%s cannot be listed: %s", folder, reason)
        images.update(dict.fromkeys(found.images))
    return list(images)


def search(path: str | Path) -> FoundImages:
    """Find the image files that one path stands for.

    A file is taken whatever its ending. A folder is searched for known endings, with its sub-folders and linked
    folders, each once, but without hidden ones and those where programs keep thumbnails or deleted photos. A name that
    does not exist is a pattern if it holds ``*``, ``?`` or ``[``; ``**`` stands for folders at any depth. Of what
    matches, files with known endings are taken, and folders are searched.

    Raises:
        ImageError: the path does not exist, or it holds no image or cannot be listed.
    """
    refuse_address(path)
    path = _as_meant(Path(path))
    if not os.path.exists(path):
        if glob.has_magic(str(path)):
            return _matching(path)
        raise ImageError(f"there is no file or folder {shown_name(path)}: check the path")
    if not path.is_dir():
        return FoundImages((path,))
    collected = _Search()
    collected.add_folder(path)
    found = collected.found()
    if found.images:
        return found
    if found.unreadable:
        folder, reason = found.unreadable[0]
        raise ImageError(f"{shown_name(folder)} cannot be listed: {reason}")
    raise ImageError(f"{shown_name(path)} holds no picture{_instead(found)}: give a folder with {READABLE} files")


def is_of_program(folder: str, parent: str = "") -> bool:
    """Tell by the names of a folder and of its parent whether a program keeps thumbnails or deleted photos in it."""
    name, parent = folder.lower(), parent.lower()
    if name in _OF_PROGRAMS or name.endswith(_PREVIEWS) or name.startswith(_NEXTCLOUD):
        return True
    return parent.endswith(_LIBRARIES) and name in _IN_LIBRARIES


def is_of_system(file: str) -> bool:
    """Tell by its name whether a system or program keeps a file beside photos: hidden files, Thumbs.db, thumbnails."""
    return file.lower() in _SYSTEM_FILES or file.lower().startswith(_SYSTEM_STARTS)


def _as_meant(path: Path) -> Path:
    """The path without what a shell left in it, if it does not exist as it is given.

    ``"C:\\photos\\"`` arrives with a quotation mark at its end, ``"~/photos"`` with the tilde, and a path that was
    copied on Windows has backslashes.
    """
    if os.path.exists(path):
        return path
    text = os.path.expanduser(str(path).strip("\"'"))
    plain = Path(text if os.sep == "\\" else text.replace("\\", "/"))
    return plain if os.path.exists(plain) or glob.has_magic(text) else path


def _matching(pattern: Path) -> FoundImages:
    """Images that match a pattern, and those in matching folders."""
    collected, rest = _Search(), Path()
    if "**" in pattern.parts:  # glob would follow loops of links
        index = pattern.parts.index("**")
        rest = Path(*pattern.parts[index + 1 :])
        matches = glob.iglob(str(Path(*pattern.parts[:index])))
    else:
        matches = glob.iglob(str(pattern))
    for match in sorted(map(Path, matches)):
        collected.add_folder(match) if match.is_dir() else collected.add_file(match)
    found = collected.found()
    if rest.parts:
        chosen = tuple(image for image in found.images if image.match(str(rest)))
        found = FoundImages(chosen, Counter(), found.program_folders, found.unreadable)
    if not found.images:
        raise ImageError(f"no picture matches {shown_name(pattern)}{_instead(found)}: check the path")
    return found


class _Search:
    """Collects images; every folder is searched once."""

    def __init__(self) -> None:
        self.images: dict[Path, None] = {}
        self._left_out: Counter[str] = Counter()
        self._program_folders: Counter[str] = Counter()
        self._unreadable: list[tuple[Path, str]] = []
        self._seen: set[str] = set()

    def found(self) -> FoundImages:
        images, unreadable = sorted(self.images), sorted(self._unreadable)
        return FoundImages(tuple(images), self._left_out, self._program_folders, tuple(unreadable))

    def add_file(self, path: Path) -> None:
        name = path.name.lower()
        if name.endswith(SUFFIXES):
            self.images[path] = None
        elif not is_of_system(name) or name.endswith(".icloud"):
            self._left_out[path.suffix.lower()] += 1

    def add_folder(self, root: Path) -> None:
        """Search real sub-folders before linked ones, so that a photo reached twice keeps its own path."""
        waiting = [(root, os.path.realpath(root))]
        links: list[tuple[Path, str]] = []
        while waiting or links:
            if not waiting:
                links.sort()
                waiting.append(links.pop(0))
            folder, real = waiting.pop()
            if real in self._seen:
                continue
            self._seen.add(real)
            entries = self._entries(folder)
            of_immich = {"thumbs", "encoded-video"} <= {entry.name for entry in entries}
            for entry in entries:
                path = folder / entry.name
                if not _is_folder(entry):
                    self.add_file(path)
                elif is_of_program(entry.name, os.path.basename(real)) or of_immich and entry.name == "thumbs":
                    self._program_folders[entry.name] += 1
                elif not entry.is_symlink():
                    waiting.append((path, os.path.join(real, entry.name)))
                elif not PurePath(real).is_relative_to(target := os.path.realpath(path)):
                    links.append((path, target))  # a link to a folder above would be a loop

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        """List the entries of a folder without hidden ones, except for photos that are still in iCloud.

        Empty if the folder cannot be listed.
        """
        try:
            with os.scandir(folder) as listing:
                return [entry for entry in listing if not entry.name.startswith(".") or entry.name.endswith(".icloud")]
        except OSError as error:
            self._unreadable.append((folder, error.strerror or str(error)))
            return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to where this user may not look
        return False


def _instead(found: FoundImages) -> str:
    """Describe, in parentheses, the contents of a folder without images."""
    notices = "; ".join(found.notices())
    return f" ({notices})" if notices else ""


def _counted(counts: Counter[str]) -> str:
    """ "3 .jxl, 1 .cr2", the most frequent first."""
    named = [f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    return ", ".join(named[:MOST_NAMED]) + (f" and {len(named) - MOST_NAMED} more kinds" if named[MOST_NAMED:] else "")


def _files(count: int) -> str:
    return f"{count} file{'s' if count != 1 else ''}"
