import pytest

from ram.errors import InputError
from ram.neighbours.chosen_tags import bank_of
from tests.tiny import tiny_tagger


@pytest.fixture
def tagger(hash_encoder):
    return tiny_tagger()


def test_labels_keep_their_spelling_and_order(tagger):
    bank = bank_of(tagger, ["Corgi", "Dog", "kite_surfer", "pine tree"])
    assert bank.vocabulary.tags == ("Corgi", "Dog", "kite_surfer", "pine tree")
    assert bank.sentences[1] == tagger.bank.select(["dog"]).sentences[0]  # the predefined tag, with its threshold
    assert bank.vocabulary.thresholds[1] == tagger.bank.select(["dog"]).vocabulary.thresholds[0]


@pytest.mark.parametrize("names", [["dog", "Dog"], ["kite", "kite "], []])
def test_labels_that_mean_the_same_are_refused(tagger, names):
    with pytest.raises(InputError):
        bank_of(tagger, names)
