"""Flickr30k: captions of made-up images, and the split of those that are tested."""

import json

import numpy as np
import pytest

from ram.evaluation.retrieval import Similarities

LINES = [
    "1.jpg#0\tA dog runs .",
    "1.jpg#1\tTwo dogs .",
    "2.jpg#0\tA boat .",
    "3.jpg#0\tA man # sits .",
    "3.jpg#1\tA bench .",
]


@pytest.fixture
def write(root, draw):
    """Write captions and splits; two of three images are tested."""

    def texts(lines=LINES, test=("3.jpg", "1.jpg"), splits=None):
        draw("flickr30k-images/1.jpg", "flickr30k-images/3.jpg")
        (root / "results_20130124.token").write_text("\n".join(lines) + "\n")
        images = [{"filename": name, "split": "test", "imgid": n} for n, name in enumerate(test)]
        document = {"images": [{"filename": "2.jpg", "split": "train"}, *images], "dataset": "flickr30k"}
        (root / "dataset_flickr30k.json").write_text(json.dumps(document if splits is None else splits))

    return texts


def test_captions_of_the_test_images_are_read(write, imported):
    write()
    captioned = imported("flickr30k")
    assert captioned.name == "flickr30k" and [picture.name for picture in captioned.pictures] == ["3.jpg", "1.jpg"]
    assert captioned.captions == (("A man # sits .", "A bench ."), ("A dog runs .", "Two dogs ."))
    # the second and third caption find the wrong image first; the bench is the best caption of both images
    found = Similarities(np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.1, 0.4]]), seconds=2.0)
    recalls = found.recalls(captioned.owners)
    assert recalls["text_to_picture"] == {"R@1": 0.5, "R@5": 1, "R@10": 1}
    assert recalls["picture_to_text"] == {"R@1": 0.5, "R@5": 1, "R@10": 1}
    assert found.seconds_per_query == 0.5


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"lines": [*LINES, LINES[0]]}, "results_20130124.token holds 1.jpg#0 twice"),
        ({"lines": [*LINES, "no caption"]}, "line 6 of results_20130124.token is not"),
        ({"lines": LINES[:3]}, "has no captions of 1 test pictures, such as 3.jpg"),
        ({"test": ("1.jpg", "1.jpg")}, "dataset_flickr30k.json holds 1.jpg twice"),
        ({"test": ("1.jpg", "2.jpg")}, "1 of 2 pictures of flickr30k .* no file 2.jpg"),
        ({"test": ()}, 'dataset_flickr30k.json has no image with the split "test"'),
        ({"splits": {"images": [3]}}, "dataset_flickr30k.json must be"),
    ],
)
def test_faults_are_named(write, imported, change, sentence):
    write(**change)
    with pytest.raises(ValueError, match=sentence):
        imported("flickr30k")
