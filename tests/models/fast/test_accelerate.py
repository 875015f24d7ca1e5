"""One call swaps in all fast twins, and no result changes."""

import copy

import pytest
import torch

from ram.models.build import build_model
from ram.models.config import DecoderConfig, ImageConfig, ModelConfig
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.fast import accelerate, tiled_swin
from ram.models.fast.absorbed_attention import read
from tests.tiny import tiny_bank, tiny_pixels, whole_model

SWIN = {"img_size": 64, "window_size": 4, "embed_dim": 8, "depths": (1, 1), "num_heads": (1, 2)}


@pytest.fixture
def swin():
    torch.manual_seed(0)
    image = ImageConfig("swin_tiny_patch4_window7_224", 64, options=SWIN)
    config = ModelConfig("swin", image, "hash", 16, DecoderConfig(hidden=160, heads=1, intermediate=48))
    return build_model(config).requires_grad_(False)


def test_an_accelerated_network_gives_the_same_logits(swin, monkeypatch):
    monkeypatch.setattr(tiled_swin, "PART_BYTES", 2**12)
    monkeypatch.setattr("ram.models.fast.blockwise.BLOCK_BYTES", 1000)
    bank = DescriptionEmbeddings(torch.nn.functional.normalize(torch.randn(300, 3, 16), dim=-1))
    fast, pixels = copy.deepcopy(swin), tiny_pixels(2)
    accelerate(fast)
    with torch.inference_mode():
        assert all(context.bias is not None for context in read(fast.decoder, fast.look(pixels).tokens, 300))
        for ours, wanted in zip(fast.align(fast.look(pixels), bank), swin.align(swin.look(pixels), bank), strict=True):
            torch.testing.assert_close(ours, wanted, atol=1e-5, rtol=1e-5)
    assert fast.state_dict().keys() == swin.state_dict().keys()


def test_an_accelerated_small_model_gives_the_same_logits():
    model = whole_model().requires_grad_(False)
    fast, bank = copy.deepcopy(model), tiny_bank().embedded
    accelerate(fast)
    wanted = model.score(model.look(tiny_pixels(2)), bank)
    torch.testing.assert_close(fast.score(fast.look(tiny_pixels(2)), bank), wanted, atol=1e-5, rtol=1e-5)


def test_the_twins_follow_a_copy_to_another_dtype(swin):
    accelerate(swin)
    other = copy.deepcopy(swin).double()
    bank = DescriptionEmbeddings(torch.randn(40, 2, 16).double())
    assert other.score(other.look(tiny_pixels(1).double()), bank).dtype == torch.float64
