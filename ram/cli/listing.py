"""Long lists of tags: read from a file and described one by one, with progress and resume."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence

from ram.cli.options import open_describer
from ram.cli.terminal import Progress, printable, say
from ram.describers.base import Describer
from ram.errors import DescriberError
from ram.text.descriptions import Origin, TagDescriptions

MAX_NAMED = 5
"""Tags that a message lists by name."""


def named_first(names: Collection[str]) -> str:
    """The first names of a list, and how many more there are: "dog, cat and 3 more"."""
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(list(names)[:MAX_NAMED]) + more


def add_skip_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--skip-invalid", action="store_true", help="leave out invalid lines of a list and report them"
    )


def reporter(args: argparse.Namespace) -> Callable[[str], None] | None:
    """Return what reports the lines that --skip-invalid leaves out; None where invalid lines are an error."""
    return (lambda message: say(printable(f"left out: {message}"))) if args.skip_invalid else None


def describe_list(args: argparse.Namespace, tags: Sequence[str]) -> TagDescriptions:
    """Describe many tags with the describer of the flags and no fallback, so that all have one origin.

    Sentences of a language model are cached on disk as they arrive, so that the next run does not pay for them again.

    Raises:
        DescriberError: it failed; the message says how many tags are done.
    """
    describer = open_describer(args)
    kept = dict.fromkeys(tag for tag in tags if describer.is_cached(tag))
    sentences: dict[str, tuple[str, ...]] = {}
    if kept:
        say(f"{len(kept)} of {len(tags)} tags are in the cache already")
    try:
        with Progress() as progress:
            for tag in (*kept, *(tag for tag in tags if tag not in kept)):
                if len(sentences) >= len(kept):
                    progress(f"{describer.name} describes", len(sentences), len(tags))
                sentences[tag] = tuple(describer.describe(tag))
    except DescriberError as error:
        go_on = " Run the same command again to resume." if describer.usage.requests else ""
        raise DescriberError(f"{error} {len(sentences)} of {len(tags)} tags are described.{go_on}") from None
    finally:
        if describer.usage.requests or kept:
            say(_cost(describer))
    note = _unknown(describer, tags)
    if note:
        say(printable(note))
    origin = Origin(describer.name, describer.fingerprint, note)
    return TagDescriptions({tag: sentences[tag] for tag in tags}, origin)


def _cost(describer: Describer) -> str:
    """Report the requests and tokens of this run."""
    used = describer.usage
    about = "about " if used.estimated else ""
    return (
        f"this run cost {used.requests} requests, {about}{used.prompt_tokens} tokens in and "
        f"{used.completion_tokens} tokens out"
    )


def _unknown(describer: Describer, tags: Sequence[str]) -> str:
    """Return a sentence about tags that get templates only, or ""."""
    unknown = [tag for tag in tags if not describer.knows(tag)]
    if not unknown:
        return ""
    named = ", ".join(unknown[:MAX_NAMED]) + (" ..." if len(unknown) > MAX_NAMED else "")
    return f"{len(unknown)} of {len(tags)} tags are not in the {describer.name} and have templates only: {named}"
