"""HTML of albums and comparisons shows the values, and no name or tag becomes markup."""

import dataclasses

import markupsafe
import numpy as np
import pytest
import torch

from demo.core.album import Album, AlbumPhoto
from demo.core.album_thresholds import Thresholds
from demo.core.comparison import ModelComparison
from demo.core.exports import Download, export_table
from demo.core.feature_cache import CachedFeatures
from demo.core.winners import PhotoScore, Winners
from demo.views.album import GALLERY, calibration, duration, photos, progress, single_thresholds
from demo.views.comparison import comparison, heading
from demo.views.page import saved
from demo.views.render import render
from demo.views.winners import winners
from ram.models.image_encoder import ImageFeatures
from ram.prediction import Prediction, TagScore, WeightedDescription
from ram.text.vocabulary import TagVocabulary
from tests.demo.views.outline import HOSTILE, Outline

VOCABULARY = TagVocabulary(("dog", HOSTILE, "sea"), (0.5, 0.5, 0.5))


def photo(name, *probabilities):
    kept = CachedFeatures(ImageFeatures(torch.zeros(1, 1, 1)))
    return AlbumPhoto(name, (4, 3), b"", np.array(probabilities, np.float32), np.zeros(3, np.int16), np.ones(3), kept)


def album(count=1, **fields):
    photos = tuple(photo(f"{i} {HOSTILE}", 0.9, 0.6, 0.1) for i in range(count))
    return Album("tiny", VOCABULARY, (("a",), ("b",), ("c",)), **{"total": count, "photos": photos, **fields})


def scored(model):
    return Prediction(VOCABULARY, [(HOSTILE,)] * 3, np.array([0.9, 0.4, 0.1]), np.ones((3, 1)))


def won(count=1):
    told = (WeightedDescription(HOSTILE, 0.6), WeightedDescription("x", 0.4))
    photos = tuple(
        PhotoScore(photo(HOSTILE, 1, 1, 1), TagScore(HOSTILE, 0.75 - i / 100, 0.5, told), np.array([0.6, 0.4]))
        for i in range(count)
    )
    return Winners(HOSTILE, (HOSTILE, "x"), photos, left_out=2)


COMPARED = ModelComparison({"a": scored("a"), "b": scored("b")}, {"a": 1, "b": 2}, {"a": 3, "b": 4})
PARTS = {
    "table": lambda: photos(album(), VOCABULARY, [0], 0, {(0, HOSTILE): True}),
    "gallery": lambda: photos(album(), VOCABULARY, [0], 0, {}, GALLERY),
    "progress": lambda: progress(album(faults=(HOSTILE,)), running=False),
    "single thresholds": lambda: single_thresholds(Thresholds(single={HOSTILE: 0.5})),
    "calibration": lambda: calibration(VOCABULARY, {HOSTILE: 0.25}, {(0, HOSTILE): True}),
    "winners": lambda: winners([won()]),
    "several winners": lambda: winners([won(), won()]),
    "introduction": lambda: heading({"a": HOSTILE}, [HOSTILE]),
    "comparison": lambda: comparison(COMPARED, {"a": HOSTILE, "b": "RAM"}),
    "saved": lambda: saved(Download(HOSTILE, "text/csv", f"</textarea>{HOSTILE}")),
}


@pytest.mark.parametrize("part", PARTS)
def test_no_text_becomes_markup(part):
    outline = Outline(PARTS[part]())
    pictures = [attributes for tag, attributes in outline.elements if tag == "img"]
    assert all(picture["src"].startswith("data:image/jpeg;base64,") for picture in pictures)
    assert not any(name.startswith("on") for _, attributes in outline.elements for name in attributes)
    assert any("<img src=x" in text for text in outline.text)


def test_names_of_downloads_are_escaped():
    files = export_table(HOSTILE, [{"a": HOSTILE}])
    links = Outline(render("parts", "table_downloads", files=files)).elements
    assert [a["download"] for tag, a in links if tag == "a"] == [f"{HOSTILE}.csv", f"{HOSTILE}.json"]
    buttons = Outline(render("parts", "plot_downloads", name=HOSTILE)).elements
    assert [a["data-name"] for tag, a in buttons if tag == "button"] == [HOSTILE, HOSTILE]
    assert render("parts", "table_downloads", files=export_table("none", [])) == ""


def test_present_tags_come_first_and_thumbs_are_pressed():
    outline = Outline(photos(album(), VOCABULARY, [0], 0, {(0, "sea"): False}))
    chips = [(a["data-tag"], a["class"]) for tag, a in outline.elements if tag == "li" and "data-tag" in a]
    assert chips == [("dog", "chip present"), (HOSTILE, "chip present"), ("sea", "chip absent wrong")]
    pressed = [(a["data-tag"], a["data-thumb"]) for _, a in outline.elements if a.get("aria-pressed") == "true"]
    assert pressed == [("sea", "down")]


