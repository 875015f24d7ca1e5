"""Steering, measured on a tagger that writes what it is told."""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from benchmarks import steering
from benchmarks.steering_cases import Words, find_cases
from ram.caption_writing import Caption
from ram.errors import InputError
from ram.evaluation.retrieval import CaptionedPictures
from ram.text.vocabulary import TagVocabulary

TAGS = ("dog", "ball", "grass", "car", "street", "puppy", "animal", "man")
WORDS = Words(frozenset(TAGS), {"hound": "dog", "auto": "car"}, {"puppy": {"dog", "animal"}, "dog": {"animal"}})
CAPTIONS = (
    ("a dog plays with a ball on grass", "a hound with a ball"),
    ("a car on a street", "an auto in the street"),
    ("a man with a dog", "man and dog"),
)


def names(captions):
    return [set(caption.split()) for caption in captions]


class Obedient:
    """Names the first tag alone, and every further tag unless it is in ``deaf_to``."""

    name, kind, device, has_captioner, adds_given_tags = "obedient", "Tag2Text", "cpu", True, False
    found = ({"grass"}, {"street"}, {"man"})

    def __init__(self, deaf_to=()):
        self.deaf_to, self.given = deaf_to, []
        self.bank = SimpleNamespace(vocabulary=TagVocabulary.of(TAGS))

    def look(self, picture):
        return Image.open(picture).getpixel((0, 0))[0]

    def caption_features(self, looks, tags=None, beams=3, options=None):
        self.given.append((tags, beams))
        return [self.caption(tuple(sorted(self.found[look])), tags) for look in looks]

    def caption_through(self, images, tags=None, beams=3):
        return iter(self.caption_features([self.look(image) for image in images], tags, beams))

    def caption(self, seen, given):
        guides = seen if given is None else given
        text = " and ".join(["a photo of a", *(tag for tag in guides if tag not in self.deaf_to)])
        return Caption(text, tuple(given or ()), seen)


@pytest.fixture
def captioned(tmp_path):
    files = [tmp_path / f"{i}.png" for i in range(3)]
    for i, file in enumerate(files):
        Image.fromarray(np.full((8, 8, 3), i, np.uint8)).save(file)
    return CaptionedPictures("park", tuple(files), CAPTIONS)


def cases(most=10, **options):
    found = [sorted(tags) for tags in Obedient.found]
    unsteered = names(f"a photo of a {tags[0]}" for tags in found)
    return find_cases(found, unsteered, [names(each) for each in CAPTIONS], WORDS, most, **options)


def test_a_true_tag_is_confirmed_and_left_out_by_the_caption():
    # "grass" and "ball" of photo 0: one has one reference, the other two; "dog" counts as "hound" too
    assert {(case.photo, case.true) for case in cases()} == {(0, "dog"), (0, "ball"), (1, "car"), (2, "dog")}
    assert {(0, "grass")} & {(case.photo, case.true) for case in cases(confirmed=1)} == set()  # the caption has it
    assert cases(confirmed=3) == []


def test_every_photo_gets_a_case_before_any_gets_two():
    assert sorted(case.photo for case in cases(3)) == [0, 1, 2]
    assert len(cases(4)) == 4 and cases(2) == cases(10)[:2]


@pytest.mark.parametrize("seed", range(5))
def test_a_false_tag_is_of_another_photo_and_unrelated(seed):
    for case in cases(seed=seed):
        named = {word for text in CAPTIONS[case.photo] for word in text.split()}
        assert case.false not in named | Obedient.found[case.photo]
        assert (case.photo, case.false) not in {(0, "animal"), (0, "puppy"), (2, "animal"), (2, "puppy")}
        assert case.false in {"dog", "ball", "car", "street", "man"}


def test_a_tag_that_implies_a_true_one_is_not_false():
    references = [[{"dog"}], [{"puppy"}], [{"animal"}], [{"car"}]]
    drawn = find_cases([[]] * 4, [set()] * 4, references, WORDS, 10, confirmed=1)
    assert {case.true: case.false for case in drawn}.items() >= {"dog": "car", "puppy": "car", "animal": "car"}.items()


