"""Two describers as one: the sentences of the quick one first, those of the other as they come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ram.describers.base import Describer, Sense
from ram.describers.usage import Meter, Usage


class JoinedDescriber(Describer):
    """Describe a tag with one describer, then with another.

    Args:
        first: gives its sentences first, and the senses to choose from.
        second: adds its own, without repeats.
    """

    def __init__(self, first: Describer, second: Describer) -> None:
        self._first, self._second = first, second

    def __repr__(self) -> str:
        return f"JoinedDescriber({self._first!r}, {self._second!r})"

    @property
    def name(self) -> str:
        return f"{self._first.name}+{self._second.name}"

    @property
    def fingerprint(self) -> str:
        return f"{self._first.fingerprint}; {self._second.fingerprint}"

    def describe(self, tag: str) -> Iterator[str]:
        """Yield the sentences of both.

        Raises:
            DescriberError: one of them failed; the sentences until then stand.
        """
        seen: set[str] = set()
        for describer in (self._first, self._second):
            for sentence in describer.describe(tag):
                if sentence.casefold() not in seen:
                    seen.add(sentence.casefold())
                    yield sentence

    def knows(self, tag: str) -> bool:
        return self._first.knows(tag) or self._second.knows(tag)

    def senses(self, tag: str) -> Sequence[Sense]:
        return self._first.senses(tag)

    def with_sense(self, gloss: str) -> JoinedDescriber:
        return JoinedDescriber(self._first.with_sense(gloss), self._second.with_sense(gloss))

    def cached(self, tag: str) -> Sequence[str]:
        return (*self._first.cached(tag), *self._second.cached(tag))

    def is_cached(self, tag: str) -> bool:
        return self._second.is_cached(tag)

    @property
    def usage(self) -> Usage:
        return self._first.usage + self._second.usage

    def with_meter(self, meter: Meter) -> JoinedDescriber:
        return JoinedDescriber(self._first.with_meter(meter), self._second.with_meter(meter))
