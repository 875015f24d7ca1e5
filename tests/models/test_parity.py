"""Our network against numbers of the official implementation, at weights that are computed from their names."""

import json
import zlib

import numpy as np
import pytest
import torch

from ram.checkpoints.model_folder import load_strictly
from ram.checkpoints.official import convert_official
from ram.checkpoints.official_names import rename
from ram.models.build import build_model
from ram.models.config import DecoderConfig, ImageConfig, ModelConfig
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.losses import asymmetric_loss, distillation_loss
from ram.tagger_loading import load
from tests.paths import GOLDEN

ATOL = 1e-5


def tiny_config(max_descriptions: int | None = None) -> ModelConfig:
    """The tiny Swin and decoder of the reference numbers, as a variant of ours."""
    swin = {"img_size": 224, "window_size": 7, "embed_dim": 16, "depths": (2, 2, 2, 2), "num_heads": (1, 2, 4, 8)}
    return ModelConfig(
        name="tiny",
        image=ImageConfig("swin_tiny_patch4_window7_224", 224, options=swin),
        text_encoder="clip-vit-b-16",
        dim=512,
        decoder=DecoderConfig(hidden=96, heads=4, intermediate=384, layers=2),
        max_descriptions=max_descriptions,
    )


def noise(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """The reference's computed numbers in [-1, 1): a splitmix64 of position and name."""
    with np.errstate(over="ignore"):
        i = np.arange(int(np.prod(shape)), dtype=np.uint64)
        z = (i + np.uint64(zlib.crc32(name.encode())) * np.uint64(2**32)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        z = z ^ z >> np.uint64(31)
    values = ((z >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1).astype(np.float32)
    return torch.from_numpy(values).reshape(shape)


def unit(x: torch.Tensor) -> torch.Tensor:
    return x / x.norm(dim=-1, keepdim=True)


def weight(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    drawn = noise(name, shape)
    if name == "label_embed":
        return unit(drawn)
    if name == "reweight_scale":
        return torch.tensor(3.0)
    if "norm" in name.lower() and name.endswith("weight"):
        return 1 + 0.3 * drawn
    if name.endswith("relative_position_bias_table"):
        return 0.8 * drawn
    if len(shape) >= 2:
        return drawn * 2 / np.sqrt(np.prod(shape[1:]))
    return 0.2 * drawn


@pytest.fixture(scope="module", params=["ram_plus", "ram"])
def reference(request):
    """(expected numbers, model with the computed weights, label embeddings, inputs)."""
    expected = json.loads((GOLDEN / f"formula_{request.param}.json").read_text())
    config = tiny_config(1 if request.param == "ram" else None)
    tags, descriptions = expected["tags"], expected["descriptions"]
    shapes = expected["parameter_names"]
    if request.param == "ram":  # the tagging head is tied to the tag encoder, whose names were hashed
        plus = json.loads((GOLDEN / "formula_ram_plus.json").read_text())["parameter_names"]
        head = {name: shape for name, shape in plus.items() if name.startswith("tagging_head.")}
        shapes = {**{n.replace("tagging_head", "tag_encoder"): shape for n, shape in head.items()}, **shapes}
    state = {name: weight(name, tuple(shape)) for name, shape in shapes.items()}
    model = build_model(config)
    weights, label_embed = rename(state)
    if "reweighting.log_scale" not in weights:
        weights["reweighting.log_scale"] = model.reweighting.log_scale.detach().clone()
    load_strictly(model, weights, "formula")
    bank = DescriptionEmbeddings(label_embed.reshape(tags, descriptions, 512))
    return expected, model, bank, state, config


def test_logits_match_the_official_implementation(reference):
    expected, model, bank, *_ = reference
    with torch.inference_mode():
        logits = model.score(model.look(2 * noise("image", (2, 3, 224, 224))), bank)
    torch.testing.assert_close(logits, torch.tensor(expected["logits"]), atol=ATOL, rtol=0)


def test_image_embeddings_match_with_the_pooled_token_first(reference):
    expected, model, *_ = reference
    with torch.inference_mode():
        tokens = model.look(2 * noise("image", (2, 3, 224, 224))).tokens
    wanted = torch.tensor(expected["image_embeds_first8"])
    torch.testing.assert_close(tokens[:, : wanted.shape[1], :8], wanted, atol=ATOL, rtol=0)


@pytest.mark.parametrize("reference", ["ram_plus"], indirect=True)
def test_description_weights_match(reference):
    expected, model, bank, *_ = reference
    with torch.inference_mode():
        weights = model.align(model.look(2 * noise("image", (2, 3, 224, 224))), bank).weights[:, 0]
    torch.testing.assert_close(weights, torch.tensor(expected["description_weights_tag0"]), atol=ATOL, rtol=0)


@pytest.mark.parametrize("reference", ["ram_plus"], indirect=True)
def test_losses_of_ram_plus_match(reference):
    expected, model, bank, *_ = reference
    features = model.look(2 * noise("image", (2, 3, 224, 224)))
    targets = torch.tensor(expected["tag_targets"])
    captions = DescriptionEmbeddings(unit(noise("batch_text_embed", (2, 512)))[:, None])
    texts = model.score(features, captions)
    losses = {
        "loss_tag": asymmetric_loss(model.score(features, bank), targets, gamma_neg=7),
        "loss_alignment": asymmetric_loss(texts, torch.eye(2), gamma_neg=4),
        "loss_distillation": distillation_loss(features.pooled, 2 * 0.5 * noise("clip_feature", (2, 512))),
    }
    torch.testing.assert_close(texts, torch.tensor(expected["alignment_logits"]), atol=ATOL, rtol=0)
    for name, loss in losses.items():
        assert loss.item() == pytest.approx(expected[name], rel=1e-5), name


def test_a_converted_folder_gives_the_same_logits(reference, tmp_path):
    expected, model, bank, state, config = reference
    tagger = load(convert_official({**state}, tmp_path / "tiny", config=config), device="cpu", dtype="float32")
    pixels = 2 * noise("image", (2, 3, 224, 224))
    with torch.inference_mode():
        logits = tagger.model.score(tagger.model.look(pixels), tagger.bank.embedded)
    torch.testing.assert_close(logits, torch.tensor(expected["logits"]), atol=ATOL, rtol=0)
