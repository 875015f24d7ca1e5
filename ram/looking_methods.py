"""The methods of a tagger that look at images: the image encoder runs once for each, and everything else follows."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable, Iterator

import torch

from ram.errors import ImageError
from ram.images.given import Source, numbered
from ram.images.opening import open_image
from ram.images.reading import read_batches
from ram.images.size_limits import OWN_FILES, ImageLimits
from ram.images.transforms import EvalTransform
from ram.models.image_encoder import ImageFeatures
from ram.models.ram import TaggingModel

BATCH, CPU_BATCH = 32, 4
"""Images that go through the image encoder together; on a CPU, larger batches cost more memory and save no time."""
CPU_RUN = 1
"""Images of a long run that do so on a CPU: in a batch the last digits of an image's features may depend on its place
there, while the small models save an eighth of a look by it, and large ones nothing."""


class LookingMethods(ABC):
    """Features by the image encoder of a tagger's model; :class:`ram.tagger.Tagger` has the rest.

    Attributes:
        model: the network.
        transform: image to pixels.
        device, dtype: where and how the network runs.
    """

    model: TaggingModel
    transform: EvalTransform
    device: torch.device
    dtype: torch.dtype

    @property
    def batch_size(self) -> int:
        """Images that go through the image encoder together."""
        return CPU_BATCH if self.device.type == "cpu" else BATCH

    def look(self, picture: Source) -> ImageFeatures:
        """Run the image encoder once: all that any later scoring of this image needs.

        Args:
            picture: a path, the bytes of a file, a file opened in binary mode, a PIL image, or a numpy array of uint8:
                (height, width), (height, width, 3) in RGB order or (height, width, 4). OpenCV reads BGR: give
                ``array[:, :, ::-1]``.

        Raises:
            ImageTypeError: a value of another type.
            ImageError: the image cannot be opened; the message says why.
        """
        return self.look_at_pixels(self.transform(open_image(picture))[None])

    def look_through(
        self, images: Iterable[Source], workers: int = 0, limits: ImageLimits = OWN_FILES
    ) -> Iterator[ImageFeatures | ImageError]:
        """Look at many images, in batches that are read ahead of the model.

        The features of an image do not depend on the others, so that a run that goes on after a stop ends as one
        without: all batches have the same size, and one with fewer images is filled up with copies of its last.

        Args:
            images: what :meth:`look` takes; they may be endless.
            workers: processes that read, see :func:`ram.images.reading.read_ahead`.
            limits: on each image.

        Yields:
            The features of each image in order, or the error where it cannot be used.
        """
        size = CPU_RUN if self.device.type == "cpu" else self.batch_size
        for batch in read_batches(images, self.transform, size, workers, limits):
            features = self.look_at_pixels(_filled(batch.pixels, size)) if len(batch.pixels) else None
            index = 0
            for fault in batch.faults:
                if fault is not None:
                    yield fault
                elif features is not None:
                    yield features.rows(slice(index, index + 1))
                    index += 1

    @torch.inference_mode()
    def look_at_pixels(self, pixels: torch.Tensor) -> ImageFeatures:
        """Run the image encoder on (batch, 3, size, size) pixels that :attr:`transform` made."""
        return self.model.look(pixels.to(self.device, self.dtype))

    def _look_each(self, images: Iterable[Source]) -> Iterator[ImageFeatures]:
        for number, features in enumerate(self.look_through(images), 1):
            if isinstance(features, ImageError):
                raise numbered(features, number)
            yield features


def _filled(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """(size, 3, side, side): images with copies of the last behind them."""
    return torch.cat([pixels, pixels[-1:].expand(size - len(pixels), -1, -1, -1)])
