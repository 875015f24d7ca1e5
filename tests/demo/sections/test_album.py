"""The section of many photos asks again for what it no longer has, and never passes nothing for a value."""

import gradio as gr
import pytest

from demo.core.actions import Workbench
from demo.core.album_thresholds import Thresholds
from demo.sections.album import AlbumSection
from demo.sections.parts import FORGOTTEN
from tests.tiny import tiny_tagger


@pytest.fixture
def section():
    with gr.Blocks():
        made = AlbumSection(Workbench([tiny_tagger()], {}.__getitem__), [], {"template": "Templates"})
        made.wire()
    return made


def test_photos_that_are_forgotten_are_asked_for_again(section):
    shown = (None, Thresholds(), {}, 0, [])
    for changed in (
        section.on_calibrate(*shown),
        section.on_shared(*shown, "one for all tags", 0.4),
        section.on_filter(*shown),
    ):
        assert FORGOTTEN in changed[section.notice]
    save = section.home._saving(lambda *_: pytest.fail("there is nothing to save"))
    assert FORGOTTEN in save(None, Thresholds(), [])[section.home.saved]


def test_a_tag_that_is_none_leaves_its_slider_alone(section):
    """As a visitor's press of Tab through the empty box does."""
    assert section.on_tag(None, Thresholds(), None) == gr.skip()
    assert section.on_table(None, Thresholds(), {}, 0, [], "", 0.5, gr.EventData(None, {})) == gr.skip()
