"""Predictions with given probabilities."""

import numpy as np

from demo.core.photos import Photo
from ram.prediction import Prediction
from ram.text.vocabulary import TagVocabulary


def prediction(probabilities, descriptions=2, threshold=0.5):
    """Over these tags; the last of the descriptions of each has the largest weight."""
    tags = list(probabilities)
    weights = np.tile(np.arange(1, descriptions + 1) / sum(range(1, descriptions + 1)), (len(tags), 1))
    sentences = [[f"{tag}, sentence {i}" for i in range(descriptions)] for tag in tags]
    return Prediction(TagVocabulary.of(tags, threshold), sentences, np.array(list(probabilities.values())), weights)


def tagged(scored):
    """A photo with this prediction."""
    return Photo({}, prediction=scored, tagged_in=0.123)
