"""The page's entry point, here and on a Hugging Face Space: parse flags, load the taggers, launch.

python app.py [--host HOST] [--port PORT] [--model MODEL] [--compare-model MODEL] [--device DEVICE]
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import socket
import sys
import threading
import warnings
from collections.abc import Mapping, MutableMapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ram.cli.options import cache_folder
from ram.describers import load_describer

if TYPE_CHECKING:
    from gradio import Blocks

    from demo.actions import Workbench

EXAMPLES = Path(__file__).parent / "assets" / "examples"
DESCRIBERS = {
    "lexicon": "Lexicon",
    "template": "Templates",
    "openai": "Language model",
}
EXPLANATION = "The lexicon tells what a word means, templates put the name into several phrases."
NO_LANGUAGE_MODEL = " For a language model, start the page with OPENAI_API_KEY, or OPENAI_BASE_URL for your own."

_log = logging.getLogger("app")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until interrupted; 2 where it cannot be served as asked, after one line that says why."""
    flags = _parser(os.environ).parse_args(arguments)
    _quieten(os.environ)
    try:
        _check_address(flags.host, flags.port)
        page, bench = _assemble(flags, os.environ)
        from demo.page import launch_options

        page.launch(
            server_name=flags.host, server_port=flags.port, prevent_thread_lock=True, quiet=True, **launch_options()
        )
    except (ValueError, OSError) as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    _log.info("The page is at http://%s:%d (Ctrl+C ends it).", flags.host, flags.port)
    threading.Thread(target=_warm_up, args=(bench,), daemon=True).start()
    page.block_thread()
    return 0


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("app.py", description="Serve the tagging page.", allow_abbrev=False)
    parser.add_argument(
        "--host", default=environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), help="address to listen on; 0.0.0.0 for all"
    )
    parser.add_argument("--port", type=_port, default=environ.get("GRADIO_SERVER_PORT", "7860"), help="default 7860")
    parser.add_argument("--model", default="ram-plus-lite", help="name or folder of the model that tags photos")
    parser.add_argument(
        "--compare-model", default="ram-lite", help='model to compare typed categories with; "none" for none'
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps...")
    parser.add_argument("--openai-model", help="language model that the openai describer asks")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 1 to 65535")
    return int(text)


def _warm_up(bench: Workbench) -> None:
    """What the first typed category needs, loaded while the first visitor still looks around."""
    bench.warm_up()
    import demo.plots  # noqa: F401


def _quieten(environ: MutableMapping[str, str]) -> None:
    """Our own messages and everyone's warnings; nothing is told to other hosts at launch unless a person asked."""
    environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    _log.setLevel(logging.INFO)
    # plots leave the choice of fonts to the browser, which has more of them
    warnings.filterwarnings("ignore", message="Glyph .* missing from font")


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


def _assemble(flags: argparse.Namespace, environ: Mapping[str, str]) -> tuple[Blocks, Workbench]:
    """Build the workbench and the page around it."""
    from demo.actions import Workbench
    from ram.tagger import load

    names = [flags.model] + [flags.compare_model] * (flags.compare_model not in ("none", flags.model))
    taggers = [load(name, flags.device) for name in names]
    from demo.examples import list_examples
    from demo.page import build_page  # gradio takes seconds to import: not before the models are known to be there

    describer = partial(
        load_describer, model=flags.openai_model, environ=environ, cache_folder=cache_folder() / "descriptions"
    )
    offered, hint = dict(DESCRIBERS), EXPLANATION
    if not (environ.get("OPENAI_API_KEY") or environ.get("OPENAI_BASE_URL")):
        del offered["openai"]
        hint += NO_LANGUAGE_MODEL
    bench = Workbench(taggers, describer)
    return build_page(bench, list_examples(EXAMPLES), offered, hint), bench


if __name__ == "__main__":
    sys.exit(main())
