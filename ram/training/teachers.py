"""Teachers of the distillation loss: target embeddings of images in the space of the text embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F

from ram.describers.wording import plain_prompt
from ram.errors import TeacherError
from ram.images.transforms import EvalTransform, TrainTransform
from ram.models.text_encoder import TextEncoder
from ram.proxies import through_proxy
from ram.training.data.decoding import open_training_picture
from ram.training.data.shards import ShardPicture
from ram.training.data_engine.imagenet import class_names


class Teacher(Protocol):
    """Gives the target embedding of each image's pooled token."""

    def teach(self, ids: torch.Tensor, pixels: torch.Tensor | None = None) -> torch.Tensor:
        """Return target embeddings.

        Args:
            ids: (batch,) indices of images.
            pixels: (batch, 3, size, size) the crops that the model sees, in the teacher's size and statistics, if any.

        Returns:
            (batch, dim) float32 without gradient; zeros for an image without a target.
        """
        ...


class FixedTeacher:
    """Returns precomputed (images, dim) embeddings."""

    def __init__(self, answers: torch.Tensor) -> None:
        self.answers = answers

    def teach(self, ids: torch.Tensor, pixels: torch.Tensor | None = None) -> torch.Tensor:
        """Return the (batch, dim) embeddings of images (batch,) on the CPU, whatever their crops."""
        return self.answers[ids]


def captions_teacher(captions: torch.Tensor, first_caption: torch.Tensor) -> FixedTeacher:
    """Use the normalized mean of an image's caption embeddings as its target.

    Args:
        captions: (all captions, dim) in the order of the images.
        first_caption: (images + 1,) where each image's captions begin.
    """
    owners = torch.arange(len(first_caption) - 1).repeat_interleave(first_caption.diff())
    sums = torch.zeros(len(first_caption) - 1, captions.shape[1]).index_add_(0, owners, captions[: len(owners)])
    return FixedTeacher(F.normalize(sums, dim=1))


def classifier_teacher(probabilities: torch.Tensor, text_encoder: TextEncoder) -> FixedTeacher:
    """Use the class names of an ImageNet classifier, embedded and averaged by probability, as an image's target.

    It replaces CLIP where CLIP's weights are not available: the classifier knows 1,000 classes, among them most
    everyday things, and the class names lie in the space of any text encoder (ConSE, Norouzi et al. 2014).

    Args:
        probabilities: (images, 1000).
        text_encoder: that of the trained model.
    """
    names = text_encoder.encode([plain_prompt(names[0]) for names in class_names()])
    return FixedTeacher(F.normalize(probabilities @ names, dim=1))


class ClipTeacher:
    """The image tower of CLIP ViT-B/16, whose text tower the official variants use (RAM++, appendix A).

    Its embeddings are not normalized, as in the published training. It sees the crops that the model sees, or the
    whole images where the model learns from cached features.

    Args:
        pictures: paths of all training images.
        device: where it runs.
        pretrained: weights of open_clip; None for random ones.

    Raises:
        TeacherError: its weights are neither cached nor can they be fetched.
    """

    name = "clip-vit-b-16"
    dim = 512
    view = TrainTransform(
        224, (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711), interpolation="bicubic"
    )
    """The transform of a crop."""

    def __init__(
        self,
        pictures: Sequence[Path | ShardPicture],
        device: torch.device | str = "cpu",
        pretrained: str | None = "openai",
    ) -> None:
        import ram.models.torchvision_shim  # noqa: F401, I001  (before open_clip)
        import open_clip
        from huggingface_hub import constants

        try:
            model = open_clip.create_model("ViT-B-16-quickgelu", pretrained=pretrained)
        except Exception as error:  # open_clip passes on whatever the hub client raises
            raise TeacherError(
                "the weights of CLIP ViT-B/16, the teacher, are neither cached nor could they be fetched from the "
                f"Hugging Face hub{through_proxy(constants.ENDPOINT)} ({type(error).__name__}): connect once, or name "
                'another teacher, such as "captions"'
            ) from None
        self.pictures = pictures
        self.device = torch.device(device)
        self.tower = model.visual.eval().requires_grad_(False).to(self.device)
        self.transform = EvalTransform(self.view.size, self.view.mean, self.view.std, self.view.interpolation)

    @torch.no_grad()
    def teach(self, ids: torch.Tensor, pixels: torch.Tensor | None = None) -> torch.Tensor:
        """Return the (batch, 512) embeddings of images (batch,) on the teacher's device, not normalized."""
        if pixels is None:
            pixels = torch.stack([self.transform(open_training_picture(self.pictures[i])) for i in ids.tolist()])
        return self.tower(pixels.to(self.device)).float()
