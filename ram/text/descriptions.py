"""Tag descriptions: what a tag looks like, in sentences, with where they came from.

Typed categories and sentences written by a language model arrive here as untrusted text; this module limits
and cleans both. It knows nothing about who writes the sentences (see `ram.describers.base`) or embeds them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MOST_CATEGORIES = 20
LONGEST_CATEGORY = 60
"""Characters a typed category may have."""
PUNCTUATION = "'‘’-–.&/()（）+_!?%°·・"
"""What a category may have beside letters, digits and spaces: nothing that opens mark-up, quotes or a template."""
MOST_WORDS = 55
"""Words kept of one sentence: CLIP reads 77 tokens, and English takes about 1.3 tokens a word."""
MOST_CHARACTERS = 400
"""Characters kept of one sentence, for writing that does not put spaces between words."""


@dataclass(frozen=True)
class Origin:
    """Who described the tags.

    Args:
        describer: its name, such as "lexicon"; empty when a file does not say.
        fingerprint: everything that changes its sentences: model, prompt version, temperature.
        note: a sentence for the reader, such as which tags another describer had to take over.
    """

    describer: str = ""
    fingerprint: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for name in ("describer", "fingerprint", "note"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"the origin's {name} is {getattr(self, name)!r}: it has to be text")

    def join(self, other: Origin) -> Origin:
        """The origin of both together: fields that differ are named side by side."""
        pairs = {name: filter(None, (text, getattr(other, name))) for name, text in vars(self).items()}
        return Origin(**{name: " + ".join(dict.fromkeys(pair)) for name, pair in pairs.items()})

    def to_json(self) -> dict[str, str]:
        """Its filled fields."""
        return {name: text for name, text in vars(self).items() if text}


@dataclass(frozen=True, eq=False)
class TagDescriptions(Mapping[str, tuple[str, ...]]):
    """An ordered, unchanging mapping from tag to its sentences; counts may differ from tag to tag.

    Args:
        sentences: tag -> one or more sentences, kept as they are, order and repeats included: a bank of
            embeddings is stored in the same order.
        origin: who wrote them.
    """

    sentences: Mapping[str, Iterable[str]]
    origin: Origin = field(default_factory=Origin)

    def __post_init__(self) -> None:
        kept: dict[str, tuple[str, ...]] = {}
        for tag, sentences in self.sentences.items():
            if not isinstance(tag, str) or not tag.strip():
                raise ValueError(f'{tag!r} is no tag: a tag is a name such as "corgi"')
            if isinstance(sentences, str) or not isinstance(sentences, Iterable):
                raise ValueError(f'"{tag}" has to have a list of sentences, not {sentences!r:.80}')
            kept[tag] = tuple(sentences)
            if not kept[tag]:
                raise ValueError(f'"{tag}" has no description: give at least one')
            if wrong := [sentence for sentence in kept[tag] if not isinstance(sentence, str)]:
                raise ValueError(f'"{tag}" has a description that is not text: {wrong[0]!r:.80}')
        object.__setattr__(self, "sentences", kept)

    def __getitem__(self, tag: str) -> tuple[str, ...]:
        return tuple(self.sentences[tag])

    def __iter__(self) -> Iterator[str]:
        return iter(self.sentences)

    def __len__(self) -> int:
        return len(self.sentences)

    def __eq__(self, other: object) -> bool:
        """Same tags in the same order, same sentences, same origin."""
        if not isinstance(other, TagDescriptions):
            return NotImplemented
        return list(self.items()) == list(other.items()) and self.origin == other.origin

    def __hash__(self) -> int:
        return hash((tuple(self.items()), self.origin))

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self)

    def select(self, tags: Sequence[str]) -> TagDescriptions:
        """These tags only, in the order given; ValueError names one that is not here."""
        if missing := [tag for tag in tags if tag not in self.sentences]:
            raise ValueError(f'"{missing[0]}" is not described here: describe it first')
        return TagDescriptions({tag: self[tag] for tag in tags}, self.origin)

    def first(self, most: int | None) -> TagDescriptions:
        """At most this many sentences of each tag, from the start; all of them where None."""
        if most is not None and most < 1:
            raise ValueError(f"{most} sentences a tag are too few: keep at least 1")
        return TagDescriptions({tag: sentences[:most] for tag, sentences in self.items()}, self.origin)

    def join(self, other: TagDescriptions) -> TagDescriptions:
        """These tags followed by the other's; ValueError where a tag is in both."""
        if twice := [tag for tag in other if tag in self]:
            raise ValueError(f'"{twice[0]}" is described in both: leave it out of one')
        return TagDescriptions({**self.sentences, **other.sentences}, self.origin.join(other.origin))

    def to_json(self) -> dict[str, Any]:
        """The official list, origin beside it: `{"origin": {...}, "descriptions": [{tag: [...]}, ...]}`."""
        official = [{tag: list(sentences)} for tag, sentences in self.items()]
        return {"origin": self.origin.to_json(), "descriptions": official}

    @classmethod
    def from_json(cls, document: Any) -> TagDescriptions:
        """Read the official list `[{tag: [...]}, ...]`, our form with an origin, or one plain `{tag: [...]}`.

        Raises:
            ValueError: any other shape, or a tag that occurs twice.
        """
        origin = Origin()
        if isinstance(document, Mapping) and isinstance(document.get("origin"), Mapping):
            origin = Origin(**{name: document["origin"].get(name, "") for name in vars(origin)})
            document = document.get("descriptions")
        parts = [document] if isinstance(document, Mapping) else document
        if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
            raise ValueError('descriptions have to look like [{"corgi": ["a photo of a corgi.", ...]}, ...]')
        sentences: dict[str, Any] = {}
        for part in parts:
            if twice := sentences.keys() & part.keys():
                raise ValueError(f'"{sorted(twice)[0]}" is described twice: keep one entry a tag')
            sentences.update(part)
        return cls(sentences, origin)

    def save(self, path: Path | str) -> None:
        """Write `to_json` to a file."""
        _write_json(Path(path), self.to_json())

    def save_official(self, path: Path | str) -> None:
        """Write the official list `[{tag: [...]}, ...]`, which has no place for an origin."""
        _write_json(Path(path), self.to_json()["descriptions"])

    @classmethod
    def load(cls, path: Path | str) -> TagDescriptions:
        """Read any of the forms of `from_json` from a file.

        Raises:
            ValueError: the file cannot be read, is not JSON, or has another shape.
        """
        try:
            return cls.from_json(json.loads(Path(path).read_text(encoding="utf-8")))
        except OSError as error:
            raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
        except ValueError as error:
            raise ValueError(f"{path} holds no descriptions: {error}") from None


