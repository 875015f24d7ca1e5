"""The tab of many photos in a real browser: tagging, thresholds, thumbs, exports."""

import csv
import io
import json
import zipfile

import pytest
from PIL import Image

from tests.page.visits import EXAMPLES

TABLE = "#album-table table.album"
CARD = "#album-table .gallery > li"
PHONE_ORDER = ("#album-panel", "#album-photos", "#album-category", "#album-calibrate", "#album-export")
DROP = """([place, files]) => {
  const dropped = new DataTransfer();
  for (const [name, bytes] of files) dropped.items.add(new File([new Uint8Array(bytes)], name, {type: 'image/jpeg'}));
  for (const kind of ['dragover', 'drop'])
    document.querySelector(place).dispatchEvent(
      new DragEvent(kind, {dataTransfer: dropped, bubbles: true, cancelable: true}));
}"""
PASTE = """([name, bytes]) => {
  const clipboard = new DataTransfer();
  clipboard.items.add(new File([new Uint8Array(bytes)], name, {type: 'image/jpeg'}));
  document.body.dispatchEvent(
    new ClipboardEvent('paste', {clipboardData: clipboard, bubbles: true, cancelable: true}));
}"""


@pytest.fixture
def album(page):
    page.get_by_role("tab", name="Many photos").click()
    page.get_by_role("button", name="Choose photos or a zip").wait_for()
    return page


@pytest.fixture
def photos(tmp_path):
    """A zip with three photos, one of them truncated, and a file that is not a photo."""
    path = tmp_path / "trip.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(EXAMPLES / "dogs.jpg", "trip/dogs.jpg")
        archive.writestr("trip/cut.jpg", (EXAMPLES / "bee.jpg").read_bytes()[:5000])
        archive.writestr("../<img src=x onerror=alert(1)>.jpg", b"evil")
        archive.writestr("trip/=1+1.jpg", (EXAMPLES / "coffee.jpg").read_bytes())
    return path


def give(page, path):
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose photos or a zip").click()
    chooser.value.set_files(path)


def tagged(page, count):
    """Wait until so many photos are tagged, and show them as a table."""
    page.locator("#album-progress").get_by_text(f"{count} photos tagged in").wait_for()
    page.locator(f"{CARD} .opener:enabled").or_(page.locator(f"{TABLE} .opener:enabled")).nth(count - 1).wait_for()
    page.get_by_role("radio", name="Table").check()
    page.locator(f"{TABLE} tbody tr").nth(count - 1).wait_for()


def drop(page, *paths, place="#album-panel"):
    """Drop files on a part of the page."""
    files = [(path.name, list(path.read_bytes())) for path in paths]
    page.evaluate(DROP, [place, files])


def saved(page, button):
    with page.expect_download() as download:
        button.click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_a_zip_becomes_a_table_and_faults_are_named(album, photos):
    give(album, photos)
    tagged(album, 2)
    assert album.locator(f"{TABLE} tbody th").all_inner_texts() == ["trip/dogs.jpg", "trip/=1+1.jpg"]
    assert "dog" in album.locator(f"{TABLE} .chip.present").evaluate_all("chips => chips.map(one => one.dataset.tag)")
    told = album.locator(".faults").inner_text()
    assert "cut.jpg is broken" in told and "outside the archive" in told and "<img src=x" in told


def test_thresholds_filters_and_exports_follow(album, photos):
    give(album, photos)
    tagged(album, 2)
    album.get_by_label("Show photos with").click()
    album.get_by_role("option", name="dog (1)", exact=True).click()
    album.locator(TABLE).get_by_text("1 photo", exact=True).wait_for()
    name, content = saved(album, album.get_by_role("button", name="COCO"))
    document = json.loads(content)
    assert name == "tags.coco.json" and [i["file_name"] for i in document["images"]] == ["trip/dogs.jpg"]
    album.get_by_label("one for all tags").check()
    slider = album.locator("#album-shared input[type=range]:enabled")
    slider.focus()
    for _ in range(10):
        album.keyboard.press("ArrowRight")
    album.wait_for_function(
        "place => [...document.querySelectorAll(place)].every(one => one.innerText >= '0.60')",
        arg=f"{TABLE} .chip.present b",
    )
    assert album.locator(f"{TABLE} .chip.present").count() > 0
    name, content = saved(album, album.locator("#album-csv"))
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert name == "tags.csv" and {row["threshold"] for row in rows} == {"0.6"}


