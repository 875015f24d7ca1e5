"""Edits are kept for each photo and tag."""

from demo.core import edits
from demo.core.categories import Categories
from demo.core.edits import Edit, Edits
from demo.core.photos import Photo
from ram.describers.fallback import DescribedSentence
from ram.prediction import TagScore

HERE, THERE = Photo({}, source="here.jpg"), Photo({}, source="there.jpg")
DOG = Categories(("dog",), {"dog": (DescribedSentence("it barks", "lexicon"),)})


def edit(text="it sleeps", probability=0.25):
    return Edit(DOG.rewrite("dog", 0, text), TagScore("dog", probability, 0.5))


def test_an_edit_is_found_for_its_photo_and_tag_only():
    kept = Edits().keep(HERE, "dog", edit())
    assert kept.find(HERE, "dog") == edit().categories
    assert kept.find(THERE, "dog") is None and kept.find(HERE, "cat") is None
    assert kept.scores(HERE)["dog"].probability == 0.25 and kept.scores(THERE) == {}


def test_a_reset_tag_is_forgotten():
    kept = Edits().keep(HERE, "dog", edit())
    assert kept.keep(HERE, "dog", Edit(edit().categories.reset("dog"), TagScore("dog", 0.9, 0.5))) == Edits()


def test_the_oldest_edit_is_forgotten_first(monkeypatch):
    monkeypatch.setattr(edits, "MAX_KEPT", 2)
    kept = Edits().keep(HERE, "dog", edit()).keep(THERE, "dog", edit()).keep(HERE, "dog", edit(probability=0.5))
    cat = Categories(("cat",), {"cat": ()}).add("cat", "it purrs")
    kept = kept.keep(HERE, "cat", Edit(cat, TagScore("cat", 0.1, 0.5)))
    assert list(kept.kept) == [("here.jpg", "dog"), ("here.jpg", "cat")]


def test_an_edited_category_is_kept_by_its_name_alone():
    both = Categories(("dog", "cat"), {**DOG.sentences, "cat": ()}).rewrite("dog", 0, "it sleeps")
    kept = Edits().keep_typed("dog", both)
    assert kept.typed["dog"].names == ("dog",) and kept.typed["dog"].enabled("dog") == ("it sleeps",)
    assert kept.keep_typed("dog", both.reset("dog")) == Edits()
    assert kept.keep(HERE, "dog", edit()).typed == kept.typed


def test_only_so_many_edited_categories_are_kept(monkeypatch):
    monkeypatch.setattr(edits, "MAX_KEPT", 1)
    cat = Categories(("cat",), {"cat": ()}).add("cat", "it purrs")
    assert list(Edits().keep_typed("dog", edit().categories).keep_typed("cat", cat).typed) == ["cat"]