def _write_json(path: Path, document: Any) -> None:
    """A kill leaves what was there, or all of the new."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def parse_categories(text: str) -> tuple[str, ...]:
    """Split what a person typed ("corgi, meteor shower") into categories, in order, each once.

    Commas, semicolons and new lines separate; two that differ only in case are one.

    Raises:
        ValueError: nothing typed, more than `MOST_CATEGORIES`, or one that `normalize_category` refuses.
    """
    separators = r"[,;\r\n\u2028\u2029，；、]"
    parts = [part for part in re.split(separators, unicodedata.normalize("NFC", text)) if plain_text(part)]
    if not parts:
        given = f"{_shown(text)} names no category" if plain_text(text) else "no category was given"
        raise ValueError(f'{given}: type one or more, such as "corgi, meteor shower"')
    categories: dict[str, str] = {}
    for part in parts:
        category = normalize_category(part)
        categories.setdefault(category.casefold(), category)
    if len(categories) > MOST_CATEGORIES:
        raise ValueError(f"{len(categories)} categories are too many: a list has at most {MOST_CATEGORIES}")
    return tuple(categories.values())


def normalize_category(text: str) -> str:
    """One category as it is shown and described: single spaces, no invisible characters, case kept.

    Raises:
        ValueError: no letter or digit, longer than `LONGEST_CATEGORY` characters, or one that is not among letters,
            digits, spaces and `PUNCTUATION`.
    """
    category = plain_text(text)
    if not any(character.isalnum() for character in category):
        raise ValueError(f'{_shown(text)} has no letter or digit: type a name such as "corgi"')
    if len(category) > LONGEST_CATEGORY:
        raise ValueError(
            f"{_shown(category)} has {len(category)} characters: a category has at most {LONGEST_CATEGORY}"
        )
    if foreign := next((one for one in category if not _is_part_of_a_name(one)), None):
        raise ValueError(
            f"{_shown(category)} cannot have the character {foreign}: a category has letters, digits, spaces "
            "and light punctuation such as ' - . & / ( )"
        )
    return category


def clean_sentences(texts: Iterable[str]) -> tuple[str, ...]:
    """The usable sentences among untrusted ones, in order, each once (case does not count)."""
    kept: dict[str, str] = {}
    for sentence in filter(None, map(clean_sentence, texts)):
        kept.setdefault(sentence.casefold(), sentence)
    return tuple(kept.values())


def clean_sentence(text: str) -> str:
    """One description on one line: no list markers, enclosing quotes, mark-up or control characters.

    A long one is cut to what a text encoder reads: after a sentence if that keeps half, else after a word.
    Returns "" where nothing is left that says anything.
    """
    joined = ""
    for line in re.split(r"[\r\n\u2028\u2029]+", text[:20_000]):
        if bare := _LIST_MARKER.sub("", re.sub(r"\*+|`+|__+|#{2,}", "", plain_text(line))).strip():
            joined += ("," if joined[-1:].isalnum() else "") + f" {bare}"
    joined = joined.strip()
    while (quoted := _QUOTED.fullmatch(joined)) is not None:
        joined = quoted[1].strip()
    short = _cut(joined)
    return short if any(character.isalnum() for character in short) else ""


def whole_sentences(text: str) -> str:
    """`text` without a last sentence that breaks off; unchanged where no sentence ends."""
    ends = [end.end() for end in re.finditer(r"[.!?。！？][\"'”’)]*(?=\s|$)", text)]
    return text[: ends[-1]] if ends else text


_LIST_MARKER = re.compile(r"^\s*(?:(?:[-*•‣–—·#>]+|\(?\d{1,2}[.):]|\(?[a-zA-Z]\))\s+)+")
_QUOTED = re.compile("[\"'“‘«]([^\"“”‘«»]+)[\"'”’»]")
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}


def plain_text(text: str) -> str:
    """On one line: NFC, white space collapsed, without characters that draw nothing or change what the others show."""
    spaced = re.sub(r"\s", " ", text)
    kept = "".join(one for one in spaced if one in "\u200c\u200d" or unicodedata.category(one) not in _UNSEEN)
    return re.sub(" +", " ", unicodedata.normalize("NFC", kept)).strip(" \u200c\u200d")


def _is_part_of_a_name(one: str) -> bool:
    """Letters with their marks and joiners, digits, the space and `PUNCTUATION`."""
    return unicodedata.category(one)[0] in "LMN" or one in " \u200c\u200d" or one in PUNCTUATION


def _cut(text: str) -> str:
    words = text.split(" ")
    short = " ".join(words[:MOST_WORDS])
    if len(short) > MOST_CHARACTERS:
        short = short[:MOST_CHARACTERS]
        short = short[: short.rfind(" ")] if " " in short else short
    if len(short) == len(text):
        return text
    ended = whole_sentences(short)
    return ended if 2 * len(ended) >= len(short) else short.rstrip(" ,;:-–—")


def _shown(text: str) -> str:
    """The start of untrusted text, fit to stand in an error sentence."""
    plain = plain_text(text[:200])
    return f'"{plain[:40]}{"…" if len(plain) > 40 else ""}"'
