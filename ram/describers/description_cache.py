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

from ram.describers.base import Describer, Metered, Resumable, TakesMeaning
from ram.describers.usage import Meter, Usage
from ram.text.descriptions import normalize_category

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CachedDescription:
    """What is known about one tag: its sentences, and whether the describer had finished."""

    sentences: tuple[str, ...]
    complete: bool


class DescriptionCache:
    """A folder with one JSON file for each pair of tag and describer fingerprint, and one for what is unfinished.

    Several processes may share it: a reader sees a file whole or not at all, and what is unfinished never takes the
    place of what is complete, nor of what has come further. A file that is missing, broken or about another tag
    counts as unknown. A folder that cannot be written is reported once in the log; descriptions then simply are not
    kept.
    """

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)
        self._warned = False

    def get(self, tag: str, fingerprint: str) -> CachedDescription | None:
        """What is kept of `tag` (case does not count), or None."""
        finished = self._read(tag, fingerprint, complete=True)
        return finished or self._read(tag, fingerprint, complete=False)

    def _read(self, tag: str, fingerprint: str, complete: bool) -> CachedDescription | None:
        try:
            held = json.loads(self._file(tag, fingerprint, complete).read_text(encoding="utf-8"))
            sentences = held["sentences"]
            if (held["tag"], held["fingerprint"], held["complete"]) != (_key(tag), fingerprint, complete):
                return None
            if not isinstance(sentences, list) or not all(isinstance(text, str) for text in sentences):
                return None
            return CachedDescription(tuple(sentences), complete)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def put(self, tag: str, fingerprint: str, sentences: Sequence[str], *, complete: bool) -> None:
        """Keep these sentences; unfinished ones only where no more of them are kept yet."""
        held = None if complete else self.get(tag, fingerprint)
        if held and (held.complete or len(held.sentences) > len(sentences)):
            return
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
            os.replace(temporary, self._file(tag, fingerprint, complete))
            if complete:
                self._file(tag, fingerprint, False).unlink(missing_ok=True)
        except OSError as error:
            with suppress(OSError):
                os.unlink(temporary)
            if not self._warned:
                self._warned = True
                _log.warning("descriptions are not kept, %s cannot be written: %s", self._folder, error)

    def _file(self, tag: str, fingerprint: str, complete: bool) -> Path:
        digest = hashlib.sha256(f"{_key(tag)}\0{fingerprint}".encode()).hexdigest()
        return self._folder / f"{digest[:40]}{'' if complete else '.unfinished'}.json"


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
        self._kept_as = f"{describer.name}: {describer.fingerprint}"

    def __repr__(self) -> str:
        return f"CachedDescriber({self._describer!r})"

    @property
    def usage(self) -> Usage:
        """What the describer behind has spent; what is kept costs nothing."""
        return self._describer.usage if isinstance(self._describer, Metered) else Usage()

    def metered(self, meter: Meter) -> CachedDescriber:
        """The same cache before the describer with another meter."""
        behind = self._describer
        return CachedDescriber(behind.metered(meter) if isinstance(behind, Metered) else behind, self._cache)

    def meaning(self, gloss: str) -> CachedDescriber:
        """The same cache before the describer of one meaning, kept apart by its fingerprint."""
        behind = self._describer
        return CachedDescriber(behind.meaning(gloss) if isinstance(behind, TakesMeaning) else behind, self._cache)

    def remembered(self, tag: str) -> tuple[str, ...]:
        """The sentences that are kept."""
        held = self._cache.get(tag, self._kept_as)
        return held.sentences if held else ()

    def describe(self, tag: str) -> Iterator[str]:
        """Kept sentences first, then new ones, each kept before it is yielded.

        Raises:
            DescriberError: the describer failed; what it said until then stays kept.
        """
        tag = normalize_category(tag)
        held = self._cache.get(tag, self._kept_as) or CachedDescription((), False)
        yield from held.sentences
        if held.complete:
            return
        sentences = list(held.sentences)
        for sentence in self._rest(tag, sentences):
            if sentence not in sentences:
                sentences.append(sentence)
                self._cache.put(tag, self._kept_as, sentences, complete=False)
                yield sentence
        self._cache.put(tag, self._kept_as, sentences, complete=True)

    def holds(self, tag: str) -> bool:
        """Whether all that there is to say of the tag is kept."""
        held = self._cache.get(tag, self._kept_as)
        return held is not None and held.complete

    def _rest(self, tag: str, held: Sequence[str]) -> Iterator[str]:
        if held and isinstance(self._describer, Resumable):
            return self._describer.resume(tag, tuple(held))
        return self._describer.describe(tag)


def _key(tag: str) -> str:
    return normalize_category(tag).casefold()
