"""Whatever the layout of a timm backbone, its patches come out row by row and the pooled token first."""

import pytest
import torch
from torch import nn

from ram.models.config import ImageConfig
from ram.models.image_encoder import ImageEncoder, ImageFeatures, create_backbone, patch_tokens
from ram.models.lite.image_encoder import LiteImageEncoder

SWIN = {"img_size": 64, "window_size": 4, "embed_dim": 8, "depths": (1, 1), "num_heads": (1, 2)}
CHANNELS, DIM = 6, 10


def lite_encoder(**parts):
    return LiteImageEncoder(nn.Identity(), CHANNELS, DIM, ImageConfig("none", 8, **parts))


def backbone(name, **options):
    return create_backbone(name, options).eval().requires_grad_(False)


def test_swin_is_read_row_by_row():
    swin = backbone("swin_tiny_patch4_window7_224", **SWIN)
    pixels = torch.randn(2, 3, 64, 64)
    grid = swin.forward_features(pixels)  # (batch, height, width, channels)
    tokens = patch_tokens(swin, pixels)
    assert tokens.shape == (2, 8 * 8, swin.num_features)
    for y in range(8):
        for x in range(8):
            assert torch.equal(tokens[:, 8 * y + x], grid[:, y, x])


def test_a_convolutional_network_is_read_row_by_row():
    network = backbone("test_efficientnet")
    pixels = torch.randn(2, 3, 64, 96)
    grid = network.forward_features(pixels)  # (batch, channels, height, width)
    tokens = patch_tokens(network, pixels)
    assert tokens.shape == (2, 2 * 3, network.num_features)
    for y in range(2):
        for x in range(3):
            assert torch.equal(tokens[:, 3 * y + x], grid[:, :, y, x])


def test_the_class_token_of_a_vision_transformer_is_left_out():
    network = backbone("test_vit", img_size=48)
    pixels = torch.randn(2, 3, 48, 48)
    everything = network.forward_features(pixels)  # (batch, 1 + patches, channels)
    assert torch.equal(patch_tokens(network, pixels), everything[:, 1:])
    assert patch_tokens(network, pixels).shape[1] == 9


@pytest.mark.parametrize("name, size", [("test_efficientnet", 64), ("test_vit", 48)])
def test_the_number_of_channels_is_what_the_backbone_says(name, size):
    network = backbone(name, **({"img_size": size} if "vit" in name else {}))
    assert patch_tokens(network, torch.randn(1, 3, size, size)).shape[2] == network.num_features


def test_the_pooled_token_is_the_projected_mean_and_comes_first():
    encoder = ImageEncoder(nn.Identity(), CHANNELS, DIM)
    patches = torch.randn(2, 5, CHANNELS)
    features = encoder.embed(patches)
    assert features.tokens.shape == (2, 6, DIM)
    weight, bias = encoder.project.weight, encoder.project.bias
    for b in range(2):
        mean = sum(patches[b]) / 5
        torch.testing.assert_close(features.pooled[b], weight @ mean + bias)
        for p in range(5):
            torch.testing.assert_close(features.tokens[b, p + 1], weight @ patches[b, p] + bias)


def test_channels_are_standardized_by_saved_statistics():
    encoder = lite_encoder(standardize=True)
    plain = ImageEncoder(nn.Identity(), CHANNELS, DIM)
    plain.project = encoder.project
    patches = torch.randn(2, 5, CHANNELS)
    encoder.standardize.set(torch.arange(CHANNELS).float(), torch.arange(CHANNELS) + 0.5)
    by_hand = torch.stack([(patches[..., c] - c) / (c + 0.5) for c in range(CHANNELS)], -1)
    torch.testing.assert_close(encoder.embed(patches).tokens, plain.embed(by_hand).tokens)
    assert {"standardize.mean", "standardize.std"} <= set(encoder.state_dict())
    assert not {"standardize.mean", "standardize.std"} & set(plain.state_dict())


