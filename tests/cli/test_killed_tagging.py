"""A folder whose tagging is killed three times ends as one that was tagged in one run."""

import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.paths import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")]

PHOTOS = 24
PROGRAM = """
import os, signal, sys
import ram.models.build
from ram.library.sidecars import Sidecars
from tests.cli.word_models import WordsTextEncoder

ram.models.build.TEXT_ENCODERS["words"] = WordsTextEncoder
most, when, add, added = int(sys.argv.pop(1)), sys.argv.pop(1), Sidecars.add, []

def adding(self, photo, record):
    added.append(photo)
    if len(added) == most and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = add(self, photo, record)
    if len(added) == most and when == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return result

Sidecars.add = adding
from ram.cli import main
sys.exit(main())
"""


def command(folder, model):
    return ["tag", folder, "--model", model, "--sidecars", "--output", folder.parent / f"{folder.name}.csv"]


def killed(folder, model, most, when):
    """Exit code of a run that ends itself at a photo, before or after that has its sidecar."""
    given = [sys.executable, "-c", PROGRAM, str(most), when, *map(str, command(folder, model))]
    return subprocess.run(given, cwd=ROOT, capture_output=True, timeout=250).returncode


def results(folder):
    """Sidecars, and the rows of the results, in which each photo has its own folder's name."""
    table = (folder.parent / f"{folder.name}.csv").read_text().replace(f"{folder.name}/", "").splitlines()
    return {path.name: path.read_bytes() for path in folder.glob("*.xmp")}, table


@pytest.mark.usefixtures("words")
def test_a_folder_killed_three_times_ends_as_one_run(models, tmp_path, ended):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
        for i in range(PHOTOS):
            pixels = np.random.default_rng(i).integers(0, 255, (30, 40, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{i:02}.png")
    assert ended(*command(whole, models["tiny-plus"]))[0] == 0
    for most, when in ((5, "before"), (7, "after"), (4, "before")):
        assert killed(parts, models["tiny-plus"], most, when) == -signal.SIGKILL
    before = {path: path.stat().st_mtime_ns for path in parts.glob("*.xmp")}
    code, _, err = ended(*command(parts, models["tiny-plus"]))
    assert code == 0, err
    assert results(parts) == results(whole)
    # the photo that had its sidecar before it was killed, and no row of results, is tagged again by the third run
    assert len(before) == 4 + 7 + 2 and {path: path.stat().st_mtime_ns for path in before} == before, "not again"
