"""A detector as a teacher: what its probabilities say of images, and how triplets take it."""

import pytest
import torch

from ram.errors import InputError
from ram.training.data.triplets import Triplets
from ram.training.data_engine.detected_tags import DetectedTags, join_detected_tags

IDS = {"dog": 0, "corgi": 1, "animal": 2, "car": 3}


@pytest.fixture
def detected():
    """Dog and car, in two images."""
    kinds = {"dog": ("animal",), "corgi": ("dog", "animal")}
    rows = {"photos/a.jpg": 0, "photos/b.jpg": 1}
    return DetectedTags(("dog", "car"), kinds, rows, torch.tensor([[0.8, 0.02], [0.01, 0.3]]))


def of(detected, data, *names):
    found = detected.of([data / name for name in names], data, IDS, sure=0.5, absent=0.05)
    return [values.tolist() for values in found]


def test_a_seen_tag_implies_its_kinds_and_a_lacked_one_its_members(detected, tmp_path):
    present, absent, doubtful = of(detected, tmp_path, "photos/a.jpg", "photos/b.jpg")
    assert present == [[True, False, True, False], [False] * 4]
    assert absent == [[False, False, False, True], [True, True, False, False]]
    assert doubtful == [[False] * 4, [False, False, False, True]]


def test_nothing_is_known_of_an_image_without_detections(detected, tmp_path):
    assert of(detected, tmp_path, "photos/c.jpg") == [[[False] * 4]] * 3
    elsewhere = detected.of([object()], tmp_path, IDS, sure=0.5, absent=0.05)
    assert not any(values.any() for values in elsewhere)


def test_given_tags_stay_and_doubtful_ones_become_unknown():
    targets = torch.tensor([[False, True, False, False]])
    triplets = Triplets(("a",), ((),), targets, torch.tensor([[True, True, False, True]]))
    present = torch.tensor([[True, False, False, False]])
    absent = torch.tensor([[False, True, True, False]])
    doubtful = torch.tensor([[False, False, False, True]])
    joined = join_detected_tags(triplets, present, absent, doubtful)
    assert joined.targets.tolist() == [[True, True, False, False]]
    assert joined.known.tolist() == [[True, True, True, False]]


def test_the_file_keeps_probabilities_to_8_bits(detected, tmp_path):
    detected.save(tmp_path / "detected.json")
    loaded = DetectedTags.load(tmp_path / "detected.json")
    assert (loaded.tags, loaded.kinds, loaded.images) == (detected.tags, detected.kinds, detected.images)
    assert torch.allclose(loaded.probabilities, detected.probabilities, atol=0.5 / 255)


@pytest.mark.parametrize(
    "content", ["[]", '{"tags": ["dog"]}', '{"tags": ["dog"], "kinds": {}, "images": {"a.jpg": [1, 2]}}', '{"tags"']
)
def test_a_file_of_another_form_is_named(tmp_path, content):
    path = tmp_path / "detected.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"detected\.json"):
        DetectedTags.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no file of detections none\.json"):
        DetectedTags.load(tmp_path / "none.json")
