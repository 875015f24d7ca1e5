"""Sentences of a category can be edited; only new ones are embedded."""

import pytest
import torch

from demo.core.categories import MAX_SENTENCES, Categories
from demo.core.workbench import Workbench
from ram.describers.base import Describer
from ram.describers.fallback import DescribedSentence
from ram.errors import InputError
from tests.demo.core.test_workbench import LEXICON, looked_at, photo_file, tagger, typed
from tests.tiny import DESCRIPTIONS, HashTextEncoder

CORGI = Categories(("corgi",), {"corgi": tuple(DescribedSentence(text, "lexicon") for text in ("short legs", "a dog"))})


class Untouchable(Describer):
    """A describer that must not be asked."""

    name = fingerprint = "untouchable"

    def describe(self, tag):
        raise AssertionError(f"{tag} is described again")


@pytest.fixture
def encoders():
    return []


@pytest.fixture
def bench(encoders, monkeypatch):
    """Two tiny taggers whose looks and embedded sentences can be counted."""

    class Counted(HashTextEncoder):
        def __init__(self):
            super().__init__()
            encoders.append(self)

    monkeypatch.setattr("tests.demo.core.test_workbench.HashTextEncoder", Counted)
    return Workbench([tagger("plus"), tagger("plain", max_descriptions=1, seed=1)], {"lexicon": LEXICON}.__getitem__)


def embedded(encoders):
    return sorted(text for encoder in encoders for asked in encoder.asked for text in asked)


def edited(bench, categories, photo):
    """Scores of the enabled sentences, described and embedded from scratch."""
    fresh = bench.embed(Categories(categories.names, {t: told(categories, t) for t in categories.names}))
    return bench.score(photo, fresh)


def told(categories, tag):
    return tuple(DescribedSentence(text, "x") for text in categories.enabled(tag))


def test_a_reset_undoes_every_edit():
    edited = CORGI.switch("corgi", 1).rewrite("corgi", 0, "long ears").add("corgi", "a bushy tail")
    assert edited.edited and edited.is_edited("corgi") and not edited.is_edited("kite")
    reset = edited.reset("corgi")
    assert reset == CORGI and not reset.edited
    assert CORGI.reset("corgi") is CORGI  # nothing to undo


def test_sentences_are_embedded_once_for_both_models(bench, encoders):
    states = list(bench.describe("corgi, kite", "lexicon"))
    assert embedded(encoders) == sorted(part.format(tag) for tag in ("corgi", "kite") for part in LEXICON.parts)
    assert [len(state.enabled("corgi")) for state in states[:3]] == [0, 1, 2]


def test_the_probability_changes_with_every_sentence(bench, tmp_path):
    photo = looked_at(bench, photo_file(tmp_path))
    moving = [bench.score(photo, s)["plus"]["corgi"] for s in bench.describe("corgi", "lexicon") if s.banks]
    assert [len(score.descriptions) for score in moving] == [1, 2, 2]
    assert moving[0].probability != moving[1].probability == moving[2].probability


def test_edited_sentences_score_like_new_ones(bench, encoders, tmp_path):
    photo = looked_at(bench, photo_file(tmp_path))
    before = typed(bench, "corgi, kite")
    bench._make_describer = Untouchable
    off = bench.embed(before.switch("corgi", 1))
    reworded = bench.embed(off.rewrite("corgi", 0, "- ears like a fox"))
    more = bench.embed(reworded.add("corgi", "a herding dog"))
    assert more.enabled("corgi") == ("ears like a fox", "a herding dog")
    for state in (off, reworded, more):
        for model, prediction in edited(bench, state, photo).items():
            for tag in ("corgi", "kite"):
                assert bench.score(photo, state)[model][tag].probability == pytest.approx(
                    prediction[tag].probability, abs=1e-6
                )
    assert [each.looks for each in bench.taggers] == [["plus"], ["plain"]]


def test_only_new_sentences_are_embedded(bench, encoders, tmp_path):
    photo = looked_at(bench, photo_file(tmp_path))
    before = typed(bench, "corgi")
    for encoder in encoders:
        encoder.asked.clear()
    off = bench.embed(before.switch("corgi", 0))
    back = bench.embed(off.switch("corgi", 0))
    assert embedded(encoders) == []
    assert (
        bench.score(photo, back)["plus"]["corgi"].probability == bench.score(photo, before)["plus"]["corgi"].probability
    )
    bench.embed(back.add("corgi", "a herding dog"))
    assert embedded(encoders) == ["a herding dog"]


def test_a_predefined_tag_opens_without_a_text_encoder(bench, encoders, tmp_path):
    path = photo_file(tmp_path)
    tagged = next(bench.tag(path))
    opened = bench.open_tag("dog")
    assert [sentence.text for sentence in opened.sentences["dog"]] == list(DESCRIPTIONS["dog"])
    assert encoders == []
    why = bench.explain(tagged.photo, opened, "dog")
    assert why.score.probability == pytest.approx(tagged.prediction["dog"].probability, abs=1e-6)
    assert why.score.threshold == tagged.prediction["dog"].threshold
    fewer = bench.embed(opened.switch("dog", 1))
    assert bench.explain(tagged.photo, fewer, "dog").score.probability == pytest.approx(float(why.without[1]), abs=1e-6)


def test_no_explanation_without_a_photo_or_a_sentence(bench, tmp_path):
    assert bench.explain(None, bench.open_tag("dog"), "dog") is None
    assert bench.explain(looked_at(bench, photo_file(tmp_path)), Categories(("corgi",)), "corgi") is None


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda c: c.switch("corgi", 0).switch("corgi", 1), "one sentence has to stay"),
        (lambda c: c.rewrite("corgi", 0, " \u202e "), "needs words"),
        (lambda c: c.rewrite("corgi", 0, "A DOG"), "listed already"),
        (lambda c: c.add("corgi", "short legs"), "listed already"),
        (lambda c: c.switch("corgi", 7), "no longer exists"),
        (lambda c: c.switch("kite", 0), "no longer exists"),
        (lambda c: c.rewrite("corgi", -1, "x"), "no longer exists"),
    ],
)
def test_an_invalid_edit_says_why(edit, sentence):
    with pytest.raises(InputError, match=sentence):
        edit(CORGI)


def test_the_number_of_sentences_is_limited():
    grown = CORGI
    for number in range(MAX_SENTENCES - 2):
        grown = grown.add("corgi", f"sentence {number}")
    with pytest.raises(InputError, match=str(MAX_SENTENCES)):
        grown.add("corgi", "one more")


def test_a_rewritten_sentence_is_enabled_again():
    assert CORGI.switch("corgi", 0).rewrite("corgi", 0, "long ears").enabled("corgi") == ("long ears", "a dog")
    assert CORGI.rewrite("corgi", 0, "short legs") == CORGI


def test_categories_keep_their_own_thresholds(bench):
    vectors = {"hash": {text: torch.ones(16) / 4 for text in CORGI.enabled("corgi")}}
    bank = Categories(("corgi",), CORGI.sentences, vectors=vectors, thresholds={"corgi": 0.3}).bank("hash", None)
    assert bank.vocabulary.thresholds == (0.3,)
