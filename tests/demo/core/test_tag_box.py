"""The box of the Why panel lies where the region of the tag is, and nothing is drawn where a model cannot tell."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from demo.core.photos import Photo
from demo.core.tag_box import tag_box
from demo.core.workbench import Workbench
from ram.errors import InputError
from ram.regions.finding import region_of
from tests.tiny import tiny_tagger


@pytest.fixture
def photo():
    kept = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)).save(kept, "PNG")
    return Photo({}, jpeg=kept.getvalue())


@pytest.fixture
def bench():
    return Workbench([tiny_tagger()], {}.__getitem__)


def test_the_box_is_that_of_the_region(bench, photo):
    found = tag_box(bench, photo, bench.open_tag("dog"), "dog")
    assert found == region_of(bench.taggers[0], photo.picture(), bench.taggers[0].bank, "dog")


def test_without_a_photo_or_a_tagger_of_ours_there_is_none(bench, photo):
    categories = bench.open_tag("dog")
    assert tag_box(bench, None, categories, "dog") is None
    assert tag_box(bench, Photo({}), categories, "dog") is None
    assert tag_box(bench, photo, categories, "cat") is None
    bench.taggers = [SimpleNamespace(name="tiny")]
    assert tag_box(bench, photo, categories, "dog") is None


def test_a_model_that_cannot_tell_draws_none(bench, photo, monkeypatch):
    def refuse(*_):
        raise InputError("one piece")

    monkeypatch.setattr("demo.core.tag_box.region_of", refuse)
    assert tag_box(bench, photo, bench.open_tag("dog"), "dog") is None
