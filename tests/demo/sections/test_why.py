"""An edit and a heat map belong to their tag, also when another one was selected while they were on their way."""

from types import SimpleNamespace

import gradio as gr
import pytest
from PIL import Image

from demo.core.edits import Edits
from demo.core.heat_maps import HeatMaps
from demo.core.workbench import Workbench
from demo.sections.photo import PhotoSection
from demo.views.heat import overlay
from ram.describers.template import TemplateDescriber
from tests.demo.views.outline import Outline
from tests.tiny import tiny_tagger

SENTENCE = "it sleeps in a basket"


@pytest.fixture
def section():
    tagger = tiny_tagger()
    with gr.Blocks():
        bench = Workbench([tagger], dict.fromkeys(("lexicon", "template"), TemplateDescriber()).__getitem__)
        return PhotoSection(bench, [], {"template": "Templates"}, "")


@pytest.fixture
def photo(section, tmp_path):
    Image.new("RGB", (64, 48), "green").save(tmp_path / "green.png")
    return list(section.bench.tag(tmp_path / "green.png"))[-1].photo


@pytest.fixture
def tags(section):
    return section.bench.taggers[0].bank.vocabulary.tags


def edit(tag, text=SENTENCE):
    return SimpleNamespace(action="add", tag=tag, index=-1, text=text)


@pytest.mark.parametrize("late", [False, True])
def test_an_edit_is_kept_for_its_own_tag(section, photo, tags, late):
    why = section.why
    subject = why.predefined(photo, tags[1 if late else 0], Edits())[why.subject]
    answer = why.on_edit(photo, None, subject, Edits(), edit(tags[0]))
    assert SENTENCE in answer[why.edits].find(photo, tags[0]).enabled(tags[0])
    assert answer[why.edits].find(photo, tags[1]) is None
    assert (why.panel in answer) is not late and (why.subject in answer) is not late


def test_a_late_edit_goes_on_from_the_edit_before(section, photo, tags):
    why = section.why
    subject = why.predefined(photo, tags[1], Edits())[why.subject]
    first = why.on_edit(photo, None, subject, Edits(), edit(tags[0]))[why.edits]
    second = why.on_edit(photo, None, subject, first, edit(tags[0], "it barks at a cat"))[why.edits]
    assert {SENTENCE, "it barks at a cat"} <= set(second.find(photo, tags[0]).enabled(tags[0]))


def test_a_late_edit_of_a_typed_category_changes_it(section, photo, tags):
    why = section.why
    typed = section.bench.open_tag(tags[0])
    subject = why.predefined(photo, tags[1], Edits())[why.subject]
    answer = why.on_edit(photo, typed, subject, Edits(), edit(tags[0]))
    assert SENTENCE in answer[section.typed].enabled(tags[0]) and why.panel not in answer


@pytest.mark.parametrize("tag", ["no such tag", None, 3, ["dog"]])
def test_an_edit_of_no_tag_changes_nothing(section, photo, tags, tag):
    why = section.why
    subject = why.predefined(photo, tags[0], Edits())[why.subject]
    assert why.on_edit(photo, None, subject, Edits(), edit(tag)) == {why.notice: ""}


def drawn(panel):
    """The heat map of a panel, as the address of its image; None where there is none yet."""
    images = [a["href"] for tag, a in Outline(panel).elements if tag == "image"]
    return images[1] if len(images) > 1 else None


def test_reasons_come_first_and_then_the_map(section, photo, tags):
    why = section.why
    first = why.predefined(photo, tags[0], Edits())
    assert drawn(first[why.panel]) is None and "The heat map is being drawn…" in Outline(first[why.panel]).text
    assert SENTENCE not in first[why.panel] and "Show a box" not in first[why.panel]
    then = why.on_map(photo, first[why.subject])
    assert set(then) == {why.subject, why.panel} and "being drawn" not in then[why.panel]
    own = section.bench.open_tag(tags[0]).banks[section.bench.taggers[0].name]
    assert drawn(then[why.panel]) == overlay(why.maps.draw(photo, own, tags[0]).effects)
    before, after = (Outline(panel).text for panel in (first[why.panel], then[why.panel]))
    assert [text for text in before if "being drawn" not in text] == [text for text in after if text in before]


def test_the_map_is_that_of_the_tag_selected_last(section, photo, tags, monkeypatch):
    why, asked = section.why, []
    draw = why.maps.draw
    monkeypatch.setattr(why.maps, "draw", lambda photo, bank, tag: asked.append(tag) or draw(photo, bank, tag))
    for tag in tags:  # selected in quick succession; each asks for a map, when the last one is the subject
        subject = why.predefined(photo, tag, Edits())[why.subject]
    for _ in tags:
        update = why.on_map(photo, subject)
        subject = update.get(why.subject, subject)
    assert asked == [tags[-1]] and why.panel not in update


def test_a_map_that_is_kept_comes_with_the_reasons(section, photo, tags):
    why = section.why
    first = why.on_map(photo, why.predefined(photo, tags[0], Edits())[why.subject])
    why.on_map(photo, why.predefined(photo, tags[1], Edits())[why.subject])
    again = why.predefined(photo, tags[0], Edits())
    assert again[why.panel] == first[why.panel] and drawn(again[why.panel])
    assert why.panel not in why.on_map(photo, again[why.subject])


def test_an_edit_asks_for_the_map_of_the_new_sentences(section, photo, tags):
    why = section.why
    subject = why.on_map(photo, why.predefined(photo, tags[0], Edits())[why.subject])[why.subject]
    edited = why.on_edit(photo, None, subject, Edits(), edit(tags[0]))
    assert drawn(edited[why.panel]) is None
    assert drawn(why.on_map(photo, edited[why.subject])[why.panel])


def test_a_box_needs_no_other_map(section, photo, tags, monkeypatch):
    why = section.why
    subject = why.on_map(photo, why.predefined(photo, tags[0], Edits())[why.subject])[why.subject]
    monkeypatch.setattr(why.maps, "draw", None)
    boxed = why.on_edit(photo, None, subject, Edits(), SimpleNamespace(action="box", tag=tags[0]))
    assert "<rect class=" in boxed[why.panel] and boxed[why.subject].boxed
    again = why.on_edit(photo, None, boxed[why.subject], Edits(), SimpleNamespace(action="box", tag=tags[0]))
    assert "<rect class=" not in again[why.panel] and drawn(again[why.panel])


def test_without_a_photo_or_a_tag_there_is_nothing_to_draw(section, photo, tags):
    why = section.why
    subject = why.predefined(None, tags[0], Edits())[why.subject]
    for nothing in (why.on_map(None, subject), why.on_map(photo, None), why.on_map(photo, subject)):
        assert why.panel not in nothing


def test_a_model_that_cannot_tell_leaves_the_map_out(section, photo, tags):
    why = section.why
    why.maps = HeatMaps(SimpleNamespace(name=section.bench.taggers[0].name))
    shown = why.predefined(photo, tags[0], Edits())
    assert '<figure class="heat"' not in shown[why.panel] and why.panel not in why.on_map(photo, shown[why.subject])
