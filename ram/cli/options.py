"""Flags that several commands share, and what they open: a tagger, a describer, typed categories."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ram.cli.terminal import Progress, say
from ram.describers.base import Describer
from ram.describers.fallback import describe_tags
from ram.describers.loading import DESCRIBERS, load_describer
from ram.runtime import cache_folder
from ram.text.descriptions import TagDescriptions

if TYPE_CHECKING:
    from ram.tagger import Tagger

DEFAULT_MODEL = "ram-plus-lite"


def add_model_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="M",
        help="a name of `ram models` or a model folder (%(default)s)",
    )


def add_device_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda, cuda:1, mps ... (%(default)s)")
    parser.add_argument(
        "--dtype",
        default="auto",
        choices=("auto", "float32", "float16", "bfloat16"),
        help="auto is float16 on a GPU, bfloat16 for large models on a CPU that has it, else float32",
    )


def add_describer_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--describer",
        default="lexicon",
        choices=DESCRIBERS,
        help="who describes categories (%(default)s); openai reads OPENAI_API_KEY and OPENAI_BASE_URL "
        "from the environment",
    )
    parser.add_argument("--openai-model", metavar="NAME", help="language model that openai asks")


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def fraction(text: str) -> float:
    """A number in 0..1, for ``type=``."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no fraction: give a number between 0 and 1")
    return value


def positive(text: str) -> int:
    """A whole number from 1 up, for ``type=``."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no count: give a whole number from 1 up")
    return int(text)


def add_split_option(parser: argparse.ArgumentParser, of: str = "") -> None:
    parser.add_argument(
        "--split",
        nargs=2,
        metavar=("FILE", "NAME"),
        help=f'{of}only the pictures listed under a name in JSON {{"train": ["1.jpg", ...], ...}}',
    )


def add_processes_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--processes",
        type=positive,
        default=cores(),
        metavar="N",
        help="how many read captions at once; the result is the same (one a core: %(default)s)",
    )


def cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def open_tagger(args: argparse.Namespace, model: str, compile: bool = False) -> Tagger:
    """Load a model on the device and in the dtype of the flags."""
    with Progress() as progress:
        progress(f"loading {model}{' and compiling it, which takes a minute' if compile else ''}", 0, 1)
        from ram.tagger import load

        return load(model, args.device, args.dtype, progress, compile)


def open_describer(args: argparse.Namespace) -> Describer:
    """The describer of the flags, with what the environment holds for it."""
    return load_describer(
        args.describer,
        model=args.openai_model,
        environ=os.environ,
        cache_folder=cache_folder() / "descriptions",
    )


def open_fallback(describer: Describer) -> Describer:
    """What takes over where a language model fails; the others do not."""
    return load_describer("lexicon", environ={}) if describer.name == "openai" else describer


def describe_all(args: argparse.Namespace, tags: Iterable[str]) -> TagDescriptions:
    """Describe categories with the describer of the flags; standard error tells what did not go as asked."""
    tags = tuple(tags)
    with Progress() as progress:
        progress(f"describing {len(tags)} categories" if len(tags) > 1 else f'describing "{tags[0]}"', 0, 1)
        describer = open_describer(args)
        descriptions, notices = describe_tags(describer, open_fallback(describer), tags)
    for notice in notices:
        say(notice.text)
    return descriptions


def check_writable(path: Path, suffixes: tuple[str, ...]) -> None:
    """Complain about an output file before the work is done, not after it.

    Raises:
        ValueError: another suffix, or the folder is not there.
    """
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"{path.name!r} cannot be written: its name must end in {' or '.join(suffixes)}")
    if path.is_dir():
        raise ValueError(f"{str(path)!r} cannot be written: it is a folder")
    if not path.parent.is_dir():
        raise ValueError(f"{str(path)!r} cannot be written: there is no folder {str(path.parent)!r}")
