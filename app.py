"""The page's entry point, here and on a Hugging Face Space: parse flags, load the taggers, launch.

python app.py [--host HOST] [--port PORT] [--model MODEL] [--compare-model MODEL] [--device DEVICE] [--mcp]
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import importlib.util
import logging
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Mapping, MutableMapping, Sequence
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from demo.server.health import answer, waiting_room
from demo.server.limits import DAY_BUDGET, VISITOR_BUDGET, Budget, Limits
from ram.describers.base import Describer
from ram.describers.loading import load_describer
from ram.errors import DescriberError
from ram.runtime import cache_folder

if TYPE_CHECKING:
    from gradio import Blocks

    from demo.core.actions import Workbench
    from demo.server.gate import Gate

EXAMPLES = Path(__file__).parent / "assets" / "examples"
DESCRIBERS = {
    "lexicon": "Lexicon",
    "template": "Templates",
    "openai": "Language model",
}
EXPLANATION = "The lexicon tells what a word means, templates put the name into several phrases."
NO_LANGUAGE_MODEL = " For a language model, start the page with OPENAI_API_KEY, or OPENAI_BASE_URL for your own."
LANGUAGE_MODEL_OFF = "Language models are switched off on this page: choose another describer."

M_MMAP_THRESHOLD, LARGE_BYTES = -3, 8_000_000
"""The number that malloc.h gives the setting, and what it is set to."""
LAST_SECONDS = 10
"""How long answers under way may still take once the page is told to end."""

_log = logging.getLogger("app")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until interrupted; 2 where it cannot be served as asked, after one line that says why."""
    flags = _parser(os.environ).parse_args(arguments)
    _quieten(os.environ)
    _give_memory_back()
    try:
        _check_address(flags.host, flags.port)
        _check_mcp(flags.mcp)
        with waiting_room(flags.host, flags.port):
            page, bench = _assemble(flags, os.environ)
        gate = _open(page, bench, flags)
    except (ValueError, OSError) as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    told_to_end = _listen()
    _log.info("The page is at http://%s:%d (Ctrl+C ends it).", flags.host, flags.port)
    threading.Thread(target=_warm_up, args=(bench,), daemon=True).start()
    told_to_end.get()
    if not gate.end(LAST_SECONDS):
        _log.info("What was under way for over %d s is given up.", LAST_SECONDS)
    page.close(verbose=False)
    return 0


