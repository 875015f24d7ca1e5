"""HTML of what a photo is chosen with, and of the parts of every section."""

from PIL import Image

from demo.core.examples import Example, list_examples
from demo.views import page, photo
from tests.demo.views.outline import Outline


def test_another_photo_is_chosen_or_taken_with_the_camera():
    outline = Outline(photo.choose())
    assert [a["data-choose"] for tag, a in outline.elements if tag == "button"] == ["file", "camera"]
    (camera,) = [a for tag, a in outline.elements if tag == "input"]
    assert camera["capture"] == "environment" and camera["accept"] == "image/*"


def test_notices_repeat_no_sentence():
    assert Outline(page.notice(["One.", "Two.", "One."])).text == ["One.", "Two."]
    assert page.notice([]) == ""


def test_examples_have_titles_and_credits(tmp_path):
    Image.new("RGB", (60, 30)).save(tmp_path / "bee.jpg")
    Image.new("RGB", (60, 30)).save(tmp_path / "old_well.png")
    (tmp_path / "notes.txt").write_text("no photo")
    (tmp_path / "SOURCES.md").write_text(
        "| file | picture | author | licence | found in | original |\n|---|---|---|---|---|---|\n"
        "| `bee.jpg` | A bee (close) | Ann | [CC0 1.0](https://a.example/cc0) | x | [Site](https://b.example/bee) |\n"
    )
    Image.new("RGB", (60, 30)).save(tmp_path / "apple.png")
    bee, apple, well = list_examples(tmp_path)  # in the order of the table, then by name
    assert apple.title == "Apple"
    assert bee == Example(tmp_path / "bee.jpg", "A bee", "Ann", "CC0 1.0", "https://b.example/bee")
    assert bee.credit == "A bee: Ann, CC0 1.0"
    assert (well.title, well.credit) == ("Old well", "Old well")
    outline = Outline(photo.examples([bee, well]))
    assert [a["data-name"] for tag, a in outline.elements if tag == "button"] == ["bee.jpg", "old_well.png"]
    assert [a["alt"] for tag, a in outline.elements if tag == "img"] == ["A bee", "Old well"]
    assert [a["href"] for tag, a in outline.elements if tag == "a"] == ["https://b.example/bee"]


def test_the_scope_of_a_small_model_leads_to_its_card():
    outline = Outline(photo.scope(True))
    said = " ".join(outline.text)
    assert "17,000 photos of everyday things" in said and "--model" not in said
    assert [a["href"] for tag, a in outline.elements if tag == "a"] == ["#about"] and photo.scope(False) == ""


def test_a_missing_folder_of_examples_is_accepted(tmp_path):
    assert list_examples(tmp_path / "none") == []
    assert photo.examples([]) == ""
