"""Suggest categories to try for a photo: words that are no predefined tags, related to the tags that are seen.

A tag leads to what is a kind of it in the lexicon ("corgi" of a dog), and an attribute that is seen to the things that
are seen ("brown dog"). Where the model is sure of some tags, the others lead to nothing. The model scores all words by
one sentence each; the most probable ones are suggested.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

import torch

from demo.core.known_words import usual_name
from demo.core.listed_tags import everyday_hypernyms, kinds_of
from demo.core.photos import Photo
from demo.core.verdicts import verdict
from ram.backends import TaggerBackend
from ram.describers.lexicon.synsets import Lexicon
from ram.describers.template import TemplateDescriber
from ram.describers.wording import is_mass
from ram.errors import RamError
from ram.prediction import Prediction
from ram.text.bank import TagEmbeddingBank, pad
from ram.text.descriptions import TagDescriptions
from ram.text.names import matching_key
from ram.text.vocabulary import TagVocabulary

SHOWN = 5
"""Suggestions for one photo."""
FROM_ONE_TAG = 2
"""Suggestions that come from one tag."""
THINGS, ATTRIBUTES, ATTRIBUTED = 6, 2, 2
"""Things and attributes of the photo that suggestions are made from, and things that get the attributes; the most
probable ones."""
KINDS_OF_A_TAG = 8
"""Kinds of one tag that are scored."""
LEAST_PHOTOS = 2
"""Synsets that fewer of timm's ImageNet selections list are too rare to suggest."""
DOMAINS = frozenset({"everyday", "animal", "artifact", "food", "plant"})
"""Sorts of synsets that photos show."""
MOST_KEPT = 5_000
"""Embedded words that are kept."""


class Suggestions:
    """Suggests categories; thread-safe.

    Args:
        lexicon: the words; None suggests none of its words.
        tagger: that has tagged the photos.
    """

    def __init__(self, lexicon: Lexicon | None, tagger: TaggerBackend) -> None:
        self._tagger = tagger
        tags = {matching_key(tag) for tag in tagger.bank.vocabulary.tags}
        self._kinds = _kinds(lexicon, tags) if lexicon else {}
        self._vectors: dict[str, torch.Tensor] = {}
        self._lock = threading.Lock()

    def suggest(self, photo: Photo) -> tuple[str, ...]:
        """Up to :data:`SHOWN` categories for a tagged photo, the most probable first; none where there are none.

        A text encoder that cannot be used is no error: there are no suggestions then.
        """
        if photo.prediction is None or self._tagger.name not in photo.features:
            return ()
        sources = dict(self._candidates(photo.prediction))
        if not sources:
            return ()
        try:
            scores = self._tagger.score(photo.features[self._tagger.name].to(self._tagger.device), self._bank(sources))
        except RamError:
            return ()
        chosen: list[str] = []
        used: dict[str, int] = defaultdict(int)
        for score in scores:
            if used[sources[score.tag]] < FROM_ONE_TAG:
                used[sources[score.tag]] += 1
                chosen.append(score.tag)
        return tuple(chosen[:SHOWN])

    def _candidates(self, prediction: Prediction) -> Iterator[tuple[str, str]]:
        """Words that are no predefined tags, each with the tag it comes from."""
        kinds, present = kinds_of(prediction.vocabulary), prediction.above()
        sure = [score.tag for score in present if verdict(score) == "sure"]
        seen = sure or [score.tag for score in present]
        general = {above for tag in seen for above in everyday_hypernyms()[tag]}
        attributes = [tag for tag in seen if kinds.get(tag) == "attribute"]
        things = [tag for tag in seen if kinds.get(tag) in ("object", "scene") and not is_mass(tag)]
        things.sort(key=general.__contains__)  # an animal only after the dog
        known: set[str] = set()

        def new(word: str) -> bool:
            if matching_key(word) in known or prediction.vocabulary.find(word) is not None:
                return False
            known.add(matching_key(word))
            return True

        for tag in things[:THINGS]:
            found = (word for word in self._kinds.get(matching_key(tag), ()) if new(word))
            yield from ((word, tag) for word in islice(found, KINDS_OF_A_TAG))
        narrow = [thing for thing in things if thing not in general][:ATTRIBUTED]
        pairs = ((one, thing) for one in attributes[:ATTRIBUTES] for thing in narrow)
        yield from ((f"{one} {thing}", one) for one, thing in pairs if new(f"{one} {thing}"))

    def _bank(self, words: Mapping[str, str]) -> TagEmbeddingBank:
        """The words by one sentence each; only new ones are embedded."""
        sentences = {word: next(iter(TemplateDescriber().describe(word))) for word in words}
        with self._lock:
            if new := [text for text in sentences.values() if text not in self._vectors]:
                if len(self._vectors) + len(new) > MOST_KEPT:
                    self._vectors.clear()
                    new = list(sentences.values())
                self._vectors.update(zip(new, self._tagger.text_encoder.encode(new).cpu(), strict=True))
            rows = [self._vectors[text][None] for text in sentences.values()]
        descriptions = TagDescriptions({word: (text,) for word, text in sentences.items()})
        embedded = pad(rows, rows[0].shape[1])
        return TagEmbeddingBank(TagVocabulary.of(words), descriptions, embedded, self._tagger.config.text_encoder)


def _kinds(lexicon: Lexicon, tags: Collection[str]) -> dict[str, Sequence[str]]:
    """Words for the kinds of each tag ("corgi" of a dog), by its matching key: the most photographed ones first."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for synset in lexicon.all_synsets():
        if synset.photos >= LEAST_PHOTOS and synset.domain in DOMAINS:
            kind, name = matching_key(lexicon.kind_of(synset) or ""), usual_name(synset)
            if kind in tags and name and lexicon.likely(name)[:1] == (synset,):
                found[kind].setdefault(name, synset.photos)
    return {kind: sorted(names, key=lambda name: -names[name]) for kind, names in found.items()}
