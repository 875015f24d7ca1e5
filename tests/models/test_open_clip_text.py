"""SigLIP 2, PE-Core and MobileCLIP2 by one line of configuration: features equal those of the library."""

import pytest
import torch
import torch.nn.functional as F

import ram.models.torchvision_shim  # noqa: F401
from ram.errors import InputError, TextEncoderError
from ram.models.build import build_model, build_text_encoder
from ram.models.config import DecoderConfig, ImageConfig, ModelConfig
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.open_clip_text import OpenClipTextEncoder

open_clip = pytest.importorskip("open_clip")
SENTENCES = ["a photo of a corgi.", "dog", "a crane, a bird, beside the water", ""]
SMALL_TEXT = {"width": 32, "heads": 2, "layers": 2, "vocab_size": 49408}
FAMILIES = {
    "SigLIP2": (
        "vit_base_patch16_siglip_224",
        {"pool_type": "last", "no_causal_mask": True, "proj_bias": True, "norm_kwargs": {"eps": 1e-6}},
        {"img_size": 32, "embed_dim": 32, "depth": 2, "num_heads": 2},
        "map",
    ),
    "PE-Core": (
        "vit_pe_core_base_patch16_224",
        {},
        {"img_size": 32, "embed_dim": 32, "depth": 2, "num_heads": 2, "ref_feat_shape": (2, 2)},
        "map",
    ),
    "MobileCLIP2": ("fastvit_mci0", {"no_causal_mask": True}, {}, "avg"),
}
"""Of each family: timm's image tower, options of the text tower and of a smaller image tower, and the pooling."""


@pytest.fixture(scope="module", params=FAMILIES)
def family(request):
    """The library's model with a small random text tower, its image tower apart, and the configuration of ours."""
    import timm

    backbone, text, options, _ = FAMILIES[request.param]
    torch.manual_seed(0)
    vision = {"layers": 1, "width": 32, "head_width": 16, "patch_size": 16, "image_size": 32}
    model = open_clip.CustomTextCLIP(24, vision, {**SMALL_TEXT, **text}).eval()
    trunk = timm.create_model(backbone, num_classes=0, **options).eval()
    config = ModelConfig(
        "tiny", ImageConfig(backbone, 32, options=options), f"open_clip:{request.param}/tiny", 24,
        DecoderConfig(hidden=24, heads=4, intermediate=48, layers=2),
    )  # fmt: skip
    return model, trunk, config


def test_sentences_become_the_librarys_vectors(family):
    model, _, config = family
    tokenize = open_clip.SimpleTokenizer()
    with torch.no_grad():
        theirs = torch.cat([model.encode_text(tokenize([sentence])) for sentence in SENTENCES])
    encoder = OpenClipTextEncoder(config.text_encoder, parts=(model, tokenize))
    assert torch.allclose(encoder.encode(SENTENCES), F.normalize(theirs, dim=-1), atol=1e-5)
    assert encoder.dim == 24 and encoder.name == config.text_encoder and encoder.unknown_words("犬") == ()


@pytest.mark.slow
def test_image_tokens_are_the_librarys_and_our_decoder_reads_them(family):
    _, trunk, config = family
    ours = build_model(config)
    ours.image_encoder.backbone.load_state_dict(trunk.state_dict())
    pixels = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        theirs = trunk.forward_features(pixels)
        if theirs.ndim == 3:
            theirs = theirs[:, trunk.num_prefix_tokens :]
        else:
            theirs = torch.stack([image.reshape(len(image), -1).T for image in theirs])
        features = ours.image_encoder(pixels)
        patches = ours.image_encoder.project(theirs)
        assert torch.allclose(features.tokens[:, 1:], patches, atol=1e-5)
        assert torch.allclose(features.pooled, ours.image_encoder.project(theirs.mean(dim=1)), atol=1e-5)
        bank = DescriptionEmbeddings(F.normalize(torch.randn(5, 2, 24), dim=-1))
        assert ours.score(features, bank).shape == (2, 5)


def test_names_of_another_form_and_missing_weights_get_a_sentence(monkeypatch):
    for name in ("open_clip:ViT-B-16", "open_clip:NoSuch/openai"):
        with pytest.raises(InputError, match="names no text tower: write open_clip:ARCHITECTURE/WEIGHTS"):
            build_text_encoder(name)

    def refuse(*args, **options):
        raise OSError("no network")

    monkeypatch.setattr("open_clip.create_model", refuse)
    with pytest.raises(TextEncoderError, match="the weights webli of ViT-B-16-SigLIP2 are neither cached .*OSError"):
        build_text_encoder("open_clip:ViT-B-16-SigLIP2/webli")
