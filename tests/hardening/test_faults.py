"""Faults of the host: broken models, a full disk, signals during shutdown."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from demo import launch
from demo.server.gate import ENDING, NO_ROOM
from ram.listening import check_address
from tests.server import ROOT, ask, free_port, page_served, photo, upload

pytestmark = pytest.mark.slow

SHIPPED = ROOT / "ram" / "pretrained" / "ram-plus-lite"
DOGS = (ROOT / "assets" / "examples" / "dogs.jpg").read_bytes()
LONGEST_END = 90
GIVEN_UP = "Server stopped unexpectedly."
LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a program that can write files of at most 100 kB, as on a full disk."""
MANY_SIGNALS = """
import os, subprocess, sys
from demo.server.process import stop_signals

tell = "import os; [os.kill(os.getppid(), sign) for sign in 5000 * [15, 2]]"
for _ in range(5):
    told = stop_signals()
    teller = subprocess.Popen([sys.executable, "-c", tell])
    told.get()
    teller.wait()
print("ended", end="")
"""
"""Sends many signals in quick succession to a waiting process."""


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "bank.safetensors"])
@pytest.mark.parametrize("fault", ["missing", "cut", "garbage"])
def test_a_broken_model_is_one_line_that_names_it(tmp_path, capsys, file, fault):
    folder = tmp_path / "model"
    shutil.copytree(SHIPPED, folder)
    spoil(folder / file, fault)
    assert launch.main(["--model", str(folder), "--port", str(free_port()), "--device", "cpu"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("demo: ")
    assert file in lines[0] or "model" in lines[0]


def spoil(path: Path, fault: str) -> None:
    content = path.read_bytes()
    if fault == "missing":
        path.unlink()
    else:
        path.write_bytes({"cut": content[: len(content) // 2], "garbage": b"\xff\0\x81" * 999}[fault])


def test_a_full_disk_is_one_sentence(tmp_path):
    limited = (sys.executable, "-c", LIMITED)
    with page_served(python=limited, GRADIO_TEMP_DIR=str(tmp_path)) as server, server.visitor() as visitor:
        large = visitor.post("/gradio_api/upload", files={"files": ("large.png", bytes(5_000_000))})
        assert (large.status_code, large.json()["detail"]) == (507, NO_ROOM)
        assert "Traceback" not in server.log
        worked, answer = ask(visitor, "tag", photo(upload(visitor, "dogs.jpg", DOGS[:90_000])), 3)
        assert worked or "broken or cut short" in answer  # 90 kB fit
        assert ask(visitor, "describe", "corgi", "lexicon")[0]


def test_signals_during_shutdown_do_not_block_it():
    done = subprocess.run([sys.executable, "-c", MANY_SIGNALS], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended", "")


def test_shutdown_answers_requests_and_frees_the_port(tmp_path):
    with page_served(GRADIO_TEMP_DIR=str(tmp_path)) as server, server.visitor() as visitor:
        dogs = photo(upload(visitor, "dogs.jpg", DOGS))
        assert ask(visitor, "compare", dogs, "corgi", "lexicon")[0]  # the first one loads the encoders
        with ThreadPoolExecutor(6) as pool:
            asked = [pool.submit(ask, visitor, "compare", dogs, "corgi, kite", "lexicon") for _ in range(6)]
            while visitor.get("/gradio_api/queue/status").json()["queue_size"] == 0 and not asked[0].done():
                pass  # until a request runs
            given_up = False
            server.process.send_signal(signal.SIGTERM)
            for one in asked:
                try:
                    worked, answer = one.result(LONGEST_END)
                except httpx.TransportError:  # the connection was refused, and the client reports it
                    continue
                assert worked or answer in (ENDING, GIVEN_UP)
                given_up |= answer == GIVEN_UP
            assert any(one.exception() is None and one.result()[0] for one in asked)
        assert server.process.wait(LONGEST_END) == 0
        assert given_up <= ("are given up" in server.log)  # only requests that take longer than the time to drain
        assert "Traceback" not in server.log
        check_address("127.0.0.1", int(server.address.rpartition(":")[2]))
