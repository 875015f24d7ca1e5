"""Flags shared by several commands, and the tagger or describer that they open."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ram.checkpoints.registry import DEFAULT_MODEL
from ram.cli.terminal import Progress, say
from ram.describers.base import Describer
from ram.describers.fallback import describe_tags
from ram.describers.loading import DESCRIBERS, OFFLINE, USING_LOCAL, load_describer
from ram.describers.local.weights import open_weights
from ram.errors import InputError
from ram.images.size_limits import OWN_FILES, ImageLimits
from ram.labels.captions import Texts, read_captions
from ram.runtime import cache_folder
from ram.text.descriptions import TagDescriptions

if TYPE_CHECKING:
    from ram.tagger import Tagger



BEAMS = 3
"""Sentences that the beam search keeps, as in Tag2Text."""


def add_model_option(parser: argparse.ArgumentParser, default: str = DEFAULT_MODEL) -> None:
    parser.add_argument(
        "--model",
        default=default,
        metavar="M",
        help="a name of `ram models` or a model folder (%(default)s)",
    )


def add_beams_option(parser: argparse.ArgumentParser, scope: str = "") -> None:
    parser.add_argument(
        "--beams",
        type=positive,
        metavar="N",
        help=f"sentences that the search for a caption keeps at each word, 1 is greedy ({BEAMS}){scope}",
    )


def add_reranking_option(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--rerank-by",
        metavar="M",
        help="model that scores several captions of a picture, of which the best is kept; none writes one caption "
        f"({default})",
    )


def add_device_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda, cuda:1, mps ... (%(default)s)")
    parser.add_argument(
        "--dtype",
        default="auto",
        choices=("auto", "float32", "float16", "bfloat16"),
        help="auto is float16 on a GPU, bfloat16 for large models on a CPU that supports it, else float32",
    )


def add_image_limit_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-megapixels",
        type=positive,
        default=OWN_FILES.pixels // 10**6,
        metavar="N",
        help="largest picture that is read (%(default)s); decoding takes up to 8 bytes of memory a pixel",
    )


def image_limits(args: argparse.Namespace) -> ImageLimits:
    """Limits of the flags on every picture."""
    return ImageLimits(OWN_FILES.file, args.max_megapixels * 10**6)


def add_describer_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--describer",
        default="lexicon",
        choices=DESCRIBERS,
        help="source of the descriptions (%(default)s); local runs a small language model on this machine; openai "
        "reads OPENAI_API_KEY and OPENAI_BASE_URL from the environment",
    )
    parser.add_argument("--openai-model", metavar="NAME", help="language model for the openai describer")
    parser.add_argument(
        "--llm-model",
        metavar="GGUF",
        default=os.environ.get("RAM_LLM_MODEL") or None,
        help="file of a larger language model for the local describer; or set RAM_LLM_MODEL",
    )


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def fraction(text: str) -> float:
    """Parse a number between 0 and 1, for ``type=``."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number between 0 and 1")
    return value


def positive(text: str) -> int:
    """Parse a positive integer, for ``type=``."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a positive integer")
    return int(text)


def add_split_option(parser: argparse.ArgumentParser, scope: str = "") -> None:
    parser.add_argument(
        "--split",
        nargs=2,
        metavar=("FILE", "NAME"),
        help=f'{scope}only the pictures listed under NAME in a JSON file {{"train": ["1.jpg", ...], ...}}',
    )


def add_processes_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--processes",
        type=positive,
        default=cores(),
        metavar="N",
        help="processes that parse captions; the result does not depend on it (one per core: %(default)s)",
    )


def read_texts(path: Path) -> dict[str, Texts]:
    """Read the captions or labels of a file, or of the text files beside the pictures of a folder."""
    if not path.is_dir():
        return read_captions(path)
    from ram.images.texts_beside import read_folder_captions

    return read_folder_captions(path)


def cores() -> int:
    """Number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def open_tagger(args: argparse.Namespace, model: str, compile: bool = False) -> Tagger:
    """Load a model with the device and dtype of the flags."""
    with Progress() as progress:
        progress(f"loading {model}{' and compiling it; this takes a minute' if compile else ''}", 0, 1)
        from ram.tagger_loading import load

        return load(model, args.device, args.dtype, progress, compile)


def open_describer(args: argparse.Namespace) -> Describer:
    """Open the describer of the flags, with its settings from the environment."""
    weights = encode = None
    if args.describer in USING_LOCAL:
        from ram.models.text_encoder import encode_sentences

        weights, encode = args.llm_model and open_weights(args.llm_model), encode_sentences
    return load_describer(
        args.describer,
        model=args.openai_model,
        environ=os.environ,
        cache_folder=cache_folder() / "descriptions",
        weights=weights,
        encode=encode,
    )


def open_fallback(describer: Describer) -> Describer:
    """Return the describer that takes over where a language model fails; offline ones have no fallback."""
    return describer if describer.name in OFFLINE else load_describer("lexicon", environ={})


def describe_all(args: argparse.Namespace, tags: Iterable[str]) -> TagDescriptions:
    """Describe categories with the describer of the flags; notices go to standard error."""
    tags = tuple(tags)
    with Progress() as progress:
        progress(f"describing {len(tags)} categories" if len(tags) > 1 else f'describing "{tags[0]}"', 0, 1)
        describer = open_describer(args)
        descriptions, notices = describe_tags(describer, open_fallback(describer), tags)
    for notice in notices:
        say(notice.text)
    return descriptions


def check_writable(path: Path, suffixes: tuple[str, ...]) -> None:
    """Refuse an output file that cannot be written, before any work is done.

    Raises:
        InputError: the suffix is not among ``suffixes``, or the folder does not exist.
    """
    if path.suffix.lower() not in suffixes:
        raise InputError(f"{path.name!r} cannot be written: its name must end in {' or '.join(suffixes)}")
    if path.is_dir():
        raise InputError(f"{str(path)!r} cannot be written: it is a folder")
    if not path.parent.is_dir():
        raise InputError(f"{str(path)!r} cannot be written: the folder {str(path.parent)!r} does not exist")
