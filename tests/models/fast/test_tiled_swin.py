"""Swin's blocks in parts compute what timm's compute at once, for several pictures, shifted windows and remainders."""

import pytest
import torch

import ram.models.torchvision_shim  # noqa: F401
from ram.models.fast import tiled_swin as swin_parts
from ram.models.image_encoder import create_backbone

OPTIONS = {"img_size": 48, "window_size": 3, "embed_dim": 8, "depths": (2, 2), "num_heads": (1, 2)}


@pytest.mark.parametrize("bytes_at_once", [1, 81 * 4 * 3, 2**12])
def test_parts_change_no_result(monkeypatch, bytes_at_once):
    import timm

    monkeypatch.setattr(swin_parts, "PART_BYTES", bytes_at_once)
    torch.manual_seed(0)
    whole = timm.create_model("swin_tiny_patch4_window7_224", num_classes=0, **OPTIONS).eval()
    for table in (w for name, w in whole.named_parameters() if "bias" in name):
        torch.nn.init.normal_(table)
    ours = create_backbone("swin_tiny_patch4_window7_224", OPTIONS).eval()
    swin_parts.compute_in_parts(ours)
    ours.load_state_dict(whole.state_dict())
    pixels, sizes = torch.randn(3, 3, 48, 48), []
    for block in ours.layers.modules():
        if isinstance(block, torch.nn.Softmax):
            block.register_forward_hook(lambda _, __, scores: sizes.append(scores.nbytes))
    with torch.inference_mode():
        torch.testing.assert_close(ours.forward_features(pixels), whole.forward_features(pixels), atol=1e-5, rtol=1e-5)
    assert max(sizes) <= max(bytes_at_once, 2 * 81 * 4), "a single window is the least"


def test_training_works_on_all_at_once_and_has_the_same_gradient():
    torch.manual_seed(0)
    ours = create_backbone("swin_tiny_patch4_window7_224", OPTIONS)
    swin_parts.compute_in_parts(ours)
    ours.forward_features(torch.randn(2, 3, 48, 48)).sum().backward()
    assert all(weight.grad is not None for weight in ours.layers.parameters())
