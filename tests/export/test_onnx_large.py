"""Swin-L at its real size, with random weights, is exported and gives the network's logits: ``make test-large``."""

import os

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from benchmarks.setting import FULL, pictures
from ram.models.build import build_without_weights, restore_buffers
from ram.models.description_embeddings import DescriptionEmbeddings

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra ram[onnx]")
pytestmark = [
    pytest.mark.large,
    pytest.mark.skipif(os.environ.get("RAM_LARGE") != "1", reason="takes minutes and gigabytes: run `make test-large`"),
]


@pytest.fixture(scope="module")
def network():
    """RAM++ with Swin-L; weights of the size that trained ones have."""
    model, generator = build_without_weights(FULL.config), torch.Generator().manual_seed(0)
    weights = {}
    for name, meant in model.state_dict().items():
        weights[name] = torch.empty(meant.shape).normal_(0, 0.02, generator=generator)
        if meant.ndim == 1 and name.endswith("weight"):
            weights[name] += 1
    model.load_state_dict(weights, assign=True)
    assert restore_buffers(model)
    return model.eval().requires_grad_(False)


def test_swin_large_gives_the_logits_of_the_network(network, tmp_path):
    from ram.export.onnx_graphs import write_look, write_score

    side, dim, pixels = FULL.config.image.size, FULL.config.dim, pictures(FULL)
    write_look(tmp_path / "look.onnx", network, side)
    write_score(tmp_path / "score.onnx", network, side, dim)
    bank = F.normalize(torch.randn(40, 51, dim), dim=-1)
    features = network.look(pixels)
    expected = network.score(features, DescriptionEmbeddings(bank)).numpy()
    look = onnxruntime.InferenceSession(tmp_path / "look.onnx", providers=["CPUExecutionProvider"])
    (tokens,) = look.run(None, {"pixels": pixels.numpy()})
    score = onnxruntime.InferenceSession(tmp_path / "score.onnx", providers=["CPUExecutionProvider"])
    inputs = {"tokens": tokens, "embeddings": bank.numpy(), "mask": np.ones((40, 51), bool)}
    found = score.run(["logits"], inputs)[0]
    assert np.abs(tokens - features.tokens.numpy()).max() < 1e-4 and np.abs(found - expected).max() < 1e-4
    assert np.ptp(expected) > 1e-3
