"""A detector as a teacher: what its probabilities say of images, and how triplets take it."""

import pytest
import torch

from ram.errors import InputError
from ram.training.data.triplets import Triplets
from ram.training.data_engine.detected_tags import DetectedTags

TAGS = ("dog", "corgi", "animal", "car")


@pytest.fixture
def detected():
    """Dog and car, in two images."""
    kinds = {"dog": ("animal",), "corgi": ("dog", "animal")}
    images = ("photos/a.jpg", "photos/b.jpg")
    return DetectedTags(("dog", "car"), kinds, images, torch.tensor([[0.8, 0.02], [0.01, 0.3]]))


def test_tags_are_drawn_as_often_as_they_are_probable_with_their_kinds(detected, tmp_path):
    draws = detected.of([tmp_path / "photos/b.jpg", tmp_path / "photos/a.jpg"], tmp_path, TAGS, 0.05)
    ids = torch.arange(2).repeat(500)
    drawn = draws.draw(ids, torch.arange(1000))
    often = [drawn[ids == row].float().mean(0) for row in range(2)]
    assert often[1][0] == pytest.approx(0.8, abs=0.06) and often[0][3] == pytest.approx(0.3, abs=0.06)
    assert torch.equal(drawn[:, 0], drawn[:, 2]) and not drawn[:, 1].any()
    assert torch.equal(drawn, draws.draw(ids, torch.arange(1000)))


def test_nothing_is_said_of_an_image_without_detections(detected, tmp_path):
    draws = detected.of([tmp_path / "photos/c.jpg", object()], tmp_path, TAGS, 0.05)
    assert not draws.draw(torch.tensor([0, 1]), torch.tensor([3, 4])).any()
    triplets = Triplets(("c", "d"), ((), ()), torch.zeros(2, 4).bool(), torch.zeros(2, 4).bool())
    assert not draws.join_known(triplets).known.any()


def test_classes_become_known_and_members_of_a_lacked_one_too(detected, tmp_path):
    draws = detected.of([tmp_path / "photos/a.jpg", tmp_path / "photos/b.jpg"], tmp_path, TAGS, 0.05)
    known = torch.tensor([[False, False, True, False], [False] * 4])
    joined = draws.join_known(Triplets(("a", "b"), ((), ()), torch.zeros(2, 4).bool(), known))
    assert joined.known.tolist() == [[True, False, True, True], [True, True, False, True]]


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
