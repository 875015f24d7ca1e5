"""Suggestions are related to the tags that are seen, and none of them is a predefined tag."""

import dataclasses

import numpy as np
import pytest
import torch

from demo.core import suggestions
from demo.core.photos import Photo
from demo.core.suggestions import Suggestions
from ram.describers.lexicon.synsets import Lexicon, Synset
from ram.errors import TextEncoderError
from ram.prediction import Prediction
from ram.tagger import Tagger
from ram.text.vocabulary import TagVocabulary
from tests.tiny import HashTextEncoder, tiny_bank, tiny_config, tiny_model

TAGS = ("dog", "animal", "brown", "water", "beach")
LEXICON = Lexicon(
    [
        Synset(("corgi",), "a dog with short legs", "animal", "dog", photos=3),
        Synset(("hound",), "a dog for hunting", "animal", "dog", photos=2),
        Synset(("beagle",), "a small hound", "animal", "dog", photos=2),
        Synset(("rarity",), "a dog that nobody photographs", "animal", "dog", photos=1),
        Synset(("leader",), "a person", "person", "dog", photos=3),
        Synset(("brine",), "salty water", "food", "water", photos=3),
        Synset(("worm",), "an animal", "animal", "animal", photos=3),
    ]
)


@pytest.fixture
def tagger():
    config = tiny_config()
    bank = tiny_bank({tag: (f"a photo of a {tag}.",) for tag in (*TAGS, "hound")})
    return Tagger(config, tiny_model(config), bank, HashTextEncoder)


def photo(tagger, present):
    vocabulary = TagVocabulary.of(tagger.bank.vocabulary.tags)
    probabilities = np.array([0.9 if tag in present else 0.1 for tag in vocabulary.tags])
    sentences, weights = [[tag] for tag in vocabulary.tags], np.ones((len(vocabulary), 1))
    features = tagger.model.look(torch.zeros(1, 3, 64, 64))
    prediction = Prediction(vocabulary, sentences, probabilities, weights)
    return Photo({tagger.name: features}, prediction=prediction)


def test_kinds_of_things_and_things_with_attributes_are_suggested(tagger):
    made = Suggestions(LEXICON, tagger)
    assert set(made.suggest(photo(tagger, ["dog", "brown"]))) == {"corgi", "beagle", "brown dog"}
    assert set(made.suggest(photo(tagger, ["dog"]))) == {"corgi", "beagle"}  # "hound" is a tag, the others are rare
    assert made.suggest(photo(tagger, ["water", "beach"])) == ()  # there are no kinds of a mass noun to point at
    assert "brown animal" not in made.suggest(photo(tagger, ["dog", "animal", "brown"]))


def test_the_most_probable_come_first_and_few_from_one_tag(tagger, monkeypatch):
    monkeypatch.setattr(suggestions, "FROM_ONE_TAG", 1)
    seen = photo(tagger, ["dog", "brown"])
    found = Suggestions(LEXICON, tagger).suggest(seen)
    assert len(found) == 2 and "brown dog" in found
    descriptions = {word: [f"a photo of a {word}."] for word in found}
    scores = tagger.score(seen.features[tagger.name], tagger.embed(descriptions))
    assert [score.tag for score in scores] == list(found)


def test_words_are_embedded_once(tagger):
    made, seen = Suggestions(LEXICON, tagger), photo(tagger, ["dog"])
    made.suggest(seen)
    tagger.text_encoder.asked.clear()
    made.suggest(seen)
    assert tagger.text_encoder.asked == []


def test_without_tags_lexicon_or_text_encoder_nothing_is_suggested(tagger, monkeypatch):
    seen = photo(tagger, ["dog"])
    assert Suggestions(LEXICON, tagger).suggest(photo(tagger, [])) == ()
    assert Suggestions(None, tagger).suggest(seen) == ()
    assert Suggestions(LEXICON, tagger).suggest(dataclasses.replace(seen, features={})) == ()

    def fail(sentences):
        raise TextEncoderError("no weights")

    monkeypatch.setattr(tagger.text_encoder, "encode", fail)
    assert Suggestions(LEXICON, tagger).suggest(seen) == ()
