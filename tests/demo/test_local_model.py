"""The small language model on the page: offered where this machine has one, one line where it has not."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import pytest

from demo import launch
from demo.core.workbench import Workbench
from demo.flags import parser
from ram.describers.loading import OFFLINE, USING_LOCAL
from ram.errors import InputError
from tests.tiny import tiny_tagger


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "is_available", lambda weights: True)


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "is_available", lambda weights: False)
    monkeypatch.setattr("ram.describers.local.server.is_available", lambda weights: False)


def test_it_is_offered_where_it_is_installed(installed: None, caplog: pytest.LogCaptureFixture) -> None:
    flags = parser({}).parse_args([])
    with caplog.at_level(logging.INFO, "demo.launch"):
        launch.check_local_model(flags)
    assert caplog.messages == []
    assert set(launch.offered_describers(flags, {})[0]) == {*OFFLINE, *USING_LOCAL}


def test_a_machine_without_it_says_so_in_one_line(missing: None, caplog: pytest.LogCaptureFixture) -> None:
    flags = parser({}).parse_args([])
    with caplog.at_level(logging.INFO, "demo.launch"):
        launch.check_local_model(flags)
    assert caplog.messages == [launch.NO_LOCAL_MODEL] and "\n" not in launch.NO_LOCAL_MODEL
    assert tuple(launch.offered_describers(flags, {})[0]) == OFFLINE


def test_asked_for_all_the_same_the_lexicon_answers(missing: None) -> None:
    bench = Workbench([tiny_tagger()], partial(launch.make_describer, parser({}).parse_args([]), {}))
    *_, last = bench.describe("corgi", "local")
    (message,) = last.messages
    assert message.startswith("The local language model is not installed: run `pip install")
    assert message.endswith('The lexicon describer takes over for "corgi".')
    assert {sentence.origin for sentence in last.sentences["corgi"]} == {"local", "lexicon"}


@pytest.mark.parametrize("name", USING_LOCAL)
def test_switched_off_it_is_neither_offered_nor_made(
    installed: None, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    flags = parser({}).parse_args(["--no-llm"])
    launch.check_local_model(flags)
    assert caplog.messages == [] and name not in launch.offered_describers(flags, {})[0]
    with pytest.raises(launch.DescriberError, match="switched off"):
        launch.make_describer(flags, {}, name)


def test_another_model_can_be_named(installed: None, tmp_path: Path) -> None:
    (tmp_path / "larger.gguf").write_text("GGUF")
    for flags in (
        parser({}).parse_args(["--llm-model", str(tmp_path / "larger.gguf")]),
        parser({"RAM_LLM_MODEL": str(tmp_path / "larger.gguf")}).parse_args([]),
    ):
        launch.check_local_model(flags)
        assert "larger, 4 bytes" in launch.make_describer(flags, {}, "local").fingerprint


def test_a_file_that_is_no_model_ends_the_start(tmp_path: Path) -> None:
    flags = parser({}).parse_args(["--llm-model", str(tmp_path / "missing.gguf")])
    with pytest.raises(InputError, match="missing.gguf cannot be read"):
        launch.check_local_model(flags)
