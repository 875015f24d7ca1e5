"""Thresholds learned from thumbs, and labels of one's own, on a tiny untrained model."""

import numpy as np
import pytest

from ram.errors import InputError
from ram.library.own_tagger import labels_of, train_labels
from ram.library.thumb_learning import SLOPE, learn, shifted
from tests.library.test_photo_library import COUNT, folder, library, names, tagger  # noqa: F401


def rows_by_name(library):  # noqa: F811
    return {photo.name: row for photo, (row, _) in library.index.photos().items()}


def test_no_thumb_changes_no_threshold():
    assert shifted(np.zeros(0), np.zeros(0, bool), 0.4) == 0.4
    assert shifted(np.array([1.0]), np.array([True]), 1.0) == 1.0, "a tag that is never given"


@pytest.mark.parametrize("threshold", [0.5, 0.3])
def test_thumbs_move_a_threshold_towards_what_they_say(threshold):
    low, high = np.array([-1.0, -0.5, -0.8]), np.array([4.0, 5.0, 4.5])
    assert shifted(low, np.ones(3, bool), threshold) < threshold < shifted(high, np.zeros(3, bool), threshold)
    few, many = (shifted(np.repeat(high, n), np.zeros(3 * n, bool), threshold) for n in (1, 5))
    assert threshold < few < many, "more thumbs count more"


def test_a_calibrated_threshold_moves_less_than_one_that_is_not():
    wrong = np.full(5, 3.0), np.zeros(5, bool)
    odds = [value / (1 - value) / (old / (1 - old)) for old in (0.5, 0.5001) for value in [shifted(*wrong, old)]]
    assert odds[0] > 1.5 * odds[1] > 1.5


def f1(logits, right, cut):
    return 2 * (right & (logits > cut)).sum() / (right.sum() + (logits > cut).sum())


def test_a_threshold_stays_where_the_thumbs_that_it_would_pass_speak_against_it():
    high, low = np.linspace(3, 6, 12), np.array([-0.6, -0.4, -0.2])
    logits, right = np.append(high, low), np.append(np.ones(12, bool), np.zeros(3, bool))
    assert shifted(logits, right, 0.5) == 0.5, "all were right far above it, and all wrong just below"
    right[-2:] = True
    assert shifted(logits, right, 0.5) < 0.5


@pytest.mark.parametrize("off, threshold", [(2.5, 0.5), (-2.5, 0.5), (-1.0, 0.3), (1.0, 0.3), (1.0, 0.5), (-1.0, 0.5)])
def test_thumbs_raise_f1_where_a_threshold_is_off(off, threshold):
    """Simulated tags, whose best threshold is found by trying all and then lies off the present one."""
    generator, present, gains = np.random.default_rng(0), np.log(threshold / (1 - threshold)), []
    for _ in range(120):
        logits = generator.normal(-2, 2.5, 2000)
        right = generator.random(2000) < 1 / (1 + np.exp(-SLOPE * (logits - 1)))
        best = max(np.arange(-4, 4, 0.1), key=lambda cut: f1(logits, right, cut))
        logits += present - best + off
        shown = np.argsort(-logits)[: max(100, int(1.5 * (logits > present).sum()))]
        for count in (5, 10, 20):
            thumbs = generator.choice(shown, count, replace=False)
            after = shifted(logits[thumbs], right[thumbs], threshold)
            gains.append(f1(logits, right, np.log(after / (1 - after))) - f1(logits, right, present))
    assert np.mean(gains) > 0


def test_learning_tags_the_photos_again(library):  # noqa: F811
    before = set(names(library.search(all=["cat"], most=99)))
    rows = rows_by_name(library)
    wrong, *_ = sorted(before)
    right = sorted(set(rows) - before)[0]
    library.index.set_thumb(rows[wrong], "cat", -1)
    library.index.set_thumb(rows[right], "cat", 1)
    (learned,) = learn(library)
    after = set(names(library.search(all=["cat"], most=99)))
    assert wrong not in after and right in after and learned.photos == len(after)
    assert library.index.thresholds() == {"cat": learned.after} and learned.before == 0.05
    assert library.index.thumbs_of(rows[wrong]) == {"cat": -1}
    library.index.set_thumb(rows[wrong], "cat", 0)
    assert library.index.thumbs_of(rows[wrong]) == {}
    with pytest.raises(InputError, match="no longer in the library"):
        library.index.set_thumb(999, "cat", 1)


def test_learned_thresholds_are_those_of_photos_added_later(library, folder):  # noqa: F811
    library.index.save_threshold("dog", 1.0)
    (folder / "new.png").write_bytes((folder / "00.png").read_bytes())
    assert library.add().photos == 1
    assert "new.png" not in names(library.search(all=["dog"], most=99))


def test_training_ranks_labelled_photos_higher(library, tagger):  # noqa: F811
    rows = rows_by_name(library)
    chosen = sorted(rows)[:6]
    thumbs = {"kite": {rows[name]: 1 for name in chosen}, "dog": {row: -1 for row in rows.values()}}
    labels, used, targets = labels_of(thumbs)
    assert labels == ["kite"] and len(used) == COUNT and targets.sum() == 6
    bank = tagger.embed({"kite": ["a kite.", "a toy in the wind"]})
    steps = []
    made, (report,) = train_labels(
        tagger, bank, library.looks().features(used), targets, lambda what, done, total: steps.append(done / total)
    )
    assert report.after >= report.before and report.photos == 6 and steps[-1] == 1 and steps == sorted(steps)
    assert made.vocabulary.tags == ("kite",) and made.sentences == bank.sentences
    assert 0 <= made.vocabulary.thresholds[0] <= 1
    lengths = made.embedded.embeddings.norm(dim=-1)
    assert lengths == pytest.approx(np.ones(lengths.shape), abs=1e-4)


def test_too_few_labelled_photos_are_refused():
    with pytest.raises(InputError, match="no label has 3 photos with a thumb up and 3 without"):
        labels_of({"kite": {1: 1, 2: 1, 3: -1}})
