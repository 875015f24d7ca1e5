"""What opens with a page leaves alone what its visitor has done since."""

from types import SimpleNamespace

import gradio as gr
import pytest

from demo.core.links import View
from demo.core.workbench import Workbench
from demo.sections.parts import html
from demo.sections.photo import PhotoSection
from demo.sections.share import ShareBar
from ram.describers.template import TemplateDescriber
from tests.tiny import tiny_tagger

REQUEST = SimpleNamespace(headers={"accept-language": "de"}, query_params={})


@pytest.fixture
def bar():
    with gr.Blocks():
        bench = Workbench([tiny_tagger()], dict.fromkeys(("lexicon", "template"), TemplateDescriber()).__getitem__)
        return ShareBar(PhotoSection(bench, [], {"template": "Templates"}, ""), html(""))


@pytest.mark.parametrize("view", [None, View()])
def test_a_page_without_a_link_does_not_touch_a_notice_that_is_there_by_then(bar, view):
    assert list(bar.on_categories(view, "template", None, REQUEST)) == [gr.skip()]


def test_the_categories_of_a_link_are_described(bar):
    *_, last = bar.on_categories(View(categories="kite"), "template", None, REQUEST)
    assert last[bar.section.typed].names == ("kite",)


def test_a_link_holds_the_tag_of_a_name_in_another_language(bar):
    shared = bar.on_share(None, "Hund, kite", "template", None, None, REQUEST)
    assert "dog%2C+kite" in shared[bar.link] and "Hund" not in shared[bar.link]
