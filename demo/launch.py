"""Start the page: load the taggers, build the page, serve it until a signal ends it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from demo.flags import parser
from demo.server.health import answer, loading_page
from demo.server.limits import Budget, Limits
from demo.server.process import (
    check_mcp,
    configure_logging,
    exempt_from_proxies,
    release_memory,
    stop_signals,
)
from ram.describers.base import Describer
from ram.describers.loading import DESCRIBERS, OFFLINE, USING_LOCAL, load_describer
from ram.describers.local.weights import INSTALL, is_available, open_weights
from ram.errors import DescriberError, InputError, RamError
from ram.listening import check_address
from ram.runtime import cache_folder

if TYPE_CHECKING:
    from gradio import Blocks
    from starlette.routing import Route

    from demo.core.workbench import Workbench
    from demo.server.gate import Gate
    from ram.backends import Captioner
    from ram.tagger import Tagger

ASSETS = Path(__file__).parents[1] / "assets"
EXAMPLES, SCREENSHOT = ASSETS / "examples", ASSETS / "page.png"
EXPLANATION, NO_LANGUAGE_MODEL = "describers_explained", "describers_without_key"
"""Keys of what the page says about the describers, with a language model or without one."""
NO_LOCAL_MODEL = f"The small language model is not installed: the lexicon is used. To install it, run {INSTALL}"
LANGUAGE_MODEL_OFF = "Language models are switched off on this page: choose another describer."
COMPRESSED_BYTES = 10_000
"""Size from which answers are compressed. The page itself shrinks from 940 KB to 344 KB."""
POLL_SECONDS = 0.01
"""Seconds that gradio's queue waits before it looks for requests again. Its default, 0.001, costs 6 % of a core at all
times, with or without visitors."""
DRAIN_SECONDS = 10
"""Time for unfinished requests once the page is told to end."""

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None, prog: str = "demo") -> int:
    """Serve the page until a signal ends it; 2 after one line on standard error if it cannot be served."""
    flags = parser(os.environ, prog).parse_args(arguments)
    configure_logging(os.environ)
    release_memory()
    exempt_from_proxies(flags.host)
    try:
        check_address(flags.host, flags.port)
        if flags.mcp:
            check_mcp()
        check_local_model(flags)
        with loading_page(flags.host, flags.port):
            bench, page = build(flags, os.environ)
        gate = serve(page, bench, flags)
    except (RamError, OSError) as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 2
    signals = stop_signals()
    _log.info("The page is at http://%s:%d (Ctrl+C ends it).", flags.host, flags.port)
    signals.get()
    if not gate.drain(DRAIN_SECONDS):
        _log.info("Requests that take longer than %d s are given up.", DRAIN_SECONDS)
    page.close(verbose=False)
    return 0


def build(flags: argparse.Namespace, environ: Mapping[str, str]) -> tuple[Workbench, Blocks]:
    """Load the taggers and build the page.

    Raises:
        RamError: a model cannot be loaded.
    """
    from demo.core.workbench import Workbench
    from demo.server.zerogpu import borrow, find_lender
    from ram.backends import TaggerBackend
    from ram.evaluation.baselines.zero_shot_clip import clip_is_here, load_zero_shot
    from ram.tagger_loading import load

    names = [flags.model] + [flags.compare_model] * (flags.compare_model not in ("none", flags.model))
    lend = find_lender(environ)
    main, *others = (load(name, flags.device) for name in names)
    taggers: list[TaggerBackend] = [main, *others]
    captioner = _captioner(flags, [main, *others], "cpu" if lend else flags.device)
    if flags.compare_model != "none" and clip_is_here():
        taggers.append(load_zero_shot(main))
    if lend is not None:
        taggers = [borrow(tagger, lend) for tagger in taggers]
    from demo.core.examples import list_examples
    from demo.page import build_page  # gradio takes seconds to import: only once the models are loaded

    visitor = Budget(flags.llm_visitor_requests, flags.llm_visitor_tokens)
    day = Budget(flags.llm_day_requests, flags.llm_day_tokens)
    bench = Workbench(
        taggers, partial(make_describer, flags, environ), limits=Limits(visitor, day), captioner=captioner
    )
    _warm_up(bench)  # before the page tags its first photo and shows how long that took
    return bench, build_page(
        bench, list_examples(EXAMPLES), *offered_describers(flags, environ), flags.code_url,
        flags.photo_addresses,
    )  # fmt: skip


def _captioner(flags: argparse.Namespace, loaded: Sequence[Tagger], device: str) -> Captioner | None:
    """The model of --captioner, one of those that are loaded where it has the same name; None for none.

    Raises:
        RamError: it cannot be loaded, or writes no captions.
    """
    from ram.backends import captioner_of
    from ram.tagger_loading import load

    if flags.captioner == "none":
        return None
    here = [one for one in loaded if one.name == flags.captioner]
    return captioner_of(here[0] if here else load(flags.captioner, device))


def serve(page: Blocks, bench: Workbench, flags: argparse.Namespace) -> Gate:
    """Launch the page behind a gate."""
    from starlette.middleware import Middleware
    from starlette.middleware.gzip import GZipMiddleware
    from starlette.routing import Route

    from demo.core.known_words import KnownWords
    from demo.core.shown_tags import names_to_type
    from demo.core.texts import languages
    from demo.page import TITLE, description, launch_options
    from demo.server.completions import Completions
    from demo.server.gate import Gate
    from demo.server.preview import PICTURE, Preview, picture
    from demo.server.visitors import Visitors

    gate = Gate(Visitors(flags.proxies))
    models = [tagger.name for tagger in bench.taggers]
    tags = bench.taggers[0].bank.vocabulary.tags
    completions = Completions(
        lambda: KnownWords(tags, bench.lexicon, {code: names_to_type(tags, code) for code in languages()})
    )
    routes = [
        Route("/health", answer(models)), Route("/completions", completions.answer), Route(PICTURE, picture(SCREENSHOT))
    ]  # fmt: skip
    if flags.library:
        routes += _library_routes(bench, flags.library)
    page.launch(
        server_name=flags.host, server_port=flags.port, prevent_thread_lock=True, quiet=True, mcp_server=flags.mcp,
        app_kwargs={
            "middleware": [
                Middleware(gate.wrap),
                Middleware(GZipMiddleware, minimum_size=COMPRESSED_BYTES, compresslevel=6),
                Middleware(Preview(TITLE, description(bench)).wrap),
            ],
            "routes": routes,
        },
        **launch_options(),
    )  # fmt: skip
    gate.queue = page._queue
    gate.queue.sleep_when_free = max(gate.queue.sleep_when_free, POLL_SECONDS)
    return gate


def _library_routes(bench: Workbench, folder: str) -> list[Route]:
    """Addresses of the page that searches a folder of photos.

    Raises:
        InputError: there is no such folder, or its looks are not kept, or are of another model.
    """
    from demo.core.library_judging import LibraryJudging
    from demo.core.library_search import LibrarySearch
    from demo.server.library_routes import PAGE, library_routes
    from ram.library.photo_library import PhotoLibrary
    from ram.tagger import Tagger

    tagger = bench.taggers[0]
    if not isinstance(tagger, Tagger):
        raise InputError("--library needs a model on this machine, not a GPU that is lent for each request")
    library = PhotoLibrary(folder, tagger)
    library.looks()
    try:
        library.search("a photo", most=1)  # reads the text encoder and the looks, so that no visitor waits for them
    except RamError as error:  # a model that reads no texts still searches by tags
        _log.warning("%s", error)
    _log.info("The photos of %s are searched at %s.", folder, PAGE)
    search = LibrarySearch(library)
    return library_routes(search, LibraryJudging(search))


def check_local_model(flags: argparse.Namespace) -> None:
    """Check the language model of the flags, and say in one line where this machine has none.

    Raises:
        InputError: the file is missing or holds no language model.
    """
    if flags.no_llm:
        return
    if not is_available(_weights(flags)):
        _log.info("%s", NO_LOCAL_MODEL)


def offered_describers(flags: argparse.Namespace, environ: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Describers to choose from: the key of the label, or the label, by name; and the key of a sentence about them."""
    offered = {name: name for name in DESCRIBERS if name in OFFLINE}
    if flags.no_llm:
        return offered, EXPLANATION
    if is_available(_weights(flags)):
        offered |= {name: name.replace("+", "_") for name in USING_LOCAL}
    if not (environ.get("OPENAI_API_KEY") or environ.get("OPENAI_BASE_URL")):
        return offered, NO_LANGUAGE_MODEL
    first, *others = flags.openai_model or [""]
    models = {"openai": first, **{f"openai:{model}": model for model in others}} if others else {}
    return {**offered, "openai": "openai", **models}, EXPLANATION