def test_an_obedient_tagger_follows_and_gives_in(captioned):
    tagger = Obedient()
    report, rows = steering.measure(tagger, captioned, WORDS, names, beams=2, tokenizer="words")
    assert (report["cases"], report["follows"], report["gives_in"]) == (4, 1, 1)
    assert (report["model"], report["photos"], report["photos_with_cases"]) == ("obedient", 3, 3)
    assert report["CIDEr_change"] == report["CIDEr"]["with_true"] - report["CIDEr"]["unsteered"] > 0
    row = next(row for row in rows if row.true == "ball")
    assert (row.image, row.unsteered) == ("0.png", "a photo of a and grass")
    assert row.with_true == "a photo of a and grass and ball"
    assert {beams for _, beams in tagger.given} == {2}


def test_a_tag_can_be_given_alone(captioned):
    tagger = Obedient()
    report, rows = steering.measure(tagger, captioned, WORDS, names, alone=True, tokenizer="words")
    assert report["given"] == "alone" and all(row.with_true == f"a photo of a and {row.true}" for row in rows)


def test_a_tagger_that_does_not_listen_is_told_apart(captioned):
    report, _ = steering.measure(Obedient({"ball"}), captioned, WORDS, names, tokenizer="words")
    assert report["follows"] == 3 / 4
    report, _ = steering.measure(Obedient(TAGS), captioned, WORDS, names, tokenizer="words")
    assert (report["follows"], report["gives_in"], report["CIDEr_change"]) == (0, 0, 0)


def test_a_synonym_is_counted_apart(captioned):
    class Synonyms(Obedient):
        def caption(self, seen, given):
            written = super().caption(seen, given)
            return replace(written, text=written.text.replace("dog", "hound"))

    report, _ = steering.measure(Synonyms(), captioned, WORDS, names, tokenizer="words")
    assert report["follows"] == 2 / 4 and report["follows_by_synonym"] == 1


def test_without_cases_or_captioner_there_is_a_sentence(captioned):
    with pytest.raises(InputError, match="no caption leaves a confirmed tag out"):
        steering.measure(Obedient(), captioned, WORDS, names, confirmed=3, tokenizer="words")
    with pytest.raises(InputError, match="silent writes no captions"):
        steering.measure(SimpleNamespace(name="silent"), captioned, WORDS, names, tokenizer="words")


def test_words_of_a_vocabulary_have_its_synonyms_and_hypernyms():
    words = Words.of(TagVocabulary.of(["Dog", "animal", "man", "train (2)"]))
    assert words.tags == {"dog", "animal", "man"} and words.tags_in({"doggy", "men", "dog"}) >= {"dog"}
    assert set(words.synonyms.values()) <= words.tags and words.are_related("dog", "animal")


@pytest.mark.slow
def test_the_command_prints_tables_and_writes_json(captioned, tmp_path, monkeypatch, capsys, pipeline):
    entries = [{"image": f"{i}.png", "captions": texts} for i, texts in enumerate(CAPTIONS)]
    (tmp_path / "captions.json").write_text(json.dumps(entries))
    monkeypatch.setattr("ram.tagger_loading.load", lambda name: Obedient())
    monkeypatch.setattr("ram.labels.parallel.load_pipeline", lambda: pipeline)
    flags = ["--tokenizer", "words", "--json", str(tmp_path / "report.json")]
    monkeypatch.setattr(sys, "argv", ["steering", str(tmp_path / "captions.json"), *flags])
    steering.main()
    printed, report = capsys.readouterr().out, json.loads((tmp_path / "report.json").read_text())
    assert "| a true tag | 100.0 %" in printed and "| photo | unsteered | true tag |" in printed
    # the label system takes neither "hound" for a dog nor "auto" for a car
    assert {(row["image"], row["true"]) for row in report["all"]} == {("2.png", "dog"), ("0.png", "ball")}
    assert report["cases"] == 2