def _listen() -> SimpleQueue[int]:
    """From now on, the signals to end. Not an Event: one that is set while it is being set, as when `make` passes on
    what the terminal has told both, waits for itself for ever."""
    told: SimpleQueue[int] = SimpleQueue()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda sign, _: told.put(sign))
    return told


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("app.py", description="Serve the tagging page.", allow_abbrev=False)
    parser.add_argument(
        "--host", default=environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), help="address to listen on; 0.0.0.0 for all"
    )
    parser.add_argument("--port", type=_port, default=environ.get("GRADIO_SERVER_PORT", "7860"), help="default 7860")
    parser.add_argument(
        "--model", default=environ.get("RAM_MODEL", "ram-plus-lite"), help="name or folder of the model that tags"
    )
    parser.add_argument(
        "--compare-model", default="ram-lite", help='model to compare typed categories with; "none" for none'
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps...")
    parser.add_argument("--mcp", action="store_true", help="serve the endpoints as tools of the Model Context Protocol")
    llm = parser.add_argument_group(
        "language model",
        "limits are for a day (UTC), none for no limit; a host without flags sets RAM_LLM_VISITOR_REQUESTS and so on",
    )
    llm.add_argument(
        "--openai-model", nargs="+", metavar="MODEL", help="language models to choose from, or OPENAI_MODEL with one"
    )
    llm.add_argument(
        "--no-llm", action="store_true", default=environ.get("RAM_NO_LLM", "0") not in ("", "0"),
        help="no language model; or set RAM_NO_LLM=1",
    )  # fmt: skip
    for whose, budget in (("visitor", VISITOR_BUDGET), ("day", DAY_BUDGET)):
        for what, most in (("requests", budget.requests), ("tokens", budget.tokens)):
            of = "of one visitor" if whose == "visitor" else "of all visitors together"
            default = environ.get(f"RAM_LLM_{whose}_{what}".upper(), str(most))
            flag, told = f"--llm-{whose}-{what}", f"{what} {of} (%(default)s)"
            llm.add_argument(flag, type=_limit, default=default, metavar="N", help=told)
    llm.add_argument(
        "--proxies", type=int, choices=range(10), default=int("SPACE_ID" in environ), metavar="N",
        help="proxies of your own before the page, whose X-Forwarded-For tells visitors apart (0; 1 on a Space)",
    )  # fmt: skip
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 1 to 65535")
    return int(text)


def _limit(text: str) -> int | None:
    if text == "none":
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no limit: give a whole number from 0 up, or none")
    return int(text)


def _warm_up(bench: Workbench) -> None:
    """What the first typed category needs, loaded while the first visitor still looks around."""
    bench.warm_up()
    import demo.views.plots  # noqa: F401


def _quieten(environ: MutableMapping[str, str]) -> None:
    """Our own messages and everyone's warnings; nothing is told to other hosts at launch unless a person asked."""
    environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    _log.setLevel(logging.INFO)
    # plots leave the choice of fonts to the browser, which has more of them
    warnings.filterwarnings("ignore", message="Glyph .* missing from font")


def _give_memory_back() -> None:
    """Let large pictures go to the system as they are closed; C's library would keep half a gigabyte for later ones."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another library: nothing to set
        return
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def _check_address(host: str, port: int) -> None:
    """Fail before the models are loaded, not after."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ValueError(f"port {port} is in use: choose another with --port") from None
        raise ValueError(f"cannot listen on {host} port {port} ({error.strerror}): see --host and --port") from None


def _check_mcp(wanted: bool) -> None:
    if wanted and importlib.util.find_spec("mcp") is None:
        raise ValueError('--mcp needs the package mcp: install it with pip install "ram[mcp]", or leave the flag out')


def _open(page: Blocks, bench: Workbench, flags: argparse.Namespace) -> Gate:
    """Let visitors in, through a gate."""
    from starlette.middleware import Middleware
    from starlette.routing import Route

    from demo.page import launch_options
    from demo.server.gate import Gate

    gate = Gate(bench.limits.visitor)
    models = [tagger.name for tagger in bench.taggers]
    page.launch(
        server_name=flags.host, server_port=flags.port, prevent_thread_lock=True, quiet=True, mcp_server=flags.mcp,
        app_kwargs={"middleware": [Middleware(gate.over)], "routes": [Route("/health", answer(models))]},
        **launch_options(),
    )  # fmt: skip
    gate.queue = page._queue
    return gate


def _assemble(flags: argparse.Namespace, environ: Mapping[str, str]) -> tuple[Blocks, Workbench]:
    """Build the workbench and the page around it."""
    from demo.core.actions import Workbench
    from demo.server.zerogpu import BorrowingTagger, find_lender
    from ram.evaluation.baselines import clip_is_here, load_zero_shot
    from ram.tagger import Tagger, load

    names = [flags.model] + [flags.compare_model] * (flags.compare_model not in ("none", flags.model))
    lend = find_lender(environ)
    taggers: list[Tagger] = [load(name, flags.device) for name in names]
    if flags.compare_model != "none" and clip_is_here():
        taggers.append(load_zero_shot(taggers[0]))
    if lend is not None:
        taggers = [BorrowingTagger(tagger, lend) for tagger in taggers]
    from demo.core.examples import list_examples
    from demo.page import build_page  # gradio takes seconds to import: not before the models are known to be there

    limits = Limits(
        Budget(flags.llm_visitor_requests, flags.llm_visitor_tokens),
        Budget(flags.llm_day_requests, flags.llm_day_tokens),
        flags.proxies,
    )
    bench = Workbench(taggers, partial(_describer, flags, environ), limits=limits)
    return build_page(bench, list_examples(EXAMPLES), *_offered(flags, environ)), bench


def _offered(flags: argparse.Namespace, environ: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """The describers that may be chosen, and a sentence about them."""
    if flags.no_llm or not (environ.get("OPENAI_API_KEY") or environ.get("OPENAI_BASE_URL")):
        offline = {name: label for name, label in DESCRIBERS.items() if name != "openai"}
        return offline, EXPLANATION + ("" if flags.no_llm else NO_LANGUAGE_MODEL)
    first, *others = flags.openai_model or [""]
    named = {"openai": first, **{f"openai:{model}": model for model in others}} if others else {}
    return {**DESCRIBERS, **named}, EXPLANATION


def _describer(flags: argparse.Namespace, environ: Mapping[str, str], name: str) -> Describer:
    """A describer by its name, whoever asks for it; "openai:MODEL" for a language model that is not the default."""
    name, _, model = name.partition(":")
    models = flags.openai_model or [None]
    if model and model not in models:
        raise DescriberError(f"The language model {model} is not on offer here: choose another.")
    if name == "openai" and flags.no_llm:
        raise DescriberError(LANGUAGE_MODEL_OFF)
    kept = cache_folder() / "descriptions"
    return load_describer(name, model=model or models[0], environ=environ, cache_folder=kept)


if __name__ == "__main__":
    sys.exit(main())