def test_thumbs_by_keyboard_calibrate_a_vocabulary(album, photos):
    give(album, photos)
    tagged(album, 2)
    wrong = album.locator(f"{TABLE} .chip.present button.down").first
    tag = wrong.get_attribute("data-tag")
    assert wrong.get_attribute("aria-label") == f"{tag} is wrong in trip/dogs.jpg"
    wrong.focus()
    album.keyboard.press("Enter")
    album.locator(f"{TABLE} tbody tr:first-child .chip.absent.wrong[data-tag='{tag}']").wait_for()
    pressed = album.locator(f"{TABLE} button[data-thumb=down][aria-pressed=true]")
    assert pressed.get_attribute("data-tag") == tag
    album.wait_for_function("tag => document.activeElement.dataset.tag === tag", arg=tag)  # the focus stays
    album.get_by_role("button", name="Calibrate").click()
    album.locator("#album-calibration").get_by_role("rowheader", name=tag, exact=True).wait_for()
    album.locator(f"{TABLE} tbody tr:first-child .chip.absent[data-tag='{tag}']").wait_for()
    name, content = saved(album, album.get_by_role("button", name="Download vocabulary.csv"))
    assert name == "vocabulary.csv" and f"\n{tag},".encode() in content


def test_a_tag_that_is_marked_wrong_is_not_exported(album, photos):
    give(album, photos)
    tagged(album, 2)
    wrong = album.locator(f"{TABLE} tbody tr:first-child .chip.present button.down").first
    tag = wrong.get_attribute("data-tag")
    wrong.click()
    album.locator(f"{TABLE} tbody tr:first-child .chip.wrong[data-tag='{tag}']").wait_for()
    _, content = saved(album, album.get_by_role("button", name="JSONL"))
    exported = json.loads(content.splitlines()[0])
    assert exported["image"] == "trip/dogs.jpg" and len(exported["scores"]) > 3
    assert tag not in exported["tags"] and tag not in [score["tag"] for score in exported["scores"]]


def test_a_thumb_takes_effect_in_gallery_and_filter(album, photos):
    give(album, photos)
    tagged(album, 2)
    album.locator(f"{TABLE} .chip.present[data-tag=dog] button.down").click()
    album.locator(f"{TABLE} .chip.wrong[data-tag=dog]").wait_for()
    album.locator(f"{TABLE} tbody tr:first-child .chip.absent:not(.wrong) button.up").first.click()
    right = album.locator(f"{TABLE} tbody tr:first-child [data-thumb=up][aria-pressed=true]").get_attribute("data-tag")
    album.get_by_label("Show photos with").click()
    album.get_by_role("option", name=f"{right} (1)", exact=True).wait_for()
    assert album.get_by_role("option", name="dog (1)", exact=True).count() == 0
    album.keyboard.press("Escape")
    album.get_by_role("radio", name="Gallery").check()
    album.locator(CARD).nth(1).wait_for()
    listed = album.locator(f"{CARD}:first-child [data-listed]")
    shown = listed.evaluate_all("tags => tags.map(one => one.dataset.listed)")
    assert right in shown and "dog" not in shown


def test_photos_are_dropped_and_pasted_on_the_tab(album):
    drop(album, EXAMPLES / "dogs.jpg", EXAMPLES / "bee.jpg")
    tagged(album, 2)
    assert album.locator(f"{TABLE} tbody th").all_inner_texts() == ["dogs.jpg", "bee.jpg"]
    album.evaluate(PASTE, ["pasted.jpg", list((EXAMPLES / "cat.jpg").read_bytes())])
    album.locator("#album-progress").get_by_text("1 photo tagged in").wait_for()
    album.get_by_role("tab", name="One photo").click()
    album.locator("#tags [data-tag=dog]").wait_for()  # the opening photo: the pasted one went to the album only


