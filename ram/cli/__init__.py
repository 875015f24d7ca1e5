"""The command line: one command per module; this one maps outcomes to exit codes."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import ram
from ram.cli import (
    boxes,
    calibrate,
    caption,
    card,
    clean,
    compare,
    convert,
    describe,
    evaluate,
    generate,
    labels,
    library,
    models,
    onnx_export,
    pack,
    parse,
    retag,
    search,
    service,
    shard,
    tag,
    train,
    untag,
    words,
)
from ram.cli.terminal import printable, say
from ram.errors import InputError, RamError

BAD_INPUT, UNEXPECTED, INTERRUPTED, BROKEN_PIPE = 2, 1, 130, 141
"""Exit codes; the last two are those of a shell for SIGINT and SIGPIPE."""

_COMMANDS = (
    models, tag, boxes, untag, library, retag, search, caption, describe, pack, compare, evaluate, calibrate, labels,
    parse, words, generate, clean, shard, train, convert, card, onnx_export, service,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what follows ``ram``; those of the process where None.

    Returns:
        0, or one of the exit codes above. Results go to standard output, everything else to standard error.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # a file name that the terminal cannot encode must not end the run
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    command, debug = "ram", False
    try:
        parser = _parser()
        args = parser.parse_args(arguments)
        if args.command is None:
            parser.print_help()
            return 0
        command, debug = f"ram {args.command}", args.debug
        with _logs(debug):
            code = args.run(args)
        sys.stdout.flush()
        return code
    except SystemExit as end:  # --help and --version
        return int(end.code or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        with suppress(OSError, ValueError):  # nothing is left to flush when the interpreter ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        if debug:
            traceback.print_exc()
        if isinstance(error, (RamError, OSError)):
            say(f"{command}: {_sentence(error)}")
            return BAD_INPUT
        hint = "" if debug else " (--debug shows where)"
        say(f"{command}: unexpected {type(error).__name__}: {_sentence(error)}{hint}")
        return UNEXPECTED


class _Parser(argparse.ArgumentParser):
    """Report a mistake in one line; abbreviated flags are refused, since a new flag would break them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see `{self.prog} --help`)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="ram", description="Tag images with predefined tags and with any category you type.")
    parser.add_argument("-V", "--version", action="version", version=f"ram {ram.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for module in _COMMANDS:
        module.add_parser(commands)
    for command in commands.choices.values():
        command.add_argument("--debug", action="store_true", help="show the traceback of an error, and all logs")
    return parser


def _sentence(error: Exception) -> str:
    """Return the message of an error on one line."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return printable(" ".join(text.split())) or type(error).__name__


@contextmanager
def _logs(debug: bool) -> Iterator[None]:
    """Show our log messages on standard error while a command runs; those of other packages only with --debug."""
    logger, handler = logging.getLogger("ram"), _StandardError()
    level, propagate = logger.level, logger.propagate
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
    logger.addHandler(handler)
    logger.propagate = debug
    try:
        with warnings.catch_warnings():
            if not debug:
                warnings.simplefilter("ignore")
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


class _StandardError(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(printable(record.getMessage()))
