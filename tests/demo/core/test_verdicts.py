"""A verdict compares a probability with the tag's own threshold."""

import math

import pytest

from demo.core.verdicts import GREATEST_MARGIN, margin, verdict
from ram.prediction import TagScore

CASES = [  # probability, threshold, verdict; odds: 0.8 is 4, 0.2 is 1/4
    (0.81, 0.5, "sure"), (0.79, 0.5, "likely"), (0.51, 0.5, "likely"), (0.5, 0.5, "perhaps"),
    (0.21, 0.5, "perhaps"), (0.19, 0.5, "unlikely"),
    (0.97, 0.94, "likely"), (0.97, 0.35, "sure"), (0.4, 0.35, "likely"), (0.4, 0.94, "unlikely"),
    (1.0, 1.0, "perhaps"), (0.999, 1.0, "unlikely"), (0.01, 0.0, "sure"), (0.0, 0.0, "perhaps"),
]  # fmt: skip


@pytest.mark.parametrize("probability, threshold, expected", CASES)
def test_the_odds_against_the_threshold_decide(probability, threshold, expected):
    assert verdict(TagScore("dog", probability, threshold)) == expected


def test_a_margin_is_the_difference_of_the_logits():
    score = TagScore("dog", 0.9, 0.6)
    assert margin(score) == pytest.approx(math.log(9) - math.log(1.5))
    assert margin(TagScore("dog", 0.6, 0.9)) == -margin(score)


@pytest.mark.parametrize("probability, threshold", [(1.0, 0.5), (0.0, 0.5), (0.5, 1.0), (0.5, 0.0), (1.0, 1.0)])
def test_a_margin_is_bounded_and_its_sign_says_whether_the_tag_is_present(probability, threshold):
    score = TagScore("dog", probability, threshold)
    assert abs(margin(score)) <= GREATEST_MARGIN
    assert (margin(score) > 0) == score.present
