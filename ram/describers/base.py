"""Describers say what a tag looks like: offline from a lexicon or templates, or by a language model.

A describer streams, so that a page can show sentences as they come. One that fails raises a `DescriberError`
whose text is a sentence for a person; `describe_with_fallback` lets another take over and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from ram.describers.usage import Meter, Usage
from ram.errors import DescriberError
from ram.text.descriptions import Origin, TagDescriptions

DESCRIBERS = ("lexicon", "template", "openai")
"""Names that `load_describer` knows."""


class Describer(Protocol):
    """Says what a tag looks like."""

    @property
    def name(self) -> str:
        """Short name, such as "lexicon"."""

    @property
    def fingerprint(self) -> str:
        """Everything that changes the sentences (model, prompts, version): what a cache must tell apart."""

    def describe(self, tag: str) -> Iterator[str]:
        """Sentences as they become known, the plain "a photo of a {tag}." first.

        Raises:
            ValueError: the tag is no category (see `ram.text.descriptions.normalize_category`).
            DescriberError: while iterating: there will be no further sentences.
        """


@runtime_checkable
class Resumable(Protocol):
    """A describer that can be asked for only what is still lacking."""

    def resume(self, tag: str, held: Sequence[str]) -> Iterator[str]:
        """Go on from the sentences that an interrupted `describe` has given."""


@runtime_checkable
class KnowsWords(Protocol):
    """A describer that can tell beforehand whether it has more than templates to offer."""

    def knows(self, tag: str) -> bool:
        """Whether what the tag means is known."""


@dataclass(frozen=True)
class Meaning:
    """One of several things that a word may mean.

    Args:
        label: what it is, in a word or two: "bird", "machine".
        gloss: what tells it from the others; names the meaning where one is chosen.
    """

    label: str
    gloss: str


@runtime_checkable
class KnowsMeanings(Protocol):
    """A describer that knows that some words mean several things."""

    def meanings(self, tag: str) -> Sequence[Meaning]:
        """What the tag may mean, likeliest first; empty where it means one thing only or is not known."""


@runtime_checkable
class TakesMeaning(Protocol):
    """A describer that can be told which meaning is meant."""

    def meaning(self, gloss: str) -> Describer:
        """The same describer for a tag that is meant in the sense of this gloss."""


@runtime_checkable
class Remembers(Protocol):
    """A describer that has some sentences already, at no cost."""

    def remembered(self, tag: str) -> Sequence[str]:
        """What `describe` will repeat without asking anyone."""


@runtime_checkable
class Metered(Protocol):
    """A describer that spends requests and tokens of a language model."""

    @property
    def usage(self) -> Usage:
        """What was spent since it was made."""

    def metered(self, meter: Meter) -> Describer:
        """The same describer, that asks another meter."""


@dataclass(frozen=True)
class DescribedSentence:
    """One sentence.

    Args:
        text: what it says.
        origin: the name of the describer that gave it.
        remembered: it was known already and cost nothing.
    """

    text: str
    origin: str
    remembered: bool = False


@dataclass(frozen=True)
class Notice:
    """Something a person should see about how tags are described.

    Args:
        before, after: what is said, around the names of the tags; all of it in ``before`` where it is about none.
        tags: those it is about.
    """

    before: str
    tags: tuple[str, ...] = ()
    after: str = ""

    @property
    def text(self) -> str:
        """In a sentence or two, each tag in quotes."""
        *others, last = [f'"{tag}"' for tag in self.tags] or [""]
        return self.before + " and ".join(filter(None, [", ".join(others), last])) + self.after


def gather(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """One notice in the place of those that say the same of different tags."""
    about: dict[tuple[str, str], dict[str, None]] = {}
    for notice in notices:
        about.setdefault((notice.before, notice.after), {}).update(dict.fromkeys(notice.tags))
    return tuple(Notice(before, tuple(tags), after) for (before, after), tags in about.items())


def load_describer(
    name: str,
    *,
    model: str | None = None,
    environ: Mapping[str, str],
    cache_folder: Path | str | None = None,
) -> Describer:
    """Assemble a describer by name.

    Args:
        name: one of `DESCRIBERS`.
        model: which language model "openai" asks; None for its default.
        environ: where "openai" finds OPENAI_API_KEY and OPENAI_BASE_URL.
        cache_folder: where "openai" keeps its answers; None keeps nothing.

    Raises:
        ValueError: no such describer, or a base URL that is none.
        MissingKeyError: "openai" without a key.
        DescriberError: the installed word lists cannot be read.
    """
    if name == "lexicon":
        from ram.describers.lexicon.describer import LexiconDescriber
        from ram.describers.lexicon.wordbook import WordBook

        return LexiconDescriber(WordBook.installed())
    if name == "template":
        from ram.describers.template import TemplateDescriber

        return TemplateDescriber()
    if name == "openai":
        from ram.describers.chat.describer import ChatDescriber
        from ram.describers.description_cache import CachedDescriber, DescriptionCache

        chat = ChatDescriber.from_environ(environ, model=model)
        return chat if cache_folder is None else CachedDescriber(chat, DescriptionCache(cache_folder))
    raise ValueError(f"there is no describer {name!r}: choose one of {', '.join(DESCRIBERS)}")


def describe_with_fallback(describer: Describer, fallback: Describer, tag: str) -> Iterator[DescribedSentence | Notice]:
    """Stream the describer's sentences; where it fails, say why and go on with the fallback's.

    Sentences that came before the failure stay. No sentence comes twice.

    Raises:
        ValueError: the tag is no category.
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


def describe_tags(
    describer: Describer, fallback: Describer, tags: Iterable[str]
) -> tuple[TagDescriptions, tuple[Notice, ...]]:
    """Describe several tags at once; notices, repeated in the origin, tell what did not go as asked."""
    sentences: dict[str, list[str]] = {}
    notices: list[Notice] = []
    for tag in tags:
        sentences[tag] = []
        for part in describe_with_fallback(describer, fallback, tag):
            if isinstance(part, Notice):
                notices.append(part)
            else:
                sentences[tag].append(part.text)
    gathered = gather(notices)
    origin = Origin(describer.name, describer.fingerprint, " ".join(notice.text for notice in gathered))
    return TagDescriptions(sentences, origin), gathered


def _stream(describer: Describer, tag: str, seen: set[str]) -> Iterator[DescribedSentence | Notice]:
    origin = describer.name
    if isinstance(describer, KnowsWords) and not describer.knows(tag):
        origin = "template"
        yield Notice(f"The {describer.name} does not know ", (tag,), ": templates are used instead.")
    remembered = describer.remembered(tag) if isinstance(describer, Remembers) else ()
    for sentence in describer.describe(tag):
        if sentence.casefold() not in seen:
            seen.add(sentence.casefold())
            yield DescribedSentence(sentence, origin, sentence in remembered)
