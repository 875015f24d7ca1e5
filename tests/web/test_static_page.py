"""The page without a server, in a real browser: the tags of Python, few bytes, quick, and offline once loaded."""

import functools
import http.server
import os
import shutil
import statistics
import threading
from contextlib import contextmanager

import pytest

import ram
from tests.conftest import BROWSER_FLAGS, BROWSERS
from tests.page.conftest import foreign
from tests.paths import ROOT

pytest.importorskip("onnxscript", reason="needs the extra ram[onnx]")
MODEL = "ram-lite"
EXAMPLES = sorted((ROOT / "assets" / "examples").glob("*.jpg"))
PHOTO_BYTES, CATEGORY_BYTES = 35_000_000, 25_000_000
SECONDS = 300
"""For one photo: a GPU that a busy processor imitates takes two minutes."""


class Site:
    """A static host; ``sent`` has the bytes of each answer by path."""

    def __init__(self, folder):
        self.sent = {}
        site = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *what):
                pass

            def copyfile(self, source, target):
                content = source.read()
                site.sent[self.path] = site.sent.get(self.path, 0) + len(content)
                target.write(content)

        handler = functools.partial(Handler, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if shutil.which("npm") is None:
        pytest.skip("needs npm, which fetches onnxruntime-web")
    from ram.errors import InputError
    from web.build import build

    folder = tmp_path_factory.mktemp("site")
    try:
        build(folder, MODEL)
    except InputError as error:
        pytest.skip(str(error))
    opened = Site(folder)
    yield opened
    opened.server.shutdown()
    opened.server.server_close()


@contextmanager
def visited(browser, address):
    """A first visit, which has nothing stored; fails if a script broke or anything came from another host."""
    context = browser.new_context()
    visit = context.new_page()
    visit.set_default_timeout(1000 * SECONDS)
    surprises = []
    visit.on("pageerror", lambda error: surprises.append(f"script error: {error}"))
    visit.on("request", lambda request: surprises.extend(foreign(request.url)))
    visit.goto(address)
    yield visit
    context.close()
    assert surprises == []


@pytest.fixture
def page(browser, site):
    with visited(browser, site.address) as visit:
        yield visit


@pytest.fixture
def gpu_browser(browser):
    """A Chromium whose processor imitates a GPU for WebGPU."""
    program = next(filter(None, map(shutil.which, BROWSERS)))
    flags = [flag for flag in BROWSER_FLAGS if flag != "--disable-gpu"]
    flags += ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
    chromium = browser.browser_type.launch(executable_path=program, args=flags)
    yield chromium
    chromium.close()


def tag(page, photo):
    """Choose a photo: its tags, their probabilities, and the milliseconds that it took."""
    page.evaluate("delete document.body.dataset.milliseconds")
    page.locator("#file").set_input_files(photo)
    page.locator("body[data-milliseconds]").wait_for(state="attached")
    rows = page.locator("#tags li").evaluate_all("rows => rows.map(r => [r.dataset.tag, r.dataset.probability])")
    return {name: float(value) for name, value in rows}, int(page.evaluate("document.body.dataset.milliseconds"))


def test_a_visit_gives_the_tags_of_python_with_few_bytes_and_offline(page, site):
    tagger = ram.load(MODEL, device="cpu", dtype="float32")
    taken = []
    for photo in EXAMPLES:
        found, milliseconds = tag(page, photo)
        expected = tagger.tag(photo)
        assert set(found) == set(expected.tags), photo.name
        assert all(abs(value - expected[name].probability) < 0.02 for name, value in found.items()), photo.name
        taken.append(milliseconds)
    photo_bytes = sum(site.sent.values())
    assert photo_bytes <= PHOTO_BYTES

    page.get_by_label("A category of your own").fill("corgi")
    page.get_by_role("button", name="Score").click()
    typed = page.locator("#categories li[data-tag=corgi]")
    typed.wait_for()
    bank = tagger.embed({"corgi": ["a photo of a corgi."]})
    expected = tagger.score(tagger.look(EXAMPLES[-1]), bank)["corgi"].probability
    assert abs(float(typed.get_attribute("data-probability")) - expected) < 0.05
    assert sum(site.sent.values()) - photo_bytes <= CATEGORY_BYTES
    print(f"{photo_bytes / 1e6:.1f} MB a photo, median {statistics.median(taken)} ms, fastest {min(taken)} ms")

    page.context.set_offline(True)
    page.reload()
    assert set(tag(page, EXAMPLES[0])[0]) == set(tagger.tag(EXAMPLES[0]).tags)


@pytest.mark.skipif(not os.environ.get("RAM_WEBGPU"), reason="minutes on an imitated GPU: make test-webgpu")
def test_a_gpu_gives_the_tags_of_python(gpu_browser, site):
    tagger = ram.load(MODEL, device="cpu", dtype="float32")
    photo = EXAMPLES[0]
    expected = tagger.tag(photo)
    before = sum(site.sent.values())
    with visited(gpu_browser, f"{site.address}?device=webgpu") as visit:
        found, _ = tag(visit, photo)
        assert visit.evaluate("document.body.dataset.device") == "webgpu"
        assert set(found) == set(expected.tags)
        assert all(abs(value - expected[name].probability) < 0.02 for name, value in found.items())
        assert sum(site.sent.values()) - before <= PHOTO_BYTES

        visit.get_by_label("A category of your own").fill("corgi")
        visit.get_by_role("button", name="Score").click()
        typed = visit.locator("#categories li[data-tag=corgi]")
        typed.wait_for()
        corgi = tagger.score(tagger.look(photo), tagger.embed({"corgi": ["a photo of a corgi."]}))["corgi"].probability
        assert abs(float(typed.get_attribute("data-probability")) - corgi) < 0.05


def test_wasm_is_chosen_where_a_gpu_is_imitated_or_fails(gpu_browser, site):
    with visited(gpu_browser, site.address) as visit:
        tag(visit, EXAMPLES[0])
        assert visit.evaluate("document.body.dataset.device") == "wasm"
    with visited(gpu_browser, "about:blank") as visit:
        visit.add_init_script("""
            const adapter = { info: { isFallbackAdapter: false }, requestDevice: () => Promise.reject(Error("lost")) };
            Object.defineProperty(navigator, "gpu", { value: { requestAdapter: () => Promise.resolve(adapter) } });
        """)
        visit.goto(site.address)
        assert tag(visit, EXAMPLES[0])[0]
        assert visit.evaluate("document.body.dataset.device") == "wasm"


def test_a_device_that_is_none_is_named(page, site):
    page.goto(f"{site.address}?device=abacus")
    page.locator("#file").set_input_files(EXAMPLES[0])
    page.get_by_text("there is no device abacus").wait_for()


def test_a_file_that_is_no_photo_is_named(page):
    page.locator("#file").set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no photo"})
    page.get_by_text("This photo could not be tagged").wait_for()
