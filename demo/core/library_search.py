"""Find photos of a library for its page, make thumbnails of them, and keep thumbs."""

from __future__ import annotations

import io
import os
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ram.errors import InputError
from ram.images.opening import open_image
from ram.labels.tag_names import TagNames
from ram.labels.tag_tree import shipped_tree
from ram.library.photo_library import FoundPhoto, PhotoLibrary
from ram.text.names import parse_categories
from ram.text.vocabulary import KINDS

SHOWN, MOST = 60, 600
"""Photos of a page of results, and the most that are shown."""
SHOWN_TAGS, FACETS = 12, 12
"""Tags of a photo, and tags of each kind among the results."""
WORDS = 300
"""Characters of a sentence."""
SIZES = {"small": 320, "large": 1600}
"""Longer side of a photo in pixels."""


@dataclass(frozen=True)
class Query:
    """A search, as the address of the page holds it.

    Args:
        words: a sentence.
        all, without, kinds: tags, and kinds of tags.
        since, until: days.
        like: row of a photo, or None.
        most: photos to show.
    """

    words: str = ""
    all: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    like: int | None = None
    most: int = SHOWN

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Query:
        """Read the parameters of an address.

        Raises:
            InputError: one cannot be read; the message says which.
        """
        words = values.get("words", "").strip()
        if len(words) > WORDS:
            raise InputError(f"the sentence has {len(words)} characters: give at most {WORDS}")
        given: dict[str, Any] = {name: _tags(values.get(name, "")) for name in ("all", "without", "kinds")}
        given |= {name: _day(values.get(name, "")) for name in ("since", "until")}
        like = values.get("like", "")
        if like and not _is_number(like):
            raise InputError(f"{like!r:.40} is no photo of the library")
        most = values.get("most", "")
        return cls(
            words, **given, like=int(like) if like else None,
            most=min(int(most), MOST) if _is_number(most) and int(most) else SHOWN,
        )  # fmt: skip


class LibrarySearch:
    """Answers the page of a library; one request at a time.

    Args:
        library: that is searched.
        names: of tags in the language of the page.
    """

    def __init__(self, library: PhotoLibrary, names: TagNames | None = None) -> None:
        self.library = library
        self.names = names or TagNames({})
        self.lock = threading.Lock()
        self._inside = Path(os.path.realpath(library.folder))

    def find(self, query: Query) -> dict[str, Any]:
        """Photos of a search with their tags, how many there are, and the tags of each kind among them.

        Raises:
            InputError: a tag is unknown, or the search cannot be done.
        """
        with self.lock:
            photos = self._search(query)
            shown = [self._photo(photo) for photo in photos[: query.most]]
        counts = Counter(tag["tag"] for photo in shown for tag in photo["tags"])
        facets: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
        for tag, count in counts.most_common():
            kind = shipped_tree().kind(tag) or KINDS[0]
            if len(facets[kind]) < FACETS:
                facets[kind].append({"tag": tag, "name": self.names[tag], "count": count})
        return {"photos": shown, "more": len(photos) > query.most, "of": len(self.library), "facets": facets}

    def complete(self, text: str, most: int = 8) -> list[dict[str, str]]:
        """Tags of the library that begin with a text, in the language of the page or in English."""
        key = text.strip().casefold()
        with self.lock:
            tags = self.library.index.names()
        named = [(tag, self.names[tag]) for tag in tags]
        found = [one for one in named if any(name.casefold().startswith(key) for name in one)] if key else []
        return [{"tag": tag, "name": name} for tag, name in sorted(found, key=lambda one: len(one[1]))[:most]]

    def picture(self, row: int, size: str) -> bytes | None:
        """A photo as JPEG; None where it is no photo of the library, or is not inside its folder.

        Args:
            row: of the photo: no request names a path.
            size: one of :data:`SIZES`.

        Raises:
            ImageError: the photo cannot be opened.
        """
        with self.lock:
            state = self.library.index.photo(row)
        if state is None or size not in SIZES:
            return None
        path = Path(os.path.realpath(self.library.folder / state.path))
        if not path.is_relative_to(self._inside):  # a link that leads outside
            return None
        picture = open_image(path).convert("RGB")
        picture.thumbnail((SIZES[size], SIZES[size]))
        content = io.BytesIO()
        picture.save(content, "JPEG", quality=82)
        return content.getvalue()

    def _search(self, query: Query) -> list[FoundPhoto]:
        tags: dict[str, Any] = {
            "all": self.names.tags(query.all), "without": self.names.tags(query.without),
            "kinds": self.names.tags(query.kinds), "since": query.since, "until": query.until,
        }  # fmt: skip
        most = query.most + 1
        if query.like is not None:
            state = self.library.index.photo(query.like)
            if state is None:
                raise InputError("that photo is no longer in the library")
            return self.library.search(like=self.library.folder / state.path, most=most, **tags)
        if not (query.words or any(tags.values())):
            return self.library.newest(most)
        return self.library.search(query.words or None, most=most, **tags)

    def _photo(self, photo: FoundPhoto) -> dict[str, Any]:
        state = self.library.index.photo(photo.row)
        tags = self.library.index.tags_of(photo.row)
        thumbs = self.library.index.thumbs_of(photo.row)
        shown = [
            {"tag": tag, "name": self.names[tag], "probability": round(value, 4), "thumb": thumbs.get(tag, 0)}
            for tag, value in list(tags.items())[:SHOWN_TAGS]
        ]
        shown += [
            {"tag": tag, "name": self.names[tag], "probability": None, "thumb": thumb}
            for tag, thumb in thumbs.items()
            if tag not in tags
        ]
        return {
            "row": photo.row, "name": os.fsencode(photo.path.name).decode("utf-8", "replace"),
            "score": round(float(photo.score), 4), "day": state.taken[:10] if state else "", "tags": shown,
        }  # fmt: skip


def _tags(text: str) -> tuple[str, ...]:
    return tuple(parse_categories(text)) if text.strip() else ()


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) <= 18  # Python refuses to read thousands of digits, SQLite over 18


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r:.40} is no day: give it as 2026-05-31") from None