def make_describer(flags: argparse.Namespace, environ: Mapping[str, str], name: str) -> Describer:
    """Make a describer from its name; "openai:MODEL" is a language model other than the default one.

    Raises:
        DescriberError: the language model is not offered, or cannot be used.
    """
    name, _, model = name.partition(":")
    models = flags.openai_model or [None]
    if model and model not in models:
        raise DescriberError(f"The language model {model} is not offered here: choose another.")
    if flags.no_llm and name in DESCRIBERS and name not in OFFLINE:
        raise DescriberError(LANGUAGE_MODEL_OFF)
    weights = encode = None
    if name in USING_LOCAL:
        from ram.models.text_encoder import encode_sentences

        weights, encode = _weights(flags), encode_sentences
    return load_describer(
        name, model=model or models[0], environ=environ, cache_folder=cache_folder() / "descriptions",
        weights=weights, encode=encode,
    )  # fmt: skip


def _weights(flags: argparse.Namespace) -> Path | None:
    """The checked file of --llm-model; None for the installed language model."""
    return open_weights(flags.llm_model) if flags.llm_model else None


def _warm_up(bench: Workbench) -> None:
    """Load what the first photo, category and plot need, so that no visitor waits for it."""
    bench.warm_up()
    import demo.views.plots  # noqa: F401
