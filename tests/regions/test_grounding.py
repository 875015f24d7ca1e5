"""Grounding-DINO and SAM of transformers with tiny random weights: tags go in, boxes and masks come out."""

import numpy as np
import pytest
import torch
from PIL import Image

import ram.models.torchvision_shim  # noqa: F401  (before transformers)
from ram.errors import CheckpointError
from ram.regions import grounding
from ram.regions.grounding import GroundingDetector, Segmenter, box_of_mask, shrunk
from ram.regions.region import Region

TAGS = ["dog", "red kite"]


@pytest.fixture(scope="module")
def picture():
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8))


@pytest.fixture(scope="module")
def dino(tmp_path_factory):
    """A folder with a Grounding-DINO of a few thousand weights, as the hub has them."""
    from transformers import (
        BertConfig,
        BertTokenizer,
        GroundingDinoConfig,
        GroundingDinoForObjectDetection,
        GroundingDinoImageProcessor,
        GroundingDinoProcessor,
        SwinConfig,
    )  # fmt: skip

    folder = tmp_path_factory.mktemp("dino")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "dog", "red", "kite", "a"]
    (folder / "vocab.txt").write_text("\n".join(words))
    torch.manual_seed(0)
    model = GroundingDinoForObjectDetection(GroundingDinoConfig(
        backbone_config=SwinConfig(
            image_size=64, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=2,
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config=BertConfig(
            vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
        ),
        d_model=32, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=16, decoder_ffn_dim=16, num_queries=6,
        encoder_attention_heads=2, decoder_attention_heads=2, max_text_len=16, num_feature_levels=4,
    ))  # fmt: skip
    model.save_pretrained(folder)
    images = GroundingDinoImageProcessor(size={"shortest_edge": 64, "longest_edge": 96})
    GroundingDinoProcessor(images, BertTokenizer(str(folder / "vocab.txt"))).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def sam(tmp_path_factory):
    """A folder with a tiny SAM."""
    from transformers import (
        SamConfig,
        SamImageProcessor,
        SamMaskDecoderConfig,
        SamModel,
        SamProcessor,
        SamPromptEncoderConfig,
        SamVisionConfig,
    )  # fmt: skip

    folder = tmp_path_factory.mktemp("sam")
    torch.manual_seed(0)
    config = SamConfig(
        vision_config=SamVisionConfig(
            hidden_size=16, output_channels=16, num_hidden_layers=1, num_attention_heads=2, image_size=64,
            patch_size=16, mlp_dim=16, window_size=2, global_attn_indexes=[0], num_pos_feats=8,
        ).to_dict(),
        prompt_encoder_config=SamPromptEncoderConfig(
            hidden_size=16, image_size=64, patch_size=16, mask_input_channels=4
        ).to_dict(),
        mask_decoder_config=SamMaskDecoderConfig(
            hidden_size=16, mlp_dim=16, num_hidden_layers=1, num_attention_heads=2, iou_head_hidden_dim=16,
            attention_downsample_rate=2,
        ).to_dict(),
    )  # fmt: skip
    SamModel(config).save_pretrained(folder)
    images = SamImageProcessor(size={"longest_edge": 64}, pad_size={"height": 64, "width": 64})
    SamProcessor(images).save_pretrained(folder)
    return str(folder)


@pytest.mark.slow
def test_a_detector_draws_boxes_for_the_tags(dino, picture):
    regions = GroundingDetector.load(dino, threshold=0.0).find(picture, TAGS)
    assert regions and {region.tag for region in regions} <= set(TAGS)
    confidences = [region.probability for region in regions]
    assert confidences == sorted(confidences, reverse=True) and 0 < confidences[0] < 1
    assert GroundingDetector.load(dino, threshold=1.0).find(picture, TAGS) == []
    assert GroundingDetector.load(dino).find(picture, []) == []


@pytest.mark.slow
def test_a_segmenter_cuts_out_what_is_in_a_box(sam, picture):
    segmenter = Segmenter.load(sam)
    regions = [Region("dog", 0.9, (0, 0, 0.5, 1)), Region("kite", 0.8, (0.5, 0.5, 1, 1))]
    masks = segmenter.masks(picture, regions)
    assert masks.shape == (2, 60, 80) and masks.dtype == bool
    assert segmenter.masks(picture, []).shape == (0, 60, 80)
    for before, after, mask in zip(regions, shrunk(segmenter, picture, regions), masks, strict=True):
        assert after.tag == before.tag and after.box == (box_of_mask(mask) or before.box)


def test_what_cannot_be_loaded_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        GroundingDetector.load(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "tag"),
    [("dog", "dog"), ("Red Kite", "red kite"), ("kite", "red kite"), ("dog red", "dog"), ("cat", None), ("", None)],
)
def test_texts_of_a_detector_become_tags(text, tag):
    assert grounding._tag_of(text, TAGS) == tag


def test_the_box_of_a_mask():
    mask = np.zeros((4, 8), bool)
    mask[1:3, 2:4] = True
    assert box_of_mask(mask) == (0.25, 0.25, 0.5, 0.75) and box_of_mask(np.zeros((2, 2), bool)) is None
