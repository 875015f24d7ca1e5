"""Published models at their real size with random weights: they load, tag and caption a photo, and fit into memory.

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

from ram.checkpoints.official_names import BANK
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


def random_state(variant, tags):
    """The state dict of a published variant, near the size that trained weights have."""
    torch.manual_seed(0)
    state = {}
    for name, shape in official_shapes(PUBLISHED[variant].config, tags).items():
        state[name] = torch.randn(shape) * 0.02
        if name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "LayerNorm.weight")):
            state[name] += 1
    return state


@pytest.fixture(scope="module")
def captioning(tmp_path_factory):
    """A Tag2Text Swin-B 384 as it is published, its tied weights under both of their names."""
    state = random_state("tag2text-swin-base", tags=3429)
    heads = [name for name in state if name.startswith("tagging_head.")]
    state |= {name.replace("tagging_head", "tag_encoder"): state[name] for name in heads}
    words = state["text_decoder.bert.embeddings.word_embeddings.weight"]
    state["text_decoder.cls.predictions.decoder.weight"] = words
    state["text_decoder.cls.predictions.decoder.bias"] = state["text_decoder.cls.predictions.bias"]
    for stack in ("tag_encoder", "text_decoder.bert"):
        state[f"{stack}.embeddings.position_ids"] = torch.arange(512)[None]
    file = tmp_path_factory.mktemp("captioning") / "tag2text.pth"
    torch.save({"model": state}, file)
    return file


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A RAM++ Swin-L 384 as it is published, without the optimizer's state, which is not read."""
    state = random_state("ram-plus-swin-large", tags=4585)
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


def test_tag2text_captions_a_photo_with_and_without_tags(captioning, tmp_path):
    size, folder = captioning.stat().st_size, tmp_path / "model"
    convert = "import sys, ram; ram.convert_official(sys.argv[1], sys.argv[2], variant='tag2text-swin-base')"
    converting, _ = peak_of(convert, captioning, folder)
    caption = (
        "import json, sys, ram\n"
        "tagger = ram.load(sys.argv[1], device='cpu', dtype='float32')\n"
        "features = tagger.look(sys.argv[2])\n"
        "tags = (None, 'dog, grass', [])\n"
        "print(json.dumps([tagger.caption_features(features, each, beams) for each in tags for beams in (1, 3)]))"
    )
    captioned, (line,) = peak_of(caption, folder, PHOTO)
    captions = json.loads(line)
    assert len(captions) == 6 and all(captions) and len(set(captions)) > 2
    print(f"converting took {converting / size:.2f} times the file, captioning {captioned / size:.2f}: {captions[1]}")
    assert converting <= MOST * size and captioned <= MOST * size, (converting / size, captioned / size)
