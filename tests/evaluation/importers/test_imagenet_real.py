"""ImageNet-Multi: reassessed labels of made-up validation images, split into two lists of classes."""

import json

import numpy as np
import pytest

from ram.evaluation.benchmarks import evaluate


def image(number):
    return f"ILSVRC2012_val_{number:08}.JPEG"


@pytest.fixture
def labels(root, draw):
    """Four images, the third of which has no label; the second lies in the folder of its class."""
    draw(f"val/{image(1)}", f"val/n01443537/{image(2)}", f"val/{image(3)}", f"val/{image(4)}")
    (root / "real.json").write_text(json.dumps([[0, 1], [1], [], [620, 744]]))
    return root / "real.json"


def test_classes_are_split_by_the_official_vocabulary(labels, imported, positives):
    common, uncommon = imported("imagenet-multi-common-492"), imported("imagenet-multi-uncommon-508")
    assert (len(common.tags), len(uncommon.tags)) == (492, 508)
    assert positives(common) == {image(1): ["goldfish"], image(2): ["goldfish"], image(4): ["laptop", "missile"]}
    assert positives(uncommon) == {image(1): ["tench"], image(2): [], image(4): []}


def test_classes_of_one_name_stay_apart(labels, imported):
    common = imported("imagenet-multi-common-492")
    twice = [column for column, tag in enumerate(common.tags) if tag == "missile"]
    assert common.targets[:, twice].tolist() == [[False, False], [False, False], [False, True]]
    scores = np.zeros(common.targets.shape)
    goldfish, laptop = common.tags.index("goldfish"), common.tags.index("laptop")
    scores[:, goldfish], scores[:, laptop] = (0.9, 0.3, 0.5), (0.9, 0.1, 0.5)
    scores[:, twice] = 0.4
    # goldfish at ranks 1 and 3, laptop at rank 2, missile among three equal scores
    report = evaluate(scores, common)
    assert report.average_precisions[[goldfish, laptop, twice[1]]] == pytest.approx([5 / 6, 1 / 2, 1 / 3])
    assert report.mean_average_precision() == pytest.approx((5 / 6 + 1 / 2 + 1 / 3) / 3)


@pytest.mark.parametrize(
    "document, sentence",
    [
        ({}, "real.json must be a list with one list of class numbers"),
        ([[0], 3], "entry 2 of real.json is not a list of class numbers from 0 to 999"),
        ([[0], [1000]], "entry 2 of real.json is not a list of class numbers"),
        ([[0], [True]], "entry 2 of real.json is not a list of class numbers"),
        ([[0]] * 5, "1 of 5 pictures of imagenet-multi-common-492 .* there is no picture ILSVRC2012_val_00000005.JPEG"),
        ([[]], "0 pictures and 492 tags"),
    ],
)
def test_faults_are_named(labels, imported, document, sentence):
    labels.write_text(json.dumps(document))
    with pytest.raises(ValueError, match=sentence):
        imported("imagenet-multi-common-492")


def test_a_name_in_two_folders_is_refused(labels, imported, draw):
    draw(f"val/n01440764/{image(1)}")
    with pytest.raises(ValueError, match=f"val holds {image(1)} twice"):
        imported("imagenet-multi-common-492")
