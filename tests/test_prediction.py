"""A prediction lists tags by probability, shows those strictly over their thresholds, and explains each."""

import json

import numpy as np
import pytest

from ram.prediction import Evidence, Prediction, TagScore, WeightedDescription
from ram.text.vocabulary import TagVocabulary

VOCABULARY = TagVocabulary(("dog", "cat", "tree", "sky"), (0.5, 0.25, 0.9, 1.0))
SENTENCES = (("barks", "wags"), ("meows",), ("grows", "is green", "has leaves"), ("is up",))
PROBABILITIES = np.float32([0.5, 0.75, 0.875, 1.0])
WEIGHTS = np.float32([[0.25, 0.75, 9], [1, 9, 9], [0.25, 0.5, 0.25], [1, 9, 9]])


@pytest.fixture
def prediction():
    return Prediction(VOCABULARY, SENTENCES, PROBABILITIES, WEIGHTS)


def test_a_tag_is_shown_only_strictly_over_its_own_threshold(prediction):
    assert prediction.tags == ["cat"]  # the dog is on its threshold, and nothing is over that of the sky
    assert [score.tag for score in prediction.above()] == ["cat"]
    assert {score.tag for score in prediction if score.present} == {"cat"}


@pytest.mark.parametrize("threshold", [0.1, 0.65, 0.68, 0.7, 0.95])
def test_a_probability_equal_to_its_threshold_is_absent(threshold):
    on = Prediction(TagVocabulary.of(["dog"], threshold), [["barks"]], np.float32([threshold]), np.ones((1, 1)))
    just_over = np.nextafter(np.float32([threshold]), np.float32(2))
    over = Prediction(TagVocabulary.of(["dog"], threshold), [["barks"]], just_over, np.ones((1, 1)))
    assert (on.tags, on["dog"].present, on.above(threshold)) == ([], False, [])
    assert (over.tags, over["dog"].present, len(over.above(threshold))) == (["dog"], True, 1)


def test_one_threshold_for_all_replaces_their_own(prediction):
    assert [score.tag for score in prediction.above(0.5)] == ["sky", "tree", "cat"]
    assert [score.tag for score in prediction.above(0.0)] == ["sky", "tree", "cat", "dog"]
    assert prediction.above(1.0) == []
    below = [score.tag for score in prediction if not score.present]
    assert [score.tag for score in prediction.next_best(2)] == below[:2]
    assert [score.tag for score in prediction.next_best(9)] == below


def test_the_most_probable_come_first(prediction):
    assert [score.tag for score in prediction] == ["sky", "tree", "cat", "dog"]
    assert [score.tag for score in prediction.top(2)] == ["sky", "tree"]
    assert len(prediction.top(100)) == 4
    assert prediction.top(0) == prediction.top(-1) == []


def test_equal_probabilities_keep_the_order_of_the_vocabulary():
    same = Prediction(VOCABULARY, SENTENCES, np.full(4, 0.6, np.float32), WEIGHTS)
    assert [score.tag for score in same] == list(VOCABULARY.tags)


def test_a_score_lists_its_heaviest_description_first(prediction):
    assert prediction["dog"] == TagScore(
        "dog", 0.5, 0.5, (WeightedDescription("wags", 0.75), WeightedDescription("barks", 0.25))
    )
    assert prediction["cat"].descriptions == (WeightedDescription("meows", 1.0),)
    assert [d.text for d in prediction["tree"].descriptions] == ["is green", "grows", "has leaves"]


def test_evidence_adds_up_to_the_logit():
    evidence = Evidence((("decoder", -2.5), ("pooled", 0.5), ("classifier", 3.0)))
    assert evidence.logit == 1.0


@pytest.mark.parametrize(
    "terms, threshold, decisive",
    [
        ((1.0, 3.0), 0.5, "decoder"),  # present by the decoder alone
        ((-1.0, -3.0), 0.5, "decoder"),  # absent by the decoder alone
        ((-2.0, 0.5, 3.0), 0.5, "classifier"),  # present only with the others, most by the classifier
        ((2.0, -1.0, -3.0), 0.5, "classifier"),  # absent only with the others
        ((2.0, 1.0), 0.95, "decoder"),  # present only with both, most by the decoder
        ((2.0, 9.0), 1.0, "decoder"),  # never over its threshold
    ],
)
def test_the_decisive_term_is_what_turned_the_verdict(terms, threshold, decisive):
    names = ("decoder", "pooled", "classifier")
    assert Evidence(tuple(zip(names, terms, strict=False)), threshold).decisive == decisive


def test_a_tag_that_was_not_asked_about_is_refused(prediction):
    with pytest.raises(ValueError, match="'corgi' is not among the 4 tags"):
        prediction["corgi"]


def test_the_json_form_lists_every_score_highest_first(prediction):
    document = json.loads(json.dumps(prediction.to_dict()))
    assert document["tags"] == ["cat"]
    assert [score["tag"] for score in document["scores"]] == ["sky", "tree", "cat", "dog"]
    assert document["scores"][-1] == {
        "tag": "dog",
        "probability": 0.5,
        "threshold": 0.5,
        "descriptions": [{"text": "wags", "weight": 0.75}, {"text": "barks", "weight": 0.25}],
    }


def test_the_json_form_can_be_limited(prediction):
    document = prediction.to_dict(top=1)
    assert (document["tags"], [s["tag"] for s in document["scores"]]) == (["cat"], ["sky"])
    document = prediction.to_dict(threshold=0.8)
    assert document["tags"] == [s["tag"] for s in document["scores"]] == ["sky", "tree"]


def test_no_tags_make_an_empty_prediction():
    empty = Prediction(TagVocabulary.of([]), [], np.empty(0, np.float32), np.empty((0, 1), np.float32))
    assert (len(empty), empty.tags, empty.top(5), list(empty)) == (0, [], [], [])


@pytest.mark.parametrize(
    "sentences, probabilities, weights, sentence",
    [
        (SENTENCES, PROBABILITIES[:3], WEIGHTS, r"4 tags but probabilities are of shape \(3,\)"),
        (SENTENCES, PROBABILITIES[None], WEIGHTS, r"4 tags but probabilities are of shape \(1, 4\)"),
        (SENTENCES[:3], PROBABILITIES, WEIGHTS, "one row per tag"),
        (SENTENCES, PROBABILITIES, WEIGHTS[:3], "one row per tag"),
    ],
)
def test_parts_that_do_not_fit_are_refused(sentences, probabilities, weights, sentence):
    with pytest.raises(ValueError, match=sentence):
        Prediction(VOCABULARY, sentences, probabilities, weights)


def test_selected_tags_keep_their_scores_in_the_order_asked():
    vocabulary = TagVocabulary(("a", "b", "c"), (0.1, 0.2, 0.3))
    sentences = [("a0", "a1"), ("b0",), ("c0", "c1")]
    weights = np.array([[0.4, 0.6], [1, 0], [0.7, 0.3]])
    whole = Prediction(vocabulary, sentences, np.array([0.5, 0.15, 0.9]), weights)
    some = whole.select(("c", "a"))
    assert some.vocabulary.tags == ("c", "a")
    assert [some[tag] for tag in ("a", "c")] == [whole[tag] for tag in ("a", "c")]
