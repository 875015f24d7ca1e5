"""Class probabilities as scores of tags: by name, by kind, and 0 for what no class means."""

import pytest
import torch
from PIL import Image

from ram.evaluation.baselines.class_probabilities import ClassTagger
from ram.training.data_engine.imagenet import class_names


def test_a_tag_has_the_probabilities_of_its_classes():
    names = class_names()
    probabilities = torch.zeros(1000)
    chosen = {"goldfish": 0.2, "tench": 0.1, "lion": 0.3, "acoustic guitar": 0.25}
    for name, probability in chosen.items():
        probabilities[next(i for i, of in enumerate(names) if name in of)] = probability
    tagger = ClassTagger(lambda picture: probabilities, names, ["fish", "animal", "Lion", "guitar", "dance"])
    scores = dict(zip(tagger.tags, tagger.score(Image.new("RGB", (4, 4))), strict=True))
    assert scores == pytest.approx({"fish": 0.3, "animal": 0.6, "Lion": 0.3, "guitar": 0.25, "dance": 0.0})
    assert tagger.known == 4
