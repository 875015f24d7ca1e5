"""The metrics equal the official numbers, and slow, obvious definitions."""

import json

import numpy as np
import pytest

from ram.evaluation.metrics import (
    average_precisions,
    mean_average_precision,
    picture_retrieval_recall,
    rates,
    retrieval_recall,
)
from tests.paths import GOLDEN as FOLDER

GOLDEN = json.loads((FOLDER / "metrics.json").read_text())


def table(lines, tags):
    """(pictures, tags) from lines "name,tag,tag"; every column of a tag that is listed twice is true."""
    return np.array([[tag in line.split(",")[1:] for tag in tags] for line in lines])


def slow_average_precision(scores, targets):
    """Mean over the positives of the precision among all pictures that score at least as high."""
    precisions = []
    for score, positive in zip(scores, targets, strict=True):
        if positive:
            shown = [bool(t) for s, t in zip(scores, targets, strict=True) if s >= score]
            precisions.append(sum(shown) / len(shown))
    return sum(precisions) / len(precisions) if precisions else float("nan")


def slow_counts(scores, targets, thresholds):
    """True positives, predictions and positives of each tag, counted one by one."""
    counts = []
    for tag in range(scores.shape[1]):
        hits = claims = positives = 0
        for picture in range(scores.shape[0]):
            claims += bool(scores[picture, tag] > thresholds[tag])
            positives += bool(targets[picture, tag])
            hits += bool(scores[picture, tag] > thresholds[tag] and targets[picture, tag])
        counts.append((hits, claims, positives))
    return counts


@pytest.fixture
def drawn():
    random = np.random.default_rng(0)
    scores = random.random((40, 9)).round(1)  # many equal scores
    targets = random.random((40, 9)) < np.linspace(0, 0.6, 9)
    return scores, targets


def test_average_precision_equals_the_official_numbers():
    scores = np.array(GOLDEN["preds"])
    targets = table(GOLDEN["gt_lines"], GOLDEN["taglist"])
    official = np.array(GOLDEN["APs"])
    without = ~targets.any(0)
    for precision in (np.float64, np.float32):
        ours = average_precisions(scores.astype(precision), targets)
        np.testing.assert_allclose(ours[~without], official[~without], atol=1e-7)
        assert np.isnan(ours[without]).all() and (official[without] == 0).all() and without.any()
        found = mean_average_precision(scores.astype(precision), targets)
        assert found * (~without).mean() == pytest.approx(GOLDEN["mAP"], abs=1e-7)


@pytest.mark.parametrize("case", ["pr_case", "pr_case_dup_small"])
def test_precision_and_recall_equal_the_official_numbers(case):
    case = GOLDEN[case]
    targets = table(case["gt_lines"], case["taglist"])
    ours = rates(table(case["pred_lines"], case["taglist"]), targets, 0.5)
    # the official table loses one column on the right for each tag that is listed twice
    kept = targets.any(0)[: len(case["Ps"])]
    np.testing.assert_allclose(ours.precision[: len(kept)][kept], np.array(case["Ps"])[kept], atol=1e-7)
    np.testing.assert_allclose(ours.recall[: len(kept)][kept], np.array(case["Rs"])[kept], atol=1e-7)
    assert ours.CP * kept.mean() == pytest.approx(case["mean_precision"], abs=1e-7)
    assert ours.CR * kept.mean() == pytest.approx(case["mean_recall"], abs=1e-7)


def test_average_precision_equals_its_definition(drawn):
    scores, targets = drawn
    expected = [slow_average_precision(s, t) for s, t in zip(scores.T, targets.T, strict=True)]
    np.testing.assert_allclose(average_precisions(scores, targets), expected, rtol=1e-12)
    assert np.isnan(expected[0]) and not np.isnan(expected[1:]).any()
    assert mean_average_precision(scores, targets) == pytest.approx(np.mean(expected[1:]))


def test_the_order_of_the_pictures_changes_nothing(drawn):
    scores, targets = drawn
    shuffled = np.random.default_rng(1).permutation(len(scores))
    ours = average_precisions(scores, targets)
    np.testing.assert_allclose(average_precisions(scores[shuffled], targets[shuffled]), ours)
    np.testing.assert_allclose(average_precisions(np.exp(scores), targets), ours)


def test_the_best_and_the_blindest_ranking():
    targets = np.array([[1], [0], [1], [0], [0]])
    assert mean_average_precision(targets * 0.5, targets) == 1
    assert mean_average_precision(np.full((5, 1), 0.3), targets) == pytest.approx(2 / 5)


def test_rates_equal_counting_one_by_one(drawn):
    scores, targets = drawn
    thresholds = np.append(np.linspace(0.1, 0.9, 8), 1.0)  # 1.0: never predicted
    ours = rates(scores, targets, thresholds)
    counts = slow_counts(scores, targets, thresholds)
    kept = [c for c in counts if c[2]]
    precision = [hits / claims if claims else 0 for hits, claims, _ in kept]
    recall = [hits / positives for hits, _, positives in kept]
    np.testing.assert_allclose(ours.precision[1:], precision)
    np.testing.assert_allclose(ours.recall[1:], recall)
    assert np.isnan(ours.precision[0]) and np.isnan(ours.recall[0]) and ours.precision[-1] == 0
    assert (ours.CP, ours.CR) == pytest.approx((np.mean(precision), np.mean(recall)))
    np.testing.assert_allclose(ours.f1[1:], [2 * hits / (claims + positives) for hits, claims, positives in counts[1:]])
    hits, claims, positives = (sum(column) for column in zip(*counts, strict=True))
    assert (ours.OP, ours.OR) == pytest.approx((hits / claims, hits / positives))
    assert ours.CF1 == pytest.approx(2 / (1 / ours.CP + 1 / ours.CR))
    assert ours.OF1 == pytest.approx(2 * hits / (claims + positives))


