"""The command line as a whole: what it prints where, and how it ends."""

import io
import json
import logging
import os
import subprocess
import sys

import pytest

import ram.cli
from ram.cli import main, terminal
from ram.errors import InputError, MissingPackageError
from tests.paths import ROOT

COMMANDS = tuple("models tag describe compare evaluate calibrate parse generate shard train convert".split())


class Terminal(io.StringIO):
    """Standard output or error of someone who is watching."""

    encoding = "utf-8"

    def isatty(self):
        return True


def ends_with(monkeypatch, error):
    """Let ``ram models`` end with an error."""

    def run(args):
        raise error

    monkeypatch.setattr(ram.cli.models, "run", run)


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"    {command} " in shown for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"usage: ram {command} " in capsys.readouterr().out


def test_help_imports_nothing_heavy():
    heavy = {"torch", "numpy", "PIL", "timm", "transformers", "openai", "matplotlib", "spacy"}
    program = f"import sys; from ram.cli import main; main(['--help']); sys.exit(str({heavy} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert ended.stderr.strip() == "set()"


def test_a_reader_that_left_ends_the_command_quietly():
    left, pipe = os.pipe()
    os.close(left)
    with open(pipe, "wb") as unread:
        command = [sys.executable, "-m", "ram.cli", "describe", "corgi", "--describer", "template"]
        ended = subprocess.run(command, stdout=unread, stderr=subprocess.PIPE, cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.parametrize(
    "arguments",
    [
        ["tga"],
        ["tag"],
        ["tag", "a.jpg", "--top", "0"],
        ["tag", "a.jpg", "--threshold", "2"],
        ["tag", "a.jpg", "--thresh", "0.5"],
        ["describe", "corgi", "--describer", "oracle"],
        ["convert", "a.pth", "folder", "--variant", "ram-huge"],
    ],
    ids=" ".join,
)
def test_a_wrong_argument_gets_one_line_and_exit_code_2(arguments, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("ram: ") and err.count("\n") == 1 and "--help" in err


@pytest.mark.parametrize("error", [InputError("no\nsuch tag"), MissingPackageError("no\nsuch tag")])
def test_a_mistake_of_the_caller_is_one_line(error, monkeypatch, capsys):
    ends_with(monkeypatch, error)
    assert main(["models"]) == 2
    assert capsys.readouterr() == ("", "ram models: no such tag\n")


@pytest.mark.parametrize("error", [ValueError("shapes differ"), ImportError("no module"), KeyError("lost")])
def test_a_programming_error_is_not_blamed_on_the_caller(error, monkeypatch, capsys):
    ends_with(monkeypatch, error)
    assert main(["models"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"ram models: unexpected {type(error).__name__}: ") and "--debug" in err


def test_a_file_that_cannot_be_written_is_named(monkeypatch, capsys):
    ends_with(monkeypatch, PermissionError(13, "Permission denied", "tags.csv"))
    assert main(["models"]) == 2
    assert capsys.readouterr().err == "ram models: tags.csv: Permission denied\n"


def test_an_error_class_of_ours_is_a_sentence_for_the_caller(monkeypatch, capsys):
    from ram.errors import TextEncoderError

    ends_with(monkeypatch, TextEncoderError("the encoder is missing"))
    assert main(["models"]) == 2
    assert capsys.readouterr().err == "ram models: the encoder is missing\n"


def test_an_unexpected_error_is_one_line_that_points_to_debug(monkeypatch, capsys):
    ends_with(monkeypatch, KeyError("lost"))
    assert main(["models"]) == 1
    err = capsys.readouterr().err
    assert "KeyError" in err and "--debug" in err and err.count("\n") == 1


def test_debug_shows_where_an_error_arose(monkeypatch, capsys):
    ends_with(monkeypatch, KeyError("lost"))
    assert main(["models", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_interrupting_ends_quietly(monkeypatch, capsys):
    ends_with(monkeypatch, KeyboardInterrupt())
    assert main(["models"]) == 130
    assert capsys.readouterr() == ("", "")


def test_our_logs_go_to_stderr_while_a_command_runs(monkeypatch, capsys):
    log = logging.getLogger("ram.somewhere")
    monkeypatch.setattr(ram.cli.models, "run", lambda args: log.info("half way") or 0)
    assert main(["models"]) == main(["models"]) == 0
    log.info("after the end")
    assert capsys.readouterr() == ("", "half way\nhalf way\n")


def test_models_are_listed_with_where_they_come_from(capsys):
    assert main(["models", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert {"name", "source", "summary"} == set(entries[0])
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [entry["name"] for entry in entries] == ram.list_models()


def test_bars_are_drawn_for_a_terminal_only(monkeypatch):
    assert terminal.bar(0.5) == ""
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert terminal.bar(0.5, 4) == "██  "
    assert terminal.bar(1 / 32, 4) == "▏   "
    assert terminal.bar(1.0, 4) == "████"


def test_a_terminal_without_block_characters_gets_plain_bars(monkeypatch):
    old = Terminal()
    old.encoding = "ascii"
    monkeypatch.setattr(sys, "stdout", old)
    assert terminal.bar(0.5, 4) == "##  "


def test_columns_line_up_and_wide_characters_count_double(capsys):
    terminal.print_table([("dog", "", "7", "left"), ("流星雨", "", "10", "right")], "<<>")
    assert capsys.readouterr().out == "  dog      7  left\n  流星雨  10  right\n"


def test_a_long_last_column_ends_at_the_edge_of_the_terminal(monkeypatch):
    wide = Terminal()
    monkeypatch.setattr(sys, "stdout", wide)
    monkeypatch.setenv("COLUMNS", "20")
    terminal.print_table([("dog", "a long sentence that goes on")])
    assert wide.getvalue() == "  dog  a long sente…\n"


def test_no_text_can_steer_the_terminal(capsys):
    terminal.print_table([("a\x1b[2Jb", "c\nd")])
    assert capsys.readouterr().out == "  a?[2Jb  c?d\n"


def test_progress_is_silent_where_nobody_watches(capsys):
    with terminal.Progress() as progress:
        progress("tagging", 1, 2)
    assert capsys.readouterr() == ("", "")


def test_progress_is_drawn_on_a_terminal_and_removed(monkeypatch):
    watched = Terminal()
    monkeypatch.setattr(sys, "stderr", watched)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    with terminal.Progress() as progress:
        progress("tagging", 0, 4)
        progress("tagging", 1, 4)
        terminal.say("a note")
    shown = watched.getvalue()
    assert "tagging" in shown and "1/4" in shown and "a note\n" in shown
    erase_line = "\x1b[2K"
    assert shown.rstrip().endswith(erase_line), "nothing of the bar stays"


def test_json_survives_an_output_that_is_not_unicode(monkeypatch):
    for encoding, expected in (("utf-8", "流"), ("latin-1", "\\u6d41")):
        raw = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", raw)
        terminal.print_json(["流"])
        raw.flush()
        shown = raw.buffer.getvalue().decode(encoding)
        assert expected in shown and json.loads(shown) == ["流"]
