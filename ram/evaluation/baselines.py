"""CLIP as it comes, as a tagger to compare with: no training on tags, no decoder, only cosines with sentences.

CLIP ranks sentences against each other. For a probability of its own, that no other tag changes, a tag's sentences are
held against a sentence that fits every photo: how much likelier are they than "a photo."?
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ram.checkpoints.download import HubFile, held_already
from ram.images.transforms import EvalTransform
from ram.models.config import ImageConfig, ModelConfig
from ram.models.image_encoder import ImageFeatures
from ram.models.ram import Alignment
from ram.models.reweighting import DescriptionEmbeddings
from ram.models.text_encoder import ClipTextEncoder, TextEncoder
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import TagVocabulary

NAME = "clip-vit-b-16-zero-shot"
NEUTRAL = "a photo."
TEMPERATURE = 100.0
"""What CLIP multiplies its cosines with; the same in all its released weights."""
ABSENT = "CLIP is not compared with them: the weights of its ViT-B/16 are not on this machine."

_ARCHITECTURE, _WEIGHTS = "ViT-B-16-quickgelu", "openai"


class ZeroShotModel(nn.Module):
    """The two steps of a tagging model on top of CLIP's image tower.

    Args:
        visual: (batch, 3, height, width) pixels to (batch, dim).
        neutral: (dim,) unit embedding of the sentence that fits every photo.
    """

    neutral: torch.Tensor

    def __init__(self, visual: nn.Module, neutral: torch.Tensor) -> None:
        super().__init__()
        self.visual = visual
        self.register_buffer("neutral", neutral)

    def look(self, pixels: torch.Tensor) -> ImageFeatures:
        """Pixels to one token a picture."""
        return ImageFeatures(F.normalize(self.visual(pixels), dim=-1)[:, None])

    def prepare(self, descriptions: DescriptionEmbeddings) -> DescriptionEmbeddings:
        """The same: there are no queries to be made beforehand."""
        return descriptions

    prepare_similarity = prepare

    def align(
        self, features: ImageFeatures, descriptions: DescriptionEmbeddings, chunk: int | None = None
    ) -> Alignment:
        """Logits against the neutral sentence; all descriptions of a tag weigh the same."""
        tags = F.normalize(descriptions.mean(), dim=-1)
        cosines = features.pooled @ (tags - self.neutral).T
        count = descriptions.embeddings.shape[1]
        mask = torch.ones(len(tags), count, device=tags.device) if descriptions.mask is None else descriptions.mask
        weights = (mask / mask.sum(1, keepdim=True)).expand(len(features.pooled), -1, -1)
        return Alignment(TEMPERATURE * cosines, weights)


class ZeroShotTagger(Tagger):
    """CLIP beside another tagger, over its tags where those are embedded by CLIP's text encoder, else over none.

    Pictures are cut to their centre square, as CLIP learnt them.
    """

    kind = "CLIP"

    def __init__(self, visual: nn.Module, encoder: TextEncoder, like: Tagger, config: ModelConfig) -> None:
        neutral = encoder.encode([NEUTRAL])[0]
        model: nn.Module = ZeroShotModel(visual, neutral)
        bank = _bank(like, encoder)
        super().__init__(config, model, bank, lambda: encoder, like.device, like.dtype)  # type: ignore[arg-type]
        image = config.image
        self.transform = EvalTransform(image.size, image.mean, image.std, image.interpolation, fit="crop")


def clip_is_here() -> bool:
    """Are CLIP's weights in this machine's cache, so that nothing is fetched?"""
    repository = "timm/vit_base_patch16_clip_224.openai"
    names = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
    return any(held_already(HubFile(repository, name)) for name in names)


def load_zero_shot(like: Tagger) -> ZeroShotTagger:
    """CLIP ViT-B/16 beside another tagger, on its device.

    Raises:
        TextEncoderError: the weights are not to be had.
    """
    shared = like.config.text_encoder == ClipTextEncoder.name
    encoder = like.text_encoder if shared else ClipTextEncoder(like.device)
    import open_clip

    whole = open_clip.create_model(_ARCHITECTURE, pretrained=_WEIGHTS)
    mean, std = whole.visual.image_mean, whole.visual.image_std
    image = ImageConfig("clip", whole.visual.image_size[0], tuple(mean), tuple(std), "bicubic")
    return ZeroShotTagger(whole.visual, encoder, like, ModelConfig(NAME, image, encoder.name, encoder.dim))


def _bank(like: Tagger, encoder: TextEncoder) -> TagEmbeddingBank:
    """The other tagger's tags where CLIP's text encoder has embedded them; else none, since all would take minutes."""
    if like.bank.text_encoder != encoder.name:
        return TagEmbeddingBank.build(TagDescriptions({}), encoder)
    return like.bank.with_thresholds(TagVocabulary.of(like.bank.vocabulary.tags).thresholds)