def test_a_score_on_its_threshold_does_not_count():
    ours = rates([[0.5], [0.6]], [[True], [True]], 0.5)
    assert (ours.CP, ours.CR, ours.CF1) == pytest.approx((1, 0.5, 2 / 3))
    for threshold in (0.1, 0.7):  # neither is exact in 32 bits
        assert rates(np.float32([[threshold]]), [[True]], threshold).CR == 0
    silent = rates([[0.5], [0.6]], [[True], [True]], [1.0])
    assert (silent.CP, silent.CF1, silent.OP, silent.OF1) == (0, 0, 0, 0)


def test_retrieval_recall_equals_sorting_by_hand():
    random = np.random.default_rng(0)
    similarity, owners = random.random((60, 12)), random.integers(0, 12, 60)
    rows = zip(similarity.tolist(), owners, strict=True)
    places = [sorted(row, reverse=True).index(row[owner]) for row, owner in rows]
    expected = {k: sum(place < k for place in places) / 60 for k in (1, 5, 12)}
    assert retrieval_recall(similarity, owners, (1, 5, 12)) == pytest.approx(expected)
    assert expected[12] == 1 and 0 < expected[1] < expected[5] < 1
    assert retrieval_recall(np.ones((3, 3)), [0, 1, 2], (1, 2, 3)) == {1: 0, 2: 0, 3: 1}


def test_any_own_text_among_the_first_makes_an_image_a_hit():
    random = np.random.default_rng(0)
    similarity, owners = random.random((60, 12)), random.permutation(60) % 11  # the last picture has no text
    firsts = {k: [set(owners[np.argsort(-column)[:k]]) for column in similarity.T] for k in (1, 5, 60)}
    expected = {k: np.mean([picture in firsts[k][picture] for picture in range(11)]) for k in firsts}
    assert picture_retrieval_recall(similarity, owners, (1, 5, 60)) == pytest.approx(expected)
    assert expected[60] == 1 and 0 < expected[1] < expected[5] < 1


def test_an_equally_similar_text_of_another_picture_is_ahead():
    owners = [0, 0, 1, 1, 2, 2]
    assert picture_retrieval_recall(np.ones((6, 3)), owners, (1, 4, 5)) == {1: 0, 4: 0, 5: 1}
    similarity = np.zeros((6, 3))
    similarity[[0, 1, 2], [0, 0, 1]] = 1  # its own texts are not ahead of each other
    assert picture_retrieval_recall(similarity, owners, (1,)) == {1: 2 / 3}


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: mean_average_precision([[0.1, 0.2]], [[1]]), r"scores \(1, 2\) and targets \(1, 1\)"),
        (lambda: mean_average_precision([0.1], [1]), r"must both be \(pictures, tags\)"),
        (lambda: mean_average_precision(np.ones((0, 3)), np.ones((0, 3))), "must both be"),
        (lambda: mean_average_precision([[0.1]], [[0]]), "no tag has a positive"),
        (lambda: average_precisions([[np.nan, 1]], [[1, 1]]), "1 of 2 scores are not a number"),
        (lambda: rates([[0.1, 0.2]], [[1, 0]], [0.5]), "one for each of 2 tags"),
        (lambda: rates([[0.1, 0.2]], [[1, 0]], np.nan), "a threshold is not a number"),
        (lambda: rates([[0.1, 0.2]], [[0, 0]], 0.5), "no tag has a positive"),
        (lambda: retrieval_recall(np.ones((2, 2)), [0]), "owners"),
        (lambda: retrieval_recall(np.ones((1, 2)), [2]), "indices of the 2 images"),
        (lambda: retrieval_recall([[np.nan, 1]], [0]), "not a number"),
        (lambda: picture_retrieval_recall(np.ones((1, 2)), [2]), "indices of the 2 images"),
    ],
)
def test_what_cannot_be_measured_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_decisions_of_which_nobody_knows_do_not_count():
    scores = np.array([[0.9, 0.1], [0.8, 0.7], [0.6, 0.4], [0.2, 0.9]])
    targets = np.array([[0, 1], [1, 0], [0, 1], [1, 0]], dtype=bool)
    known = np.array([[0, 1], [1, 1], [1, 1], [1, 0]], dtype=bool)
    # first tag without its first image: present, absent, present; second without its last: absent, present, present
    assert average_precisions(scores, targets, known) == pytest.approx([(1 + 2 / 3) / 2, (1 / 2 + 2 / 3) / 2])
    measured = rates(scores, targets, 0.5, known)
    assert (measured.precision.tolist(), measured.recall.tolist()) == ([0.5, 0], [0.5, 0])
    assert (measured.OP, measured.OR) == (pytest.approx(1 / 3), 0.25)
    for wrong in (known[:2], known[:, :1]):
        with pytest.raises(ValueError, match="known .* and targets"):
            average_precisions(scores, targets, wrong)