def test_a_photo_opens_under_one_photo_and_the_album_stays(album, photos):
    give(album, photos)
    album.locator(f"{CARD} .opener:enabled").nth(1).wait_for()
    album.get_by_label("Show photos with").click()
    album.get_by_role("option", name="coffee (1)", exact=True).click()
    album.locator("#album-table").get_by_text("1 photo", exact=True).wait_for()
    before = album.locator("#album-table").inner_html()
    album.get_by_role("button", name="Show trip/=1+1.jpg under One photo").click()  # from inside the zip
    album.get_by_role("tab", name="One photo", selected=True).wait_for()
    album.locator("#tags [data-tag=espresso]").wait_for()
    album.locator("#why .verdict").wait_for()
    album.get_by_role("button", name="Link to this view").click()
    album.get_by_text("as long as the photo is kept here").wait_for()
    album.get_by_role("tab", name="Many photos").click()
    album.locator(CARD).first.wait_for()
    assert album.locator("#album-table").inner_html() == before


def test_several_categories_are_scored_at_once(album):
    album.get_by_role("button", name="Try the example photos").click()
    tagged(album, 8)
    album.get_by_label("Category names for these photos").fill("espresso cup, honey bee")
    album.get_by_label("Category names for these photos").press("Enter")
    matrix = album.locator("#album-winners table.matrix")
    matrix.locator("tbody tr").nth(7).wait_for()
    assert matrix.locator("thead th").all_inner_texts() == ["Photo", "espresso cup", "honey bee"]
    name, content = saved(album, album.get_by_role("link", name="Download all these numbers as CSV"))
    rows = {row["photo"]: row for row in csv.DictReader(io.StringIO(content.decode()))}
    assert name == "categories by photo.csv" and len(rows) == 8
    assert max(rows, key=lambda photo: float(rows[photo]["probability of honey bee"])) == "bee.jpg"
    album.locator("#album-winners summary").get_by_text("honey bee: over the threshold").click()
    album.get_by_role("table", name="honey bee in each photo").locator("tbody tr").nth(7).wait_for()


def test_one_category_shows_winners_and_saves_its_plot(album):
    album.get_by_role("button", name="Try the example photos").click()
    tagged(album, 8)
    album.get_by_label("Category names for these photos").fill("kite")
    album.get_by_label("Category names for these photos").press("Enter")
    album.locator("#album-winners table.winners tbody tr").nth(7).wait_for()
    assert len(album.locator("#album-winners .chip b").all_inner_texts()) == 8
    name, content = saved(album, album.get_by_role("button", name="Download this plot as PNG"))
    with Image.open(io.BytesIO(content)) as picture:
        assert name == "weights of kite.png" and picture.width == 1600
        assert picture.convert("RGB").getpixel((2, 2)) == (255, 255, 255)
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 10
    name, content = saved(album, album.get_by_role("button", name="Download this plot as SVG"))
    assert name.endswith(".svg") and content.startswith(b"<svg") and b"dogs.jpg" in content
    name, content = saved(album, album.locator("#album-winners").get_by_role("link", name="as CSV"))
    assert name == "kite by photo.csv" and len(content.decode().splitlines()) == 9


def test_a_run_can_be_stopped(album, tmp_path):
    for i in range(60):
        Image.effect_noise((200, 200), 60).save(tmp_path / f"{i:02}.png")
    give(album, sorted(tmp_path.iterdir()))
    album.locator(CARD).first.wait_for()
    album.get_by_text(" left.").wait_for()
    album.get_by_role("button", name="Stop").click()
    album.locator("#album-progress").get_by_text("finished photos stay").wait_for()
    album.get_by_role("button", name="Stop").wait_for(state="detached")  # no run is left to stop
    assert 0 < album.locator(CARD).count() <= 24
    album.get_by_role("button", name="Try the example photos").click()
    tagged(album, 8)


def test_the_album_fits_a_narrow_screen(album, photos):
    album.set_viewport_size({"width": 360, "height": 740})
    give(album, photos)
    album.locator(f"{CARD} .opener:enabled").nth(1).wait_for()
    assert album.evaluate("document.documentElement.scrollWidth") <= 360
    tagged(album, 2)
    assert album.evaluate("document.documentElement.scrollWidth") <= 360
    tops = [album.locator(part).bounding_box()["y"] for part in PHONE_ORDER]
    assert tops == sorted(tops)
