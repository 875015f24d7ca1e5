"""Descriptions kept on disk, sentence by sentence, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ram.describers import Describer, Resumable
from ram.descriptions import normalize_category

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CachedDescription:
    """What is known about one tag: its sentences, and whether the describer had finished."""

    sentences: tuple[str, ...]
    complete: bool


class DescriptionCache:
    """A folder with one JSON file for each pair of tag and describer fingerprint.

    A file that is missing, broken or about another tag counts as unknown. A folder that cannot be written is
    reported once in the log; descriptions then simply are not kept.
    """

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)
        self._warned = False

    def get(self, tag: str, fingerprint: str) -> CachedDescription | None:
        """What is kept of `tag` (case does not count), or None."""
        try:
            held = json.loads(self._file(tag, fingerprint).read_text(encoding="utf-8"))
            sentences, complete = held["sentences"], held["complete"]
            if (held["tag"], held["fingerprint"]) != (_key(tag), fingerprint):
                return None
            if not isinstance(sentences, list) or not all(isinstance(text, str) for text in sentences):
                return None
            return CachedDescription(tuple(sentences), complete is True)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def put(self, tag: str, fingerprint: str, sentences: Sequence[str], *, complete: bool) -> None:
        """Keep these sentences in place of the former ones; a reader sees the old file or the new, whole."""
        entry = {
            "tag": _key(tag),
            "fingerprint": fingerprint,
            "complete": complete,
            "sentences": list(sentences),
        }
        temporary = ""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._folder, suffix=".part")
            with open(handle, "w", encoding="utf-8") as file:
                json.dump(entry, file, ensure_ascii=False)
            os.replace(temporary, self._file(tag, fingerprint))
        except OSError as error:
            with suppress(OSError):
                os.unlink(temporary)
            if not self._warned:
                self._warned = True
                _log.warning("descriptions are not kept, %s cannot be written: %s", self._folder, error)

    def _file(self, tag: str, fingerprint: str) -> Path:
        digest = hashlib.sha256(f"{_key(tag)}\0{fingerprint}".encode()).hexdigest()
        return self._folder / f"{digest[:40]}.json"


class CachedDescriber:
    """A describer that remembers: a known tag is read from disk, a half-known one is gone on with.

    Args:
        describer: asked for what is not known yet; a `Resumable` one is asked only for the rest.
        cache: where the sentences are kept.
    """

    def __init__(self, describer: Describer, cache: DescriptionCache) -> None:
        self._describer = describer
        self._cache = cache
        self.name = describer.name
        self.fingerprint = describer.fingerprint

    def __repr__(self) -> str:
        return f"CachedDescriber({self._describer!r})"

    def describe(self, tag: str) -> Iterator[str]:
        """Kept sentences first, then new ones, each kept before it is yielded.

        Raises:
            DescriberError: the describer failed; what it said until then stays kept.
        """
        tag = normalize_category(tag)
        held = self._cache.get(tag, self.fingerprint) or CachedDescription((), False)
        yield from held.sentences
        if held.complete:
            return
        sentences = list(held.sentences)
        for sentence in self._rest(tag, sentences):
            if sentence not in sentences:
                sentences.append(sentence)
                self._cache.put(tag, self.fingerprint, sentences, complete=False)
                yield sentence
        self._cache.put(tag, self.fingerprint, sentences, complete=True)

    def _rest(self, tag: str, held: Sequence[str]) -> Iterator[str]:
        if held and isinstance(self._describer, Resumable):
            return self._describer.resume(tag, tuple(held))
        return self._describer.describe(tag)


def _key(tag: str) -> str:
    return normalize_category(tag).casefold()
