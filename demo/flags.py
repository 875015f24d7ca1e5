"""Command-line flags of the page; each host setting can also come from an environment variable."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping

from demo.server.limits import DAY_BUDGET, VISITOR_BUDGET


def parser(environ: Mapping[str, str], prog: str = "demo") -> argparse.ArgumentParser:
    """Parser of the flags, with defaults from the environment."""
    flags = argparse.ArgumentParser(prog, description="Serve the tagging page.", allow_abbrev=False)
    flags.add_argument(
        "--host", default=environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), help="address to listen on; 0.0.0.0 for all"
    )
    flags.add_argument("--port", type=_port, default=environ.get("GRADIO_SERVER_PORT", "7860"), help="default 7860")
    flags.add_argument(
        "--model", default=environ.get("RAM_MODEL", "ram-plus-lite"), help="name or folder of the model that tags"
    )
    flags.add_argument(
        "--compare-model", default="ram-lite", help='model to compare typed categories with; "none" for none'
    )
    flags.add_argument("--captioner", default="tag2text-lite", help='model that writes captions; "none" for none')
    flags.add_argument("--device", default="auto", help="auto, cpu, cuda, mps...")
    flags.add_argument(
        "--code-url", type=_address, default=environ.get("RAM_CODE_URL", ""), metavar="URL",
        help="address of the source code, for a link on the page; or set RAM_CODE_URL",
    )  # fmt: skip
    flags.add_argument(
        "--photo-addresses", action="store_true", default=_is_on(environ, "RAM_PHOTO_ADDRESSES"),
        help="let visitors give a photo by its address, which this machine fetches; or set RAM_PHOTO_ADDRESSES=1",
    )  # fmt: skip
    flags.add_argument(
        "--library", metavar="FOLDER",
        help="search this folder of photos at /library, of which `ram library add` has kept the looks; whoever reaches "
        "the page sees these photos",
    )  # fmt: skip
    flags.add_argument("--mcp", action="store_true", help="serve the endpoints as tools of the Model Context Protocol")
    llm = flags.add_argument_group(
        "language model",
        "limits are for a day (UTC), none for no limit; or set RAM_LLM_VISITOR_REQUESTS and so on",
    )
    llm.add_argument(
        "--openai-model", nargs="+", metavar="MODEL", help="language models to choose from, or OPENAI_MODEL with one"
    )
    llm.add_argument(
        "--llm-model", metavar="GGUF", default=environ.get("RAM_LLM_MODEL") or None,
        help="file of a larger language model to run on this machine; or set RAM_LLM_MODEL",
    )  # fmt: skip
    llm.add_argument(
        "--no-llm", action="store_true", default=_is_on(environ, "RAM_NO_LLM"),
        help="no language model, neither here nor elsewhere; or set RAM_NO_LLM=1",
    )  # fmt: skip
    for who, budget, whose in (
        ("visitor", VISITOR_BUDGET, "of one visitor"),
        ("day", DAY_BUDGET, "of all visitors together"),
    ):
        for what, limit in (("requests", budget.requests), ("tokens", budget.tokens)):
            llm.add_argument(
                f"--llm-{who}-{what}", type=_limit, metavar="N", help=f"{what} {whose} (%(default)s)",
                default=environ.get(f"RAM_LLM_{who}_{what}".upper(), str(limit)),
            )  # fmt: skip
    llm.add_argument(
        "--proxies", type=int, choices=range(10), default=int("SPACE_ID" in environ), metavar="N",
        help="your own proxies before the page, whose X-Forwarded-For tells visitors apart (0; 1 on a Space)",
    )  # fmt: skip
    return flags


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 1 to 65535")
    return int(text)


def _limit(text: str) -> int | None:
    if text == "none":
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a limit: give 0, a positive integer, or none")
    return int(text)


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    """Whether a variable is set to anything but nothing and 0."""
    return environ.get(name, "0") not in ("", "0")


def _address(text: str) -> str:
    if text and not re.fullmatch(r"https?://[^\s/?#]+[^\s]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address: give one that begins with https://")
    return text
