"""The command that a result file records: the options that were given, without the folders of one machine."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Collection, Sequence
from typing import Any

FOLDERS = ("cache", "output", "results")
"""Options that say where files lie, and change no figure."""
SPEED = ("threads", "resume")
"""Options that change no figure either, where a file has no times."""


def recorded_command(
    parser: argparse.ArgumentParser, args: argparse.Namespace, left_out: Collection[str] = (*FOLDERS, *SPEED)
) -> str:
    """Spell the command out: positional arguments by their names, and each option that is not at its default.

    Args:
        parser: whose ``prog`` begins the command.
        args: that it has read.
        left_out: names of options that are not recorded.
    """
    parts = [parser.prog]
    for action in parser._actions:
        if not action.option_strings:
            parts.append(str(action.metavar or action.dest))
            continue
        value = getattr(args, action.dest, None)
        if action.dest in (*left_out, "help") or _plain(value) == _plain(action.default):
            continue
        parts.append(action.option_strings[-1])
        parts += [] if value is True else [shlex.quote(each) for each in _plain(value)]
    return " ".join(parts)


def joined_commands(before: str, now: str) -> str:
    """Both commands of a file whose rows come from two runs, each once."""
    return "; ".join(dict.fromkeys((*before.split("; "), now)))


def _plain(value: Any) -> list[str]:
    """An argument's words."""
    several: Sequence[Any] = value if isinstance(value, (list, tuple)) else [] if value is None else [value]
    return [f"{each:g}" if isinstance(each, float) else str(each) for each in several]
