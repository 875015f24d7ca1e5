"""Teachers: what a picture's pooled token is to be like, in the space of the text embeddings (the distillation)."""

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
from ram.training.data.decoding import open_training_picture
from ram.training.data.shards import ShardPicture
from ram.training.data_engine.imagenet import class_names


class Teacher(Protocol):
    """Gives each picture an embedding that the pooled token is drawn to."""

    def teach(self, ids: torch.Tensor, pixels: torch.Tensor | None = None) -> torch.Tensor:
        """What it makes of pictures.

        Args:
            ids: (n,) their positions.
            pixels: (n, 3, size, size) the crops that the model sees, as the teacher wants them, where there are any.

        Returns:
            (n, dim) float32 without gradient; zeros for a picture it has nothing to say of.
        """
        ...


class FixedTeacher:
    """Knows its (pictures, dim) answers beforehand."""

    def __init__(self, answers: torch.Tensor) -> None:
        self.answers = answers

    def teach(self, ids: torch.Tensor, pixels: torch.Tensor | None = None) -> torch.Tensor:
        """(n,) picture positions to (n, dim) on the CPU, whatever is seen of them."""
        return self.answers[ids]


def captions_teacher(captions: torch.Tensor, first_caption: torch.Tensor) -> FixedTeacher:
    """The direction of the mean of a picture's captions, of length 1.

    Args:
        captions: (all captions, dim) in the order of the pictures.
        first_caption: (pictures + 1,) where each picture's captions begin.
    """
    owners = torch.arange(len(first_caption) - 1).repeat_interleave(first_caption.diff())
    sums = torch.zeros(len(first_caption) - 1, captions.shape[1]).index_add_(0, owners, captions[: len(owners)])
    return FixedTeacher(F.normalize(sums, dim=1))


def classifier_teacher(probabilities: torch.Tensor, text_encoder: TextEncoder) -> FixedTeacher:
    """The class names that an ImageNet classifier expects, embedded, of length 1.

    Stands in for CLIP where its weights are not to be had: what it knows of 1,000 classes, among them most everyday
    things, in the space of any text encoder (the convex combination of Norouzi et al. 2014).

    Args:
        probabilities: (pictures, 1000).
        text_encoder: of the model that learns.
    """
    names = text_encoder.encode([plain_prompt(names[0]) for names in class_names()])
    return FixedTeacher(F.normalize(probabilities @ names, dim=1))


class ClipTeacher:
    """The image tower of CLIP ViT-B/16, beside whose text tower the official variants learn (RAM++, appendix A).

    Its embeddings are not normalised, in the published training neither. It sees the crops that the model sees, or the
    whole pictures where the model learns from cached features.

    Args:
        pictures: paths of all training pictures.
        device: where it runs.
        pretrained: weights of open_clip; None for random ones.

    Raises:
        TeacherError: its weights are neither cached nor to be fetched.
    """

    name = "clip-vit-b-16"
    dim = 512
    view = TrainTransform(
        224, (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711), interpolation="bicubic"
    )
    """How it sees a crop."""

    def __init__(
        self,
        pictures: Sequence[Path | ShardPicture],
        device: torch.device | str = "cpu",
        pretrained: str | None = "openai",
    ) -> None:
        import ram.models.torchvision_shim  # noqa: F401, I001  (before open_clip)
        import open_clip

        try:
            model = open_clip.create_model("ViT-B-16-quickgelu", pretrained=pretrained)
        except Exception as error:  # open_clip passes on whatever the hub client raises
            raise TeacherError(
                "the weights of CLIP ViT-B/16, the teacher, are neither cached nor could they be fetched from the "
                f'Hugging Face hub ({type(error).__name__}): connect once, or name another teacher, such as "captions"'
            ) from None
        self.pictures = pictures
        self.device = torch.device(device)
        self.tower = model.visual.eval().requires_grad_(False).to(self.device)
        self.see = EvalTransform(self.view.size, self.view.mean, self.view.std, self.view.interpolation)

    @torch.no_grad()
    def teach(self, ids: torch.Tensor, pixels: torch.Tensor | None = None) -> torch.Tensor:
        """(n,) picture positions to (n, 512) on the teacher's device, of CLIP's own length."""
        if pixels is None:
            pixels = torch.stack([self.see(open_training_picture(self.pictures[i])) for i in ids.tolist()])
        return self.tower(pixels.to(self.device)).float()
