"""Describe tags, with a second describer that takes over where the first one fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ram.describers.base import Describer
from ram.errors import DescriberError, InputError
from ram.text.descriptions import Origin, TagDescriptions
from ram.text.names import unreadable_words

_UNREADABLE_ADVICE = "type it in English, or let a language model describe it"


@dataclass(frozen=True)
class DescribedSentence:
    """A sentence and its source.

    Args:
        text: the sentence.
        origin: name of the describer that wrote it.
        cached: it was read from the cache and cost nothing.
    """

    text: str
    origin: str
    cached: bool = False


@dataclass(frozen=True)
class Notice:
    """Something a person should know about how tags were described.

    Args:
        before, after: the words around the names of the tags; ``before`` alone where no tag is concerned.
        tags: the tags concerned.
    """

    before: str
    tags: tuple[str, ...] = ()
    after: str = ""

    @property
    def text(self) -> str:
        """One or two sentences, with each tag in quotes."""
        *others, last = [f'"{tag}"' for tag in self.tags] or [""]
        return self.before + " and ".join(filter(None, [", ".join(others), last])) + self.after


def merge_notices(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """Replace notices that differ only in their tags by one that names all of these tags."""
    tags: dict[tuple[str, str], dict[str, None]] = {}
    for notice in notices:
        tags.setdefault((notice.before, notice.after), {}).update(dict.fromkeys(notice.tags))
    return tuple(Notice(before, tuple(named), after) for (before, after), named in tags.items())


def describe_with_fallback(describer: Describer, fallback: Describer, tag: str) -> Iterator[DescribedSentence | Notice]:
    """Stream a describer's sentences; where it fails, say why and continue with the fallback's.

    Sentences that arrived before the failure are kept. No sentence is repeated, and none has a word that the text
    encoder cannot read; where that leaves no sentence, a notice says so.

    Raises:
        InputError: the tag is not a category.
        DescriberError: the fallback failed as well.
    """
    seen: set[str] = set()
    try:
        yield from _stream(describer, tag, seen)
    except DescriberError as error:
        if fallback.name == describer.name:
            raise
        yield Notice(f"{error} The {fallback.name} describer takes over for ", (tag,), ".")
        yield from _stream(fallback, tag, seen)
    if not seen and unreadable_words(tag):
        yield Notice("The text encoder cannot read ", (tag,), f": {_UNREADABLE_ADVICE}.")


def describe_tags(
    describer: Describer, fallback: Describer, tags: Iterable[str]
) -> tuple[TagDescriptions, tuple[Notice, ...]]:
    """Describe several tags; the notices, also in the origin's note, say where this differs from what was asked.

    Raises:
        InputError: the text encoder cannot read some of the tags.
        DescriberError: describer and fallback failed.
    """
    sentences: dict[str, list[str]] = {}
    notices: list[Notice] = []
    for tag in tags:
        sentences[tag] = []
        for part in describe_with_fallback(describer, fallback, tag):
            if isinstance(part, Notice):
                notices.append(part)
            else:
                sentences[tag].append(part.text)
    merged = merge_notices(notices)
    if unreadable := [f'"{tag}"' for tag, texts in sentences.items() if not texts and unreadable_words(tag)]:
        raise InputError(f"the text encoder cannot read {', '.join(unreadable)}: {_UNREADABLE_ADVICE}")
    origin = Origin(describer.name, describer.fingerprint, " ".join(notice.text for notice in merged))
    return TagDescriptions(sentences, origin), merged


def _stream(describer: Describer, tag: str, seen: set[str]) -> Iterator[DescribedSentence | Notice]:
    origin = describer.name
    if not describer.knows(tag) and not unreadable_words(tag):
        origin = "template"
        yield Notice(f"The {describer.name} does not know ", (tag,), ": templates are used instead.")
    cached = describer.cached(tag)
    for sentence in describer.describe(tag):
        if sentence.casefold() not in seen and not unreadable_words(sentence):
            if not seen and unreadable_words(tag):
                yield Notice(f"The {describer.name} describer reads ", (tag,), f' as in "{sentence}"')
            seen.add(sentence.casefold())
            yield DescribedSentence(sentence, origin, sentence in cached)
