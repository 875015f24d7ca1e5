"""Descriptions stored on disk, sentence by sentence, so that an interrupted run can resume."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ram.describers.base import Describer, Sense
from ram.describers.usage import Meter, Usage
from ram.runtime import atomic_write
from ram.text.names import normalize_category

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CachedDescription:
    """Stored sentences of one tag, and whether the describer had finished."""

    sentences: tuple[str, ...]
    complete: bool


class DescriptionCache:
    """Folder with one JSON file per tag and describer fingerprint, and a second one for an unfinished description.

    Several processes may share the folder: files are replaced atomically, and an unfinished description replaces
    neither a complete nor a longer one. A file that is missing, damaged or about another tag counts as absent. A
    folder that cannot be written is logged once; descriptions are then not stored.
    """

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)
        self._warned = False

    def get(self, tag: str, fingerprint: str) -> CachedDescription | None:
        """Return the stored description of ``tag`` (case does not count), or None."""
        finished = self._read(tag, fingerprint, complete=True)
        return finished or self._read(tag, fingerprint, complete=False)

    def _read(self, tag: str, fingerprint: str, complete: bool) -> CachedDescription | None:
        try:
            entry = json.loads(self._file(tag, fingerprint, complete).read_text(encoding="utf-8"))
            sentences = entry["sentences"]
            if (entry["tag"], entry["fingerprint"], entry["complete"]) != (_key(tag), fingerprint, complete):
                return None
            if not isinstance(sentences, list) or not all(isinstance(text, str) for text in sentences):
                return None
            return CachedDescription(tuple(sentences), complete)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def put(self, tag: str, fingerprint: str, sentences: Sequence[str], *, complete: bool) -> None:
        """Store sentences; unfinished ones only if no more of them are stored yet."""
        stored = None if complete else self.get(tag, fingerprint)
        if stored and (stored.complete or len(stored.sentences) > len(sentences)):
            return
        entry = {
            "tag": _key(tag),
            "fingerprint": fingerprint,
            "complete": complete,
            "sentences": list(sentences),
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(self._file(tag, fingerprint, complete)) as path:
                path.write_text(json.dumps(entry, ensure_ascii=False), encoding="utf-8")
            if complete:
                self._file(tag, fingerprint, False).unlink(missing_ok=True)
        except OSError as error:
            if not self._warned:
                self._warned = True
                _log.warning("descriptions are not stored, %s cannot be written: %s", self._folder, error)

    def _file(self, tag: str, fingerprint: str, complete: bool) -> Path:
        digest = hashlib.sha256(f"{_key(tag)}\0{fingerprint}".encode()).hexdigest()
        return self._folder / f"{digest[:40]}{'' if complete else '.unfinished'}.json"


class CachedDescriber(Describer):
    """Describer with a cache: reads known tags from disk and resumes unfinished ones.

    Args:
        describer: writes the sentences that are not stored yet.
        cache: where sentences are stored.
    """

    def __init__(self, describer: Describer, cache: DescriptionCache) -> None:
        self._describer = describer
        self._cache = cache
        self._key = f"{describer.name}: {describer.fingerprint}"

    def __repr__(self) -> str:
        return f"CachedDescriber({self._describer!r})"

    @property
    def name(self) -> str:
        return self._describer.name

    @property
    def fingerprint(self) -> str:
        return self._describer.fingerprint

    @property
    def usage(self) -> Usage:
        """Requests and tokens spent by the wrapped describer; stored sentences cost nothing."""
        return self._describer.usage

    def with_meter(self, meter: Meter) -> CachedDescriber:
        return CachedDescriber(self._describer.with_meter(meter), self._cache)

    def knows(self, tag: str) -> bool:
        return self._describer.knows(tag)

    def senses(self, tag: str) -> Sequence[Sense]:
        return self._describer.senses(tag)

    def with_sense(self, gloss: str) -> CachedDescriber:
        return CachedDescriber(self._describer.with_sense(gloss), self._cache)

    def cached(self, tag: str) -> tuple[str, ...]:
        stored = self._cache.get(tag, self._key)
        return stored.sentences if stored else ()

    def is_cached(self, tag: str) -> bool:
        stored = self._cache.get(tag, self._key)
        return stored is not None and stored.complete

    def describe(self, tag: str) -> Iterator[str]:
        """Yield stored sentences first, then new ones, each stored before it is yielded.

        Raises:
            DescriberError: the wrapped describer failed; the sentences until then stay stored.
        """
        tag = normalize_category(tag)
        stored = self._cache.get(tag, self._key) or CachedDescription((), False)
        yield from stored.sentences
        if stored.complete:
            return
        sentences = list(stored.sentences)
        rest = self._describer.resume(tag, stored.sentences) if sentences else self._describer.describe(tag)
        for sentence in rest:
            if sentence not in sentences:
                sentences.append(sentence)
                self._cache.put(tag, self._key, sentences, complete=False)
                yield sentence
        self._cache.put(tag, self._key, sentences, complete=True)


def _key(tag: str) -> str:
    return normalize_category(tag).casefold()
