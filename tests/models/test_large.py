"""The largest published model, at its real size with random weights: it loads, tags a photo, and fits into memory.

Takes minutes, 3 GB of disk and 2 GB of memory, so it runs on demand only: ``make test-large``.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from ram.checkpoints.official import BANK
from ram.checkpoints.registry import PUBLISHED
from tests.official import official_shapes
from tests.paths import ROOT

PHOTO = sorted((ROOT / "assets" / "examples").glob("*.jpg"))[0]
MOST = 1.5
"""Times the size of the file that a process may hold at its peak."""

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="needs Linux, which tells a process its peak"),
    pytest.mark.large,
    pytest.mark.skipif(os.environ.get("RAM_LARGE") != "1", reason="takes minutes and gigabytes: run `make test-large`"),
]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A RAM++ Swin-L 384 as it is published, without the optimizer's state, which is not read."""
    torch.manual_seed(0)
    state = {}
    for name, shape in official_shapes(PUBLISHED["ram-plus-swin-large"].config, tags=4585).items():
        state[name] = torch.randn(shape) * 0.02
        if name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "LayerNorm.weight")):
            state[name] += 1
    state[BANK] = F.normalize(state[BANK], dim=-1)
    file = tmp_path_factory.mktemp("large") / "ram_plus.pth"
    torch.save({"model": state}, file)
    return file


def peak_of(program, *arguments):
    """Run a program in a fresh process; the most memory it held, in bytes, and the other line it printed."""
    tail = "\nprint(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    ran = subprocess.run(
        [sys.executable, "-c", program + tail, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    *printed, peak = ran.stdout.split("\n")[:-1]
    return int(peak) * 1024, printed


def test_conversion_and_tagging_need_at_most_1_5_times_its_size(checkpoint, tmp_path):
    size, folder = checkpoint.stat().st_size, tmp_path / "model"
    convert = "import sys, ram; ram.convert_official(sys.argv[1], sys.argv[2], variant='ram-plus-swin-large')"
    converting, _ = peak_of(convert, checkpoint, folder)
    tag = (
        "import json, sys, ram\n"
        "shown = ram.load(sys.argv[1], device='cpu', dtype='float32').tag(sys.argv[2])\n"
        "print(json.dumps([[score.probability, len(score.descriptions)] for score in shown]))"
    )
    tagging, (line,) = peak_of(tag, folder, PHOTO)
    scores = json.loads(line)
    assert len(scores) == 4585 and all(0 < probability < 1 for probability, _ in scores)
    assert {count for _, count in scores} == {51}
    assert len({probability for probability, _ in scores}) > 1000  # of tags that are not mixed up
    print(f"converting took {converting / size:.2f} times the file, loading and tagging {tagging / size:.2f}")
    assert converting <= MOST * size and tagging <= MOST * size, (converting / size, tagging / size)