def test_tokens_are_normalised_where_the_backbone_does_not():
    encoder = lite_encoder(normalize_tokens=True)
    tokens = encoder.embed(torch.randn(2, 5, CHANNELS)).tokens
    torch.testing.assert_close(tokens.mean(-1), torch.zeros(2, 6), atol=1e-5, rtol=0)
    torch.testing.assert_close(tokens.var(-1, correction=0), torch.ones(2, 6), atol=1e-2, rtol=0)


def test_patches_are_averaged_block_by_block_to_the_grid():
    encoder = lite_encoder(grid=2)
    patches = torch.randn(2, 16, CHANNELS)
    coarse = encoder.coarsen(patches)
    assert coarse.shape == (2, 4, CHANNELS)
    for place, corner in enumerate((0, 2, 8, 10)):  # of the blocks in 4 rows of 4
        block = sum(patches[:, corner + offset] for offset in (0, 1, 4, 5)) / 4
        torch.testing.assert_close(coarse[:, place], block)
    assert lite_encoder().coarsen(patches) is patches


@pytest.mark.parametrize("patches", [12, 1])
def test_patches_that_do_not_fit_the_grid_are_refused(patches):
    encoder = lite_encoder(grid=2)
    with pytest.raises(ValueError, match=f"the {patches} patches .* 2 rows and columns: set image.grid = 0"):
        encoder.coarsen(torch.randn(1, patches, CHANNELS))


def test_dropout_hides_channels_in_training_alone():
    encoder = lite_encoder(dropout=0.9)
    encoder.project = nn.Identity()
    patches = torch.rand(50, 4, CHANNELS) + 1
    hidden = (encoder.train().embed(patches).tokens == 0).float().mean().item()
    assert hidden == pytest.approx(0.9, abs=0.05)
    assert torch.equal(encoder.eval().embed(patches).tokens[:, 1:], patches)


def test_features_move_and_are_chosen_whole():
    features = ImageFeatures(torch.randn(4, 3, DIM), torch.randn(4, 7), torch.rand(4, 7))
    for which in (slice(1, 3), torch.tensor([3, 0]), torch.tensor([True, False, False, True])):
        some = features.rows(which)
        assert torch.equal(some.tokens, features.tokens[which]) and torch.equal(some.classes, features.classes[which])
        assert torch.equal(some.class_probabilities, features.class_probabilities[which])
    moved = features.to("meta")
    assert {moved.tokens.device.type, moved.classes.device.type, moved.class_probabilities.device.type} == {"meta"}
    assert features.nbytes == 4 * 4 * (3 * DIM + 7 + 7)
    assert ImageFeatures(features.tokens).rows(slice(2)).to("cpu").classes is None


def test_looking_is_the_backbone_then_the_embedding():
    network = backbone("test_efficientnet")
    encoder = ImageEncoder(network, network.num_features, DIM)
    pixels = torch.randn(1, 3, 64, 64)
    looked = encoder(pixels)
    assert isinstance(looked, ImageFeatures)
    assert torch.equal(looked.tokens, encoder.embed(encoder.patches(pixels)).tokens)


@pytest.mark.parametrize("name", ["no_such_network", "hf-hub:someone/something", "local-dir:model", ""])
def test_only_a_backbone_of_timm_is_made(name):
    with pytest.raises(ValueError, match="timm has no backbone named"):
        create_backbone(name, {})


def test_a_backbone_reads_no_file(tmp_path):
    torch.save({}, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="may not hold checkpoint_path"):
        create_backbone("test_efficientnet", {"checkpoint_path": str(tmp_path / "weights.pth")})


def test_an_option_out_of_range_is_named():
    with pytest.raises(ValueError, match="timm cannot make the backbone .*window_size"):
        create_backbone("swin_tiny_patch4_window7_224", {"window_size": 0})


@pytest.mark.parametrize("options", [{"wheels": 4}, {"pretrained": True}])
def test_an_option_that_timm_refuses_is_named(options):
    with pytest.raises(ValueError, match=f"timm cannot make the backbone 'test_efficientnet' with .*{[*options][0]}"):
        create_backbone("test_efficientnet", options)
