"""A photo by its address is tagged like an upload, and an error leaves what is shown."""

import gradio as gr
import pytest
from PIL import Image

from demo.core.edits import Edits
from demo.core.workbench import Workbench
from demo.sections.photo import PhotoSection
from ram.describers.template import TemplateDescriber
from ram.errors import InputError
from tests.tiny import tiny_tagger


@pytest.fixture
def section():
    with gr.Blocks():
        bench = Workbench([tiny_tagger()], {"lexicon": TemplateDescriber()}.__getitem__)
        made = PhotoSection(bench, [], {"template": "Templates"}, "")
        hidden = made.address.row.visible
        made.address.wire(made)
    assert not hidden and made.address.row.visible
    return made


def test_a_fetched_photo_is_tagged_and_deleted_like_an_upload(section, tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    Image.new("RGB", (90, 60)).save(path)
    monkeypatch.setattr("demo.sections.address.fetch_photo", lambda address, uploads: path)
    field = section.address
    update = field.on_address("https://a.example/a.png")
    assert update == {field.path: path, field.notice: ""} and str(path) in section.photo.temp_files
    *tagged, cleared = field.on_photo(path, None, Edits())
    assert tagged[0][section.looked].source == str(path) and "tag-row" in tagged[0][section.tags]
    assert cleared == {field.path: None, field.box: ""}


def test_an_error_is_told_and_nothing_else_changes(section, tmp_path, monkeypatch):
    def refuse(address, uploads):
        raise InputError(f"no <b>{address}</b>")

    monkeypatch.setattr("demo.sections.address.fetch_photo", refuse)
    field = section.address
    update = field.on_address("x")
    assert set(update) == {field.path, field.notice} and update[field.path] is None
    assert "no &lt;b&gt;x&lt;/b&gt;." in update[field.notice]
    assert list(field.on_photo(None, None, Edits())) == [{field.path: None}]
    (tmp_path / "a.png").write_bytes(b"no picture")
    (told,) = field.on_photo(tmp_path / "a.png", None, Edits())
    assert set(told) == {field.path, field.notice} and "cannot be read as a picture" in told[field.notice]
