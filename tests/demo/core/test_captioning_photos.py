"""Captions of a visitor's photo, and the tags that the visitor adds or takes away."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from demo.core.captioning_photos import LEAST, MOST_BEAMS, MOST_GIVEN, PhotoCaptioner, caption_file, doubtful
from demo.core.photo_cache import PhotoCache
from demo.core.photos import look
from demo.views.photo_caption import Run, caption, marked
from ram.caption_reranking import RankedCaption, rank_captions
from ram.errors import ImageError, InputError, TextEncoderError
from ram.prediction import Prediction, TagScore
from ram.tagger import Tagger
from ram.text.vocabulary import TagVocabulary
from tests.captioners import let_caption, sentence
from tests.captions import captioning_tagger
from tests.paths import ROOT
from tests.tiny import HashTextEncoder, tiny_bank, tiny_config, tiny_model, tiny_tagger

DOGS = ROOT / "assets" / "examples" / "dogs.jpg"


@pytest.fixture
def writer(monkeypatch):
    """A tagger whose captions name the tags that guide them; given tags take the place of seen ones."""
    let_caption(monkeypatch)
    bank = tiny_bank()
    every = bank.vocabulary.with_thresholds([0.0] * len(bank))  # every tag is seen
    return tiny_tagger(bank=replace(bank, vocabulary=every))


@pytest.fixture
def photo(writer):
    return list(look([writer], DOGS))[-1].photo


def tagger_named(name):
    config = replace(tiny_config(), name=name)
    return Tagger(config, tiny_model(config), tiny_bank(), HashTextEncoder)


def test_given_tags_guide_the_sentence(writer):
    written = caption_file(writer, DOGS, "Corgi, red kite", 2)
    assert (written.model, written.caption.tags) == ("tiny", ("Corgi", "red kite"))
    assert written.caption.text == sentence(writer.look(DOGS).tokens, ["Corgi", "red kite"], 2)


def test_without_tags_the_models_own_guide_it(writer):
    written = caption_file(writer, DOGS, " ")
    assert written.caption.text == writer.caption(DOGS) and list(written.caption.tags) == writer.tag(DOGS).tags


def test_a_repeated_photo_has_its_caption_already(writer, tmp_path, monkeypatch):
    cache, captioner, written = PhotoCache(), PhotoCaptioner(writer), []
    plain = writer.caption_features
    monkeypatch.setattr(writer, "caption_features", lambda *given: written.append(1) or plain(*given))
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(DOGS.read_bytes())
    first, again = (captioner.caption(list(cache.look([writer], path))[-1].photo) for path in (DOGS, copy))
    assert first.own == again.own and written == [1] and again.source == str(copy)
    captioner.caption(list(cache.look([writer], ROOT / "assets" / "examples" / "cat.jpg"))[-1].photo)
    assert written == [1, 1]


@pytest.mark.parametrize("beams", [0, MOST_BEAMS + 1, True, 2.5, "3", None])
def test_beams_out_of_range_are_refused(beams, writer):
    with pytest.raises(InputError, match="give a whole number from 1 to 8"):
        caption_file(writer, DOGS, "", beams)


def test_limits_on_tags_and_photos_hold(tmp_path, writer):
    with pytest.raises(InputError, match="50 categories are too many"):
        caption_file(writer, DOGS, ",".join(f"tag {i}" for i in range(50)))
    Image.new("1", (9000, 6000)).save(tmp_path / "large.png")
    with pytest.raises(ImageError, match="over 50 megapixels"):
        caption_file(writer, tmp_path / "large.png")
    Image.new("RGB", (1, 1)).save(tmp_path / "small.png")
    assert caption_file(writer, tmp_path / "small.png", "dog").caption.text.startswith("a picture of dog of ")


def test_tags_are_added_removed_and_brought_back(writer, photo):
    captioner = PhotoCaptioner(writer)
    own = captioner.caption(photo)
    first, *others = own.own.seen
    assert others and own.steered is None

    def named(*tags):
        return sentence(photo.features["tiny"].tokens, tags)

    added = captioner.add(photo, own, "Frisbee,  red kite")
    assert added.given == ("Frisbee", "red kite")
    assert added.steered.text == named(*own.own.seen, "Frisbee", "red kite")  # this one reads a single list
    assert captioner.add(photo, added, "Frisbee").given == added.given
    fewer = captioner.switch(photo, captioner.switch(photo, added, "Frisbee"), "red kite")
    assert (fewer.given, fewer.steered) == ((), None)
    without = captioner.switch(photo, own, first)
    assert without.without == (first,) and without.steered.text == named(*others)
    assert captioner.switch(photo, without, first) == own
    assert captioner.add(photo, without, first.upper()).without == ()


def test_tags_that_are_taken_away_do_not_come_back_with_added_ones(writer, photo):
    captioner = PhotoCaptioner(writer)
    own = captioner.caption(photo)
    first = own.own.seen[0]
    both = captioner.add(photo, captioner.switch(photo, own, first), "ball")
    assert (both.given, both.without) == (("ball",), (first,))
    assert both.steered.text == sentence(photo.features["tiny"].tokens, [*own.own.seen[1:], "ball"])


def test_a_captioner_that_reads_both_lists_gets_both():
    tagger = captioning_tagger(seen_separator=" the ", seen_tags=2)
    tagged = list(look([tagger], DOGS))[-1].photo
    captioner = PhotoCaptioner(tagger)
    own = captioner.caption(tagged)
    added = captioner.add(tagged, own, "grass")
    assert added.steered.given == ("grass",) and added.steered.seen == own.own.seen


def test_a_captioner_beside_the_taggers_looks_last(writer):
    beside = tagger_named("beside")
    assert [list(one.photo.features) for one in look([writer], DOGS, beside)] == [["tiny"], ["tiny", "beside"]]
    assert [list(one.photo.features) for one in look([writer], DOGS, writer)] == [["tiny"]]
    first = next(look([writer], DOGS, beside)).photo
    assert PhotoCaptioner(beside).caption(first) is None


def test_faults_are_sentences(writer, photo):
    captioner = PhotoCaptioner(writer)
    own = captioner.caption(photo)
    with pytest.raises(InputError, match="choose one of those shown"):
        captioner.switch(photo, own, "no such tag")
    with pytest.raises(InputError, match="at most 8 tags: remove one"):
        captioner.add(photo, own, ",".join(f"tag {i}" for i in range(MOST_GIVEN + 1)))
    with pytest.raises(InputError, match="cannot have the character <"):
        captioner.add(photo, own, "<b>")
    with pytest.raises(InputError, match="names no category"):
        captioner.add(photo, own, " , ")


def test_a_model_without_a_captioner_is_refused():
    with pytest.raises(InputError, match="tiny writes no captions"):
        PhotoCaptioner(tiny_tagger())


def test_words_that_the_other_caption_has_not_are_marked():
    runs = list(marked("a dog catches a red frisbee", "a dog runs on grass"))
    assert runs == [Run("a dog", False), Run("catches a red frisbee", True)]
    assert list(marked("same words", "same words")) == [Run("same words", False)]
    assert list(marked("", "a dog")) == []


def test_the_view_escapes_and_marks(writer, photo):
    captioner = PhotoCaptioner(writer)
    own = captioner.caption(photo)
    shown = caption(own, "tiny", "the tagger")
    assert "<mark>" not in shown and "Undo" not in shown and f'data-switch="{own.own.seen[0]}"' in shown
    shown = caption(captioner.add(photo, own, "cat & 'mouse'"), "<tiny>", "<tagger>")
    assert "<mark>" in shown and "cat &amp; &#39;mouse&#39;" in shown and "&lt;tiny&gt;" in shown
    assert str(photo.source) not in shown


def test_tags_that_the_tagger_does_not_see_are_told():
    vocabulary = TagVocabulary(("dog", "red ball", "cat"), (0.5, 0.5, 0.5))
    sure = Prediction(vocabulary, [("a",)] * 3, np.array([0.9, 0.05, 0.3]), np.ones((3, 1)))
    assert doubtful("two dogs, a cat and red balls", sure) == ("red ball",)  # the cat is "perhaps"
    assert doubtful("two dogs and red balls", None) == doubtful("a dog", sure) == ()


def test_the_doubts_are_those_of_the_latest_caption(photo, writer):
    captioner = PhotoCaptioner(writer)
    found = writer.tag(DOGS)
    unsure = found.vocabulary.with_thresholds([0.999] * len(found.vocabulary))
    seen = replace(photo, prediction=Prediction(unsure, found.sentences, found.probabilities, found.weights))
    own = captioner.caption(seen)
    first, *others = own.doubtful
    fewer = captioner.switch(seen, own, first)
    assert sorted(fewer.doubtful) == sorted(others) and captioner.reset(seen, fewer).doubtful == own.doubtful
    assert f"the tagger does not see: {first}" in caption(own, "tiny", "the tagger")
    assert "does not see" not in caption(replace(own, doubtful=()), "tiny", "the tagger")


def test_a_judge_chooses_among_several_captions(writer, photo):
    judge = tagger_named("judge")
    seen = replace(photo, features={**photo.features, "judge": photo.features["tiny"]})
    expected = rank_captions(writer, photo.features["tiny"], judge, photo.features["tiny"], photo.prediction)
    own = PhotoCaptioner(writer, judge).caption(seen)
    assert own.own == expected[0].caption and own.ranked == expected and len(expected) > 2
    shown = caption(own, "tiny", "judge")
    assert f"Chosen from {len(expected)} sentences by judge" in shown and "No sentence fits" not in shown
    assert all(f"{one.score.probability:.2f}" in shown for one in expected)


def test_a_caption_that_the_judge_finds_most_unlikely_is_folded(photo, writer):
    own = PhotoCaptioner(writer).caption(photo)

    def judged(probability):
        return replace(own, ranked=(RankedCaption(own.own, TagScore("0", probability, 0.5)),))

    folded = caption(judged(LEAST - 0.01), "tiny", "judge")
    assert "No sentence fits this photo" in folded and "1 sentence that judge finds unlikely" in folded
    assert '<span class="own">' in folded and '<p class="own">' not in folded
    assert '<p class="own">' in caption(judged(LEAST), "tiny", "judge")


def test_without_the_text_encoder_of_the_judge_there_is_one_caption(writer, photo, monkeypatch):
    judge = tagger_named("judge")

    def missing(descriptions):
        raise TextEncoderError("its text encoder is missing")

    monkeypatch.setattr(judge, "embed", missing)
    seen = replace(photo, features={**photo.features, "judge": photo.features["tiny"]})
    plain = PhotoCaptioner(writer).caption(photo)
    assert PhotoCaptioner(writer, judge).caption(seen) == plain and not plain.ranked
    monkeypatch.setattr(judge, "look", writer.look)
    assert caption_file(writer, DOGS, "", judge=judge).caption == plain.own
