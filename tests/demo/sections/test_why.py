"""An edit reaches its tag, also when another one was selected while it was on its way."""

from types import SimpleNamespace

import gradio as gr
import pytest
from PIL import Image

from demo.core.edits import Edits
from demo.core.workbench import Workbench
from demo.sections.photo import PhotoSection
from ram.describers.template import TemplateDescriber
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
