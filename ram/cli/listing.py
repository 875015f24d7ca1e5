"""Long lists of tags: read from a file, described one by one, with progress, and gone on with after a break."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ram.cli.convert import read_lines
from ram.cli.options import open_describer
from ram.cli.terminal import Progress, printable, say
from ram.describers.base import Describer
from ram.errors import DescriberError
from ram.text.descriptions import Origin, TagDescriptions, normalize_category

NAMED = 5
"""Tags that a message names one by one."""


def read_tags(path: Path) -> tuple[str, ...]:
    """The tags of a text file, one a line; those that differ only in case are one.

    Raises:
        ValueError: the file cannot be read, is empty, or has a line that is no tag.
    """
    tags: dict[str, str] = {}
    for line in read_lines(path):
        try:
            tag = normalize_category(line)
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from None
        tags.setdefault(tag.casefold(), tag)
    if not tags:
        raise ValueError(f"{path.name} names no tag: write one a line")
    return tuple(tags.values())


def describe_list(args: argparse.Namespace, tags: Sequence[str]) -> TagDescriptions:
    """Describe many tags by the describer of the flags alone, so that all of them are of one origin.

    What a language model has said is kept on disk as it comes, and is not asked for again by the next run.

    Raises:
        DescriberError: it failed; the message says how far it came.
    """
    describer = open_describer(args)
    kept = dict.fromkeys(tag for tag in tags if describer.is_cached(tag))
    sentences: dict[str, tuple[str, ...]] = {}
    if kept:
        say(f"{len(kept)} of {len(tags)} tags were described before and are not asked for again")
    try:
        with Progress() as progress:
            for tag in (*kept, *(tag for tag in tags if tag not in kept)):
                if len(sentences) >= len(kept):
                    progress(f"{describer.name} describes", len(sentences), len(tags))
                sentences[tag] = tuple(describer.describe(tag))
    except DescriberError as error:
        go_on = " Run the same command again to go on." if describer.usage.requests else ""
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
    """What a language model was asked in this run."""
    used = describer.usage
    about = "about " if used.estimated else ""
    return (
        f"this run cost {used.requests} requests, {about}{used.prompt_tokens} tokens in and "
        f"{used.completion_tokens} tokens out"
    )


def _unknown(describer: Describer, tags: Sequence[str]) -> str:
    """A sentence on the tags that a describer has only templates for, or ""."""
    unknown = [tag for tag in tags if not describer.knows(tag)]
    if not unknown:
        return ""
    named = ", ".join(unknown[:NAMED]) + (" ..." if len(unknown) > NAMED else "")
    return f"{len(unknown)} of {len(tags)} tags are not in the {describer.name} and have templates only: {named}"
