"""Convolutions that normalise too give what timm's network gives, for strides, copies and other dtypes."""

import copy

import pytest
import torch

from ram.models.fast.folded_norms import fold_norms
from ram.models.image_encoder import create_backbone


@pytest.fixture(params=["tf_efficientnet_lite0", "efficientnet_b0"])
def backbone(request):
    """With norms as training leaves them: no statistic, gain or shift is trivial."""
    torch.manual_seed(0)
    network = create_backbone(request.param, {}).eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2)
            module.weight.uniform_(0.5, 1.5)
            module.bias.normal_(std=0.1)
    return network.double()


def test_folding_changes_no_result(backbone):
    folded, pixels = copy.deepcopy(backbone), torch.randn(2, 3, 67, 67).double()
    fold_norms(folded)
    ran = []
    for module in folded.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_pre_hook(lambda norm, _: ran.append("forward" in vars(norm)))
    wanted = backbone.forward_features(pixels)
    torch.testing.assert_close(folded.forward_features(pixels), wanted, atol=1e-10, rtol=1e-8)
    assert len(ran) > 40 and all(ran), "a norm was left"
    assert folded.state_dict().keys() == backbone.state_dict().keys()
    for name, weight in folded.state_dict().items():
        assert torch.equal(weight, backbone.state_dict()[name]), name


def test_a_copy_in_another_dtype_is_folded_too(backbone):
    fold_norms(backbone)
    pixels = torch.randn(1, 3, 64, 64)
    wanted = backbone.forward_features(pixels.double())
    single = copy.deepcopy(backbone).float().forward_features(pixels)
    torch.testing.assert_close(single.double(), wanted, atol=1e-4 * wanted.abs().max().item(), rtol=0)


def test_other_networks_are_left_alone():
    network = create_backbone("resnet10t", {})
    fold_norms(network)
    assert not any("forward" in vars(module) for module in network.modules())
