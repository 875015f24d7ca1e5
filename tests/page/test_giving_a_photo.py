"""A photo is chosen, pasted, dropped or taken, and replaces the one before."""

import base64

import pytest

from tests.page.visits import EXAMPLES, choose, without_photo

TAGS = "#tags .html-container"
COFFEE = EXAMPLES / "coffee.jpg"
COPY_PICTURE = """async photo => {
  const bitmap = await createImageBitmap(await (await fetch(photo)).blob());
  const canvas = Object.assign(document.createElement('canvas'), {width: bitmap.width, height: bitmap.height});
  canvas.getContext('2d').drawImage(bitmap, 0, 0);
  const blob = await new Promise(done => canvas.toBlob(done, 'image/png'));
  await navigator.clipboard.write([new ClipboardItem({'image/png': blob})]);
}"""
DROP = """([place, photo]) => {
  const bytes = Uint8Array.from(atob(photo), one => one.charCodeAt(0)), transfer = new DataTransfer();
  transfer.items.add(new File([bytes], 'dropped.jpg', {type: 'image/jpeg'}));
  const dropped = {dataTransfer: transfer, bubbles: true, cancelable: true};
  const allowed = !document.querySelector(place).dispatchEvent(new DragEvent('dragover', dropped));
  document.querySelector(place).dispatchEvent(new DragEvent('drop', dropped));
  return allowed;
}"""


def is_removal(request):
    """Whether gradio tells the server that the photo was removed, an event that has no inputs."""
    return request.url.partition("?")[0].endswith("/queue/join") and request.post_data_json["data"] == []


@pytest.fixture
def phone(browser, address):
    """A visit from a phone: a narrow screen, fingers and no mouse."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    visit = context.new_page()
    visit.set_default_timeout(30_000)
    visit.goto(address)
    visit.locator("#tags .summary").wait_for()
    yield visit
    context.close()


def test_the_empty_area_says_how_to_give_a_photo(page):
    without_photo(page)
    page.locator("#photo").get_by_text("Drop, paste or choose a photo", exact=True).wait_for()
    assert page.get_by_role("button", name="another photo").count() == 0
    with page.expect_file_chooser():
        page.locator("#photo").get_by_text("Drop, paste or choose a photo").click()


@pytest.mark.parametrize("start", ["with a photo", "without one"])
def test_a_picture_of_the_clipboard_is_tagged(page, start):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    choose(page, "dogs.jpg")
    page.evaluate(COPY_PICTURE, page.locator("#examples [data-name='coffee.jpg'] img").get_attribute("src"))
    if start == "without one":
        without_photo(page)
    page.locator("h1").click()  # the focus is on no control
    page.keyboard.press("Control+V")
    page.locator("#tags [data-present][data-tag=coffee]").wait_for()


@pytest.mark.parametrize("place", ["#photo img", ".choose .another"])
def test_a_click_on_the_photo_or_below_replaces_it(page, place):
    choose(page, "dogs.jpg")
    page.wait_for_function("document.querySelector('#photo img')?.naturalWidth > 0")
    with page.expect_file_chooser() as chooser:
        page.locator(place).click()
    chooser.value.set_files(COFFEE)
    page.locator("#tags [data-present][data-tag=coffee]").wait_for()


@pytest.mark.parametrize("place", ["#photo img", ".choose .another"])
def test_a_dropped_photo_replaces_the_one_before(page, place):
    choose(page, "dogs.jpg")
    page.wait_for_function("document.querySelector('#photo img')?.naturalWidth > 0")
    removals = []
    page.on("request", lambda request: removals.extend([request.url] if is_removal(request) else []))
    assert page.evaluate(DROP, [place, base64.b64encode(COFFEE.read_bytes()).decode()])
    page.locator("#tags [data-present][data-tag=coffee]").wait_for()
    assert not removals  # sent by itself, it might arrive after the new photo


def test_a_phone_takes_photos_and_a_desktop_offers_no_camera(page, phone):
    assert page.locator("[data-choose=camera]").is_hidden()
    camera = phone.locator(".choose input[capture=environment]")
    before = phone.locator(TAGS).inner_text()
    with phone.expect_file_chooser() as chooser:
        phone.get_by_role("button", name="Take a photo").tap()
    assert chooser.value.element.get_attribute("capture") == "environment"
    chooser.value.set_files(COFFEE)
    phone.locator("#tags [data-present][data-tag=coffee]").wait_for()
    assert phone.locator(TAGS).inner_text() != before and camera.input_value() == ""
    without_photo(phone)
    assert phone.get_by_role("button", name="Take a photo").is_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
