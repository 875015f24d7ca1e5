"""Zero-shot CLIP as a tagger to compare with: no training on tags and no decoder, only cosines with sentences.

CLIP ranks sentences against each other. For a probability that no other tag changes, a tag's sentences are compared
with one sentence that fits every photo: how much likelier are they than "a photo."?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import nn

from ram.checkpoints.download import find_cached
from ram.checkpoints.registry import HubFile
from ram.evaluation.baselines.two_towers import NEUTRAL
from ram.images.given import Source
from ram.images.opening import open_image
from ram.images.transforms import EvalTransform
from ram.models.config import ImageConfig, ModelConfig
from ram.models.image_encoder import ImageFeatures
from ram.models.text_encoder import ClipTextEncoder, TextEncoder
from ram.prediction import Prediction
from ram.tagger import Tagger
from ram.text.bank import TagEmbeddingBank
from ram.text.descriptions import TagDescriptions
from ram.text.vocabulary import TagVocabulary

NAME = "clip-vit-b-16-zero-shot"
TEMPERATURE = 100.0
"""Factor of CLIP's cosines; the same in all its released weights."""
ABSENT = "CLIP is not compared with them: the weights of its ViT-B/16 are not on this machine."

_ARCHITECTURE, _WEIGHTS = "ViT-B-16-quickgelu", "openai"


class ZeroShotTagger:
    """CLIP as a :class:`ram.backends.TaggerBackend`; its one term of evidence is named "cosine".

    Images are cut to their centre square, as in CLIP's training.

    Args:
        visual: image tower, (batch, 3, height, width) pixels to (batch, dim); the tagger runs it on ``like.device``.
        encoder: CLIP's text encoder.
        like: tagger to compare with. Its tags are taken where CLIP's text encoder has embedded them, else none.
        config: name, image statistics and text encoder.
    """

    kind = "CLIP"

    def __init__(self, visual: nn.Module, encoder: TextEncoder, like: Tagger, config: ModelConfig) -> None:
        self.config = config
        self.device, self.dtype = like.device, like.dtype
        self.text_encoder = encoder
        self.bank = _bank(like, encoder).to(self.device, self.dtype)
        image = config.image
        self.transform = EvalTransform(image.size, image.mean, image.std, image.interpolation, fit="crop")
        self._visual = visual.to(self.device, self.dtype).eval().requires_grad_(False)
        self._neutral = encoder.encode([NEUTRAL])[0].to(self.device, self.dtype)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.config.name

    def tag(self, picture: Source) -> Prediction:
        """Score one image over the predefined tags; ImageError where it cannot be opened."""
        return self.score(self.look(picture))

    def look(self, picture: Source) -> ImageFeatures:
        """Run the image tower once: features of one token; ImageError where the image cannot be opened."""
        return self.look_at_pixels(self.transform(open_image(picture))[None])

    @torch.inference_mode()
    def look_at_pixels(self, pixels: torch.Tensor) -> ImageFeatures:
        """Run the image tower on (batch, 3, size, size) pixels."""
        return ImageFeatures(F.normalize(self._visual(pixels.to(self.device, self.dtype)), dim=-1)[:, None])

    @torch.inference_mode()
    def score(self, features: ImageFeatures, bank: TagEmbeddingBank | None = None) -> Prediction:
        """Score features over a bank of CLIP's text encoder; all descriptions of a tag weigh the same."""
        bank = self.bank if bank is None else bank
        embedded = bank.embedded.to(self.device, self.dtype)
        tags = F.normalize(embedded.mean(), dim=-1)
        logits = (TEMPERATURE * features.pooled @ (tags - self._neutral).T)[0].float().cpu()
        mask = bank.mask.cpu()
        weights = mask / mask.sum(dim=1, keepdim=True)
        probabilities = logits.sigmoid().numpy()
        return Prediction(bank.vocabulary, bank.sentences, probabilities, weights.numpy(), {"cosine": logits.numpy()})

    def embed(self, descriptions: Mapping[str, Sequence[str]] | TagDescriptions) -> TagEmbeddingBank:
        """A bank of new categories from their descriptions."""
        if not isinstance(descriptions, TagDescriptions):
            descriptions = TagDescriptions(descriptions)
        return TagEmbeddingBank.build(descriptions, self.text_encoder).refuse_equal().to(self.device, self.dtype)


def clip_is_here() -> bool:
    """Whether CLIP's weights are in this machine's cache, so that nothing is fetched."""
    repository = "timm/vit_base_patch16_clip_224.openai"
    names = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
    return any(find_cached(HubFile(repository, name)) for name in names)


def load_zero_shot(like: Tagger) -> ZeroShotTagger:
    """CLIP ViT-B/16 beside another tagger, on its device.

    Raises:
        TextEncoderError: the weights are not to be had.
    """
    shared = like.config.text_encoder == ClipTextEncoder.name
    encoder = like.text_encoder if shared else ClipTextEncoder(like.device)
    import open_clip

    clip = open_clip.create_model(_ARCHITECTURE, pretrained=_WEIGHTS)
    mean, std = clip.visual.image_mean, clip.visual.image_std
    image = ImageConfig("clip", clip.visual.image_size[0], tuple(mean), tuple(std), "bicubic")
    return ZeroShotTagger(clip.visual, encoder, like, ModelConfig(NAME, image, encoder.name, encoder.dim))


def _bank(like: Tagger, encoder: TextEncoder) -> TagEmbeddingBank:
    """The other tagger's tags where this text encoder has embedded them; else none, as all would take minutes."""
    if like.bank.text_encoder != encoder.name:
        return TagEmbeddingBank.build(TagDescriptions({}), encoder)
    return like.bank.with_thresholds(TagVocabulary.of(like.bank.vocabulary.tags).thresholds)
