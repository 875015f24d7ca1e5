"""The tab of many photos copes with expired albums and empty inputs."""

import gradio as gr
import pytest
from PIL import Image

from demo.core.album import tag_album
from demo.core.album_thresholds import Thresholds
from demo.core.album_view import AlbumView
from demo.core.texts import say
from demo.core.workbench import Workbench
from demo.sections.album import AlbumSection
from demo.sections.languages import tag_label
from tests.tiny import tiny_tagger

GERMAN = gr.Request(headers={"accept-language": "de"})


@pytest.fixture
def section():
    with gr.Blocks():
        made = AlbumSection(Workbench([tiny_tagger()], {}.__getitem__), [], {"template": "Templates"})
        made.wire()
    return made


def test_an_expired_album_asks_for_the_photos_again(section):
    shown = (None, AlbumView(), [], "gallery")
    (opened,) = section.on_open(None, None, gr.EventData(None, {"photo": "0"}))
    for changed in (
        section.thresholds.on_calibrate(*shown),
        section.thresholds.on_shared(*shown, "shared", 0.4),
        section.on_filter(*shown),
        section.on_form(*shown),
        opened,
    ):
        assert say("forgotten") in changed[section.notice]
    for form in ("vocabulary", "csv"):
        assert say("forgotten") in section.export.export(None, AlbumView(), [], form=form)[section.export.saved]


def test_an_unknown_tag_does_not_move_the_slider(section):
    """Pressing Tab in the empty box sends such a value."""
    assert section.thresholds.on_tag(None, AlbumView(), None, GERMAN) == gr.skip()
    assert section.on_photos(None, AlbumView(), [], "table", gr.EventData(None, {})) == gr.skip()


def tagged(section, tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (90, 60)).save(path)
    return list(tag_album(section.tagger, [path], section.cache))[-1]


def test_files_without_a_photo_leave_the_album_of_before(section, tmp_path):
    (tmp_path / "text.jpg").write_text("no photo")
    (update,) = section.run([tmp_path / "text.jpg"], "gallery")
    assert set(update) == {section.notice} and "text.jpg" in update[section.notice]


def test_an_unreadable_file_before_a_photo_is_named_beside_it(section, tmp_path):
    (tmp_path / "0.jpg").write_text("no photo")
    Image.new("RGB", (90, 60)).save(tmp_path / "1.png")
    *_, last = section.run([tmp_path / "0.jpg", tmp_path / "1.png"], "gallery")
    first = next(section.run([tmp_path / "0.jpg", tmp_path / "1.png"], "gallery"))
    album = first[section.album]
    assert len(album.photos) == len(album.faults) == 1 and first[section.view] == AlbumView()
    assert "0.jpg" in "".join(map(str, last.values()))


def test_a_thumb_redraws_the_photos_and_counts(section, tmp_path):
    album = tagged(section, tmp_path)
    view = AlbumView(Thresholds(shared=0.0))
    clicked = gr.EventData(None, {"photo": "0", "tag": "dog", "thumb": "down"})
    changed = section.on_photos(album, view, [], "table", clicked)
    after = changed[section.view]
    assert after.thumbs == {(0, "dog"): False} and "wrong" in changed[section.photos]
    assert "dog" not in dict(map(reversed, changed[section.filter].choices))
    gallery = section.on_form(album, after, [], "gallery")[section.photos]
    assert 'data-tag="cat"' in gallery and 'data-tag="dog"' not in gallery
    again = section.on_photos(album, after, [], "table", gr.EventData(None, {**clicked._data, "thumb": ""}))
    assert again[section.view].thumbs == {}


def test_a_deleted_photo_is_not_opened(section, tmp_path):
    album = tagged(section, tmp_path)
    (tmp_path / "a.png").unlink()
    (told,) = section.on_open(album, None, gr.EventData(None, {"photo": "0"}))
    assert "no longer kept here" in told[section.notice]


@pytest.mark.parametrize("number", ["7", "-1", "x", ""])
def test_a_photo_that_is_not_in_the_album_is_ignored(section, tmp_path, number):
    opened = section.on_open(tagged(section, tmp_path), None, gr.EventData(None, {"photo": number}))
    assert list(opened) == [{section.notice: ""}]


def test_choices_are_named_in_the_visitors_language(section, tmp_path):
    album = tagged(section, tmp_path)
    changed = section.on_filter(album, AlbumView(Thresholds(shared=0.0)), ["dog"], "table")
    assert dict(map(reversed, changed[section.filter].choices))["dog"] == f"{tag_label('dog')} (1)"
    none = section.on_filter(album, AlbumView(Thresholds(shared=1.0)), ["dog"], "table")
    assert none[section.filter].choices == [(f"{tag_label('dog')} (0)", "dog")]
    assert (tag_label("cat"), "cat") in changed[section.thresholds.tag].choices


def test_a_threshold_is_set_by_a_typed_name(section, tmp_path):
    album = tagged(section, tmp_path)
    assert section.thresholds.on_tag(album, AlbumView(), "Hund", GERMAN) != gr.skip()
    changed = section.thresholds.on_single(album, AlbumView(), [], "table", "Hund", 0.25, GERMAN)
    assert changed[section.view].thresholds.single == {"dog": 0.25}
