"""Sentences about what tags look like, with their origin.

Writing the sentences is the task of `ram.describers`, embedding them that of `ram.text.bank`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ram.errors import InputError
from ram.text.files import read_json, write_json


@dataclass(frozen=True)
class Origin:
    """Describer of the tags and its settings.

    Args:
        describer: its name, such as "lexicon"; empty where a file does not say.
        fingerprint: everything that changes its sentences: model, prompt version, temperature.
        note: a sentence for the reader, such as which tags another describer described instead.
    """

    describer: str = ""
    fingerprint: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, str):
                raise InputError(f"the origin's {name} is {value!r}: it has to be text")

    def join(self, other: Origin) -> Origin:
        """Origin of both together: fields that differ are named side by side."""
        pairs = {name: filter(None, (text, getattr(other, name))) for name, text in vars(self).items()}
        return Origin(**{name: " + ".join(dict.fromkeys(pair)) for name, pair in pairs.items()})

    def to_json(self) -> dict[str, str]:
        """The non-empty fields."""
        return {name: text for name, text in vars(self).items() if text}


@dataclass(frozen=True, eq=False)
class TagDescriptions(Mapping[str, tuple[str, ...]]):
    """Ordered, immutable mapping from tag to its sentences; counts may differ between tags.

    Args:
        sentences: tag -> one or more sentences, stored unchanged, including order and repeats: a bank of
            embeddings is stored in the same order.
        origin: who wrote them.

    Raises:
        InputError: a tag without a name or without sentences, or a sentence that is not text.
    """

    sentences: Mapping[str, Iterable[str]]
    origin: Origin = field(default_factory=Origin)

    def __post_init__(self) -> None:
        checked: dict[str, tuple[str, ...]] = {}
        for tag, sentences in self.sentences.items():
            if not isinstance(tag, str) or not tag.strip():
                raise InputError(f'{tag!r} is no tag: a tag is a name such as "corgi"')
            if isinstance(sentences, str) or not isinstance(sentences, Iterable):
                raise InputError(f'"{tag}" has to have a list of sentences, not {sentences!r:.80}')
            checked[tag] = tuple(sentences)
            if not checked[tag]:
                raise InputError(f'"{tag}" has no description: give at least one')
            if wrong := [sentence for sentence in checked[tag] if not isinstance(sentence, str)]:
                raise InputError(f'"{tag}" has a description that is not text: {wrong[0]!r:.80}')
        object.__setattr__(self, "sentences", checked)

    def __getitem__(self, tag: str) -> tuple[str, ...]:
        return tuple(self.sentences[tag])

    def __iter__(self) -> Iterator[str]:
        return iter(self.sentences)

    def __len__(self) -> int:
        return len(self.sentences)

    def __eq__(self, other: object) -> bool:
        """Whether tags, their order, sentences and origin are equal."""
        if not isinstance(other, TagDescriptions):
            return NotImplemented
        return list(self.items()) == list(other.items()) and self.origin == other.origin

    def __hash__(self) -> int:
        return hash((tuple(self.items()), self.origin))

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self)

    def select(self, tags: Sequence[str]) -> TagDescriptions:
        """These tags only, in the order given; InputError where one is not described."""
        if missing := [tag for tag in tags if tag not in self.sentences]:
            raise InputError(f'"{missing[0]}" is not described here: describe it first')
        return TagDescriptions({tag: self[tag] for tag in tags}, self.origin)

    def first(self, limit: int | None) -> TagDescriptions:
        """At most ``limit`` sentences of each tag, from the start; all of them where None."""
        if limit is not None and limit < 1:
            raise InputError(f"{limit} sentences a tag are too few: keep at least 1")
        return TagDescriptions({tag: sentences[:limit] for tag, sentences in self.items()}, self.origin)

    def join(self, other: TagDescriptions) -> TagDescriptions:
        """These tags followed by the other's; InputError where a tag is in both."""
        if twice := [tag for tag in other if tag in self]:
            raise InputError(f'"{twice[0]}" is described in both: leave it out of one')
        return TagDescriptions({**self.sentences, **other.sentences}, self.origin.join(other.origin))

    def to_json(self) -> dict[str, Any]:
        """The official list beside the origin: `{"origin": {...}, "descriptions": [{tag: [...]}, ...]}`."""
        official = [{tag: list(sentences)} for tag, sentences in self.items()]
        return {"origin": self.origin.to_json(), "descriptions": official}

    @classmethod
    def from_json(cls, document: Any) -> TagDescriptions:
        """Read the official list `[{tag: [...]}, ...]`, the form of :meth:`to_json`, or one plain `{tag: [...]}`.

        Raises:
            InputError: any other form, or a tag that occurs twice.
        """
        origin = Origin()
        if isinstance(document, Mapping) and isinstance(document.get("origin"), Mapping):
            origin = Origin(**{name: document["origin"].get(name, "") for name in vars(origin)})
            document = document.get("descriptions")
        parts = [document] if isinstance(document, Mapping) else document
        if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
            raise InputError('descriptions have to look like [{"corgi": ["a photo of a corgi.", ...]}, ...]')
        sentences: dict[str, Any] = {}
        for part in parts:
            if twice := sentences.keys() & part.keys():
                raise InputError(f'"{sorted(twice)[0]}" is described twice: keep one entry a tag')
            sentences.update(part)
        return cls(sentences, origin)

    def save(self, path: Path | str) -> None:
        """Write :meth:`to_json` to a file, atomically."""
        _write_json(Path(path), self.to_json())

    def save_official(self, path: Path | str) -> None:
        """Write the official list `[{tag: [...]}, ...]`, which has no field for the origin, atomically."""
        _write_json(Path(path), self.to_json()["descriptions"])

    @classmethod
    def load(cls, path: Path | str) -> TagDescriptions:
        """Read a file in any form of :meth:`from_json`.

        Raises:
            InputError: the file cannot be read, is not JSON, or has another form.
        """
        document = read_json(Path(path))
        try:
            return cls.from_json(document)
        except InputError as error:
            raise InputError(f"{path} holds no descriptions: {error}") from None


def _write_json(path: Path, document: Any) -> None:
    write_json(path, document, ensure_ascii=False, indent=1)
