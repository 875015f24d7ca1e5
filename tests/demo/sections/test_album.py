"""The tab of many photos copes with expired albums and empty inputs."""

import gradio as gr
import pytest

from demo.core.album_thresholds import Thresholds
from demo.core.workbench import Workbench
from demo.sections.album import AlbumSection
from demo.sections.parts import FORGOTTEN
from tests.tiny import tiny_tagger


@pytest.fixture
def section():
    with gr.Blocks():
        made = AlbumSection(Workbench([tiny_tagger()], {}.__getitem__), [], {"template": "Templates"})
        made.wire()
    return made


def test_an_expired_album_asks_for_the_photos_again(section):
    shown = (None, Thresholds(), {}, 0, [])
    for changed in (
        section.on_calibrate(*shown),
        section.on_shared(*shown, "one for all tags", 0.4),
        section.on_filter(*shown),
    ):
        assert FORGOTTEN in changed[section.notice]
    for form in ("vocabulary", "csv"):
        assert FORGOTTEN in section.export.export(None, Thresholds(), {}, [], form=form)[section.export.saved]


def test_an_unknown_tag_does_not_move_the_slider(section):
    """Pressing Tab in the empty box sends such a value."""
    assert section.on_tag(None, Thresholds(), None) == gr.skip()
    assert section.on_table(None, Thresholds(), {}, 0, [], "", 0.5, gr.EventData(None, {})) == gr.skip()
