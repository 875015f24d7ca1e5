"""BLIP's contrast and matching equal those of transformers, with tiny random weights."""

import numpy as np
import pytest
import torch
from PIL import Image

from ram.evaluation.baselines.blip import BlipMatcher, BlipTowers
from tests.hub_models import tiny_blip

pytestmark = pytest.mark.slow
PHOTO = Image.linear_gradient("L").convert("RGB").resize((40, 30))
SENTENCES = {"dog": ("a photo of a dog.", "some dog"), "cat": ("a photo of some cat.",), "pine tree": ("pine tree",)}
TEXTS = [text for of in SENTENCES.values() for text in of]


@pytest.fixture(scope="module")
def parts():
    return tiny_blip()


def answers(model, processor, itm):
    """What the library says of each text alone, without padding."""
    outputs = []
    with torch.no_grad():
        for text in TEXTS:
            inputs = processor(images=PHOTO, text=text, return_tensors="pt")
            outputs.append(model(**inputs, use_itm_head=itm)[0])
    return torch.cat(outputs)


def test_contrast_equals_that_of_the_library(parts):
    towers = BlipTowers(*parts)
    ours = towers.encode_texts(TEXTS) @ towers.encode_image(PHOTO)
    assert torch.allclose(ours, answers(*parts, itm=False)[:, 0], atol=1e-5)


def test_matching_is_the_mean_of_the_librarys_over_sentences(parts):
    theirs = answers(*parts, itm=True).softmax(dim=-1)[:, 1].numpy()
    assert np.ptp(theirs) > 1e-3
    expected = [theirs[:2].mean(), theirs[2], theirs[3]]
    matcher = BlipMatcher(*parts, SENTENCES)
    assert matcher.score(PHOTO) == pytest.approx(expected, abs=1e-5)
    assert matcher.tags == ("dog", "cat", "pine tree")