def test_a_thumb_overrules_the_threshold_in_both_forms():
    thumbs = {(0, "sea"): True, (0, "dog"): False}
    table = Outline(photos(album(), VOCABULARY, [0], 0, thumbs))
    chips = {a["data-tag"]: a["class"] for tag, a in table.elements if tag == "li" and "data-tag" in a}
    assert chips == {"dog": "chip absent wrong", HOSTILE: "chip present", "sea": "chip present"}
    assert Outline(photos(album(), VOCABULARY, [0], 0, thumbs, GALLERY)).rows() == [HOSTILE, "sea"]


def test_no_thumb_and_no_photo_can_be_chosen_while_photos_are_tagged():
    running = Outline(photos(album(), VOCABULARY, [0], 0, {}, running=True))
    buttons = [a for tag, a in running.elements if tag == "button"]
    assert not any("data-thumb" in a for a in buttons)
    assert all("disabled" in a for a in buttons if "data-open" in a)


def test_several_categories_are_listed_together_first():
    one = won(3)
    outline = Outline(winners([dataclasses.replace(one, category="kite"), one]))
    assert outline.text[0] == "2 categories in 3 photos"
    assert outline.text[1:4] == ["Photo", "kite", HOSTILE]
    assert [tag for tag, _ in outline.elements].count("details") == 4  # each with its folded descriptions


def test_categories_that_are_tags_carry_their_keys():
    one = won(3)
    html = winners([dataclasses.replace(one, category="dog"), dataclasses.replace(one, category="grok")])
    key = markupsafe.escape('["tag:dog", {}]')
    assert html.count(f'data-say="{key}"') == 2  # column and heading
    assert html.count(f"&#34;category&#34;: {key}") == 3  # summary, table and plot
    assert "tag:grok" not in html


def test_many_photos_are_shown_in_pages():
    many = album(60)
    last = Outline(photos(many, VOCABULARY, range(60), 99, {}))
    assert (
        sum(tag == "img" for tag, _ in last.elements) == 12 and "Page 3 of 3" in last.text and "60 photos" in last.text
    )
    assert [("disabled" in a) for tag, a in last.elements if "data-page" in a] == [False, True]


def test_progress_shows_time_left_and_stopped_runs():
    running = Outline(progress(album(2, total=10, seconds=25.0), running=True)).text
    assert "2 of 10, about 1 min 40 s left." in running
    stopped = Outline(progress(album(2, total=10), running=False)).text
    assert stopped == ["Stopped after 2 of 10: 2 photos tagged, and finished photos stay."]
    soon = Outline(progress(album(9, total=10, seconds=0.1), running=True)).text
    assert soon == ["9 of 10, nearly done."]
    assert Outline(progress(album(0, total=10), running=True)).text == ["0 of 10."]
    told = [duration(s) for s in (0.01, 1.2, 42.3, 200)]
    assert told == ["under a second", "1 s", "42 s", "3 min 20 s"]


def test_winners_say_how_many_were_scored_and_which_are_shown():
    outline = Outline(winners([won(50)]))
    (said,) = [text for text in outline.text if "scored" in text][:1]
    assert said.startswith("50 photos were scored: 25 over the threshold of 0.50. Shown are the 8 most probable,")
    assert "2 more were removed" in said
    assert [text for text in outline.text if text in ("Most probable", "Least probable")] == [
        "Most probable", "Least probable",
    ]  # fmt: skip
    assert sum(tag == "img" for tag, _ in outline.elements) == 24
    assert "Download all 50 rows" in outline.text
    few = Outline(winners([won(3)])).text
    assert not any("Shown are" in text for text in few) and "Most probable" not in few


def test_a_filter_without_matches_says_so():
    assert "No photo shows all of these tags" in photos(album(), VOCABULARY, [], 0, {})


def test_tags_that_are_not_listed_are_copied_too():
    tags = tuple(f"tag {i}" for i in range(15))
    vocabulary = TagVocabulary(tags, (0.5,) * 15)
    kept = CachedFeatures(ImageFeatures(torch.zeros(1, 1, 1)))
    probabilities = np.array([0.9 - i / 100 for i in range(14)] + [0.1], np.float32)
    one = AlbumPhoto("a.jpg", (4, 3), b"", probabilities, np.zeros(15, np.int16), np.ones(15), kept)
    shown = Album("tiny", vocabulary, (("a",),) * 15, total=1, photos=(one,))
    outline = Outline(photos(shown, vocabulary, [0], 0, {(0, "tag 13"): False}))  # listed, for it has a thumb
    listed = [a for _, a in outline.elements if "data-listed" in a]
    assert sorted(a["data-listed"] for a in listed) == sorted(tags)
    assert {a["data-listed"] for a in listed if "data-present" in a} == {*tags} - {"tag 14"}
    assert [a["data-listed"] for a in listed if "hidden" in a] == ["tag 12"]
    assert "1 more" in outline.text
    assert [a["data-copy"] for _, a in outline.elements if "data-copy" in a] == ["tr"]
