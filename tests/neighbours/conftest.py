"""A tiny tagger whose tags are all over their thresholds, a photo, and the service around them."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tests.tiny import tiny_tagger


@pytest.fixture
def tagger(hash_encoder):
    tagger = tiny_tagger()
    return tagger.with_bank(tagger.bank.with_thresholds((0.0,) * len(tagger.bank)))


@pytest.fixture
def picture():
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8))


@pytest.fixture
def file(picture):
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def encoded(file):
    return base64.b64encode(file).decode()
