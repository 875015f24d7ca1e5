"""Base class of describers, which write what a tag looks like.

To add a describer, subclass :class:`Describer`, implement ``describe`` and name it in :mod:`ram.describers.loading`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ram.describers.usage import Meter, Usage


@dataclass(frozen=True)
class Sense:
    """One of several meanings of a word.

    Args:
        label: one or two words for a choice: "bird", "machine".
        gloss: definition that sets it apart from the others; a sense is chosen by its gloss.
    """

    label: str
    gloss: str


class Describer(ABC):
    """Writes sentences about tags, streamed so that a page can show each as it arrives.

    A subclass sets ``name`` and ``fingerprint`` and implements :meth:`describe`. All other methods have defaults for a
    describer that knows every word, has no senses to choose from, stores nothing and costs nothing.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """Short name, such as "lexicon"."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Everything that changes the sentences (model, prompts, version): the key of a cache."""

    @abstractmethod
    def describe(self, tag: str) -> Iterator[str]:
        """Yield sentences as they become known, the plain "a photo of a {tag}." first.

        Raises:
            InputError: the tag is not a category (see `ram.text.descriptions.normalize_category`).
            DescriberError: while iterating: no further sentences will come; another describer may take over.
        """

    def resume(self, tag: str, given: Sequence[str]) -> Iterator[str]:
        """Yield the sentences that an interrupted :meth:`describe` has not given yet.

        Override this where asking only for the missing sentences is cheaper than asking for all again.
        """
        return (sentence for sentence in self.describe(tag) if sentence not in given)

    def knows(self, tag: str) -> bool:
        """Whether the describer has more to say about the tag than templates."""
        return True

    def senses(self, tag: str) -> Sequence[Sense]:
        """Meanings of the tag, likeliest first; empty where it has only one or is unknown."""
        return ()

    def with_sense(self, gloss: str) -> Describer:
        """Return a describer that takes tags in the sense of this gloss."""
        return self

    def cached(self, tag: str) -> Sequence[str]:
        """Sentences that :meth:`describe` will repeat at no cost."""
        return ()

    def is_cached(self, tag: str) -> bool:
        """Whether the complete description of the tag is stored, so that describing it again costs nothing."""
        return False

    @property
    def usage(self) -> Usage:
        """Requests and tokens spent since the describer was made."""
        return Usage()

    def with_meter(self, meter: Meter) -> Describer:
        """Return a describer that asks this meter before every request."""
        return self
