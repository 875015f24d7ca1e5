"""CIDEr-D over ids, against pycocoevalcap."""

import random

import pytest

from ram.training.consensus import Consensus

REFERENCES = [
    ["a dog runs on the grass", "the brown dog is running", "dog on grass"],
    ["two people ride bikes", "people on bikes ride down the street"],
    ["a dog and a ball"],
]
CAPTIONS = ["a dog runs on grass", "two people on the street on the street", "ball"]


def ids(sentence, vocabulary):
    return [vocabulary.setdefault(word, len(vocabulary)) for word in sentence.split()]


def test_it_equals_pycocoevalcap():
    cider = pytest.importorskip("pycocoevalcap.cider.cider")
    _, expected = cider.Cider().compute_score(dict(enumerate(REFERENCES)), {i: [c] for i, c in enumerate(CAPTIONS)})
    vocabulary = {}
    references = [[ids(text, vocabulary) for text in texts] for texts in REFERENCES]
    consensus = Consensus(references)
    found = [consensus.scores([ids(c, vocabulary)], each)[0] for c, each in zip(CAPTIONS, references, strict=True)]
    assert found == pytest.approx(list(expected)) and max(found) > 0.1


def test_a_reference_scores_highest_and_nothing_scores_nothing():
    draw = random.Random(0)
    references = [[[draw.randrange(50) for _ in range(8)] for _ in range(5)] for _ in range(20)]
    consensus = Consensus(references)
    same, other, none = consensus.scores([references[3][0], references[4][0], []], references[3][:1])
    assert same == pytest.approx(10) and other < 2 and none == 0
