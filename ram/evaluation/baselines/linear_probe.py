"""Linear probe: logistic regression for each tag on a frozen image vector, taught with labelled images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image

from ram.errors import InputError
from ram.evaluation.benchmarks import Benchmark
from ram.evaluation.metrics import Floats
from ram.images.opening import open_image
from ram.runtime import Progress, quiet

DECAY = 1.0
"""Weight of half the squared weights against the summed loss of a tag, as scikit-learn's 1 / C."""
STEPS = 200


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """Weights of the probe.

    Args:
        weight: (tags, channels).
        bias: (tags,).
        mean, deviation: (channels,) of the training images.
    """

    weight: torch.Tensor
    bias: torch.Tensor
    mean: torch.Tensor
    deviation: torch.Tensor

    def logits(self, vectors: torch.Tensor) -> torch.Tensor:
        """(..., channels) image vectors to (..., tags) logits."""
        return (vectors - self.mean) / self.deviation @ self.weight.T + self.bias


def fit_probe(
    vectors: torch.Tensor, targets: NDArray[np.bool_], known: NDArray[np.bool_] | None = None, decay: float = DECAY
) -> LinearProbe:
    """Fit all tags together with L-BFGS; each is a problem of its own.

    Args:
        vectors: (images, channels) frozen features.
        targets: (images, tags).
        known: (images, tags), False where a decision does not count.
        decay: see :data:`DECAY`.

    Raises:
        InputError: there are fewer than two images.
    """
    if len(vectors) < 2:
        raise InputError("a linear probe needs at least two labelled pictures to learn from")
    mean, deviation = vectors.mean(dim=0), vectors.std(dim=0).clamp(min=1e-6)
    x = ((vectors - mean) / deviation).double()
    y = torch.from_numpy(np.ascontiguousarray(targets)).double()
    counts = torch.ones_like(y) if known is None else torch.from_numpy(np.ascontiguousarray(known)).double()
    weight = torch.zeros(y.shape[1], x.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(y.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=STEPS, tolerance_grad=1e-7, tolerance_change=1e-12, line_search_fn="strong_wolfe"
    )

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        wrong = F.binary_cross_entropy_with_logits(x @ weight.T + bias, y, weight=counts, reduction="sum")
        total = wrong + decay / 2 * weight.square().sum()
        total.backward()
        return total

    with torch.enable_grad():
        optimizer.step(loss)
    return LinearProbe(weight.detach().float(), bias.detach().float(), mean, deviation)


class ProbeTagger:
    """A fitted probe behind a frozen encoder.

    Args:
        encode: RGB image to (channels,) vector.
        probe: of these tags.
        tags: (tags,) in the probe's order.
        name: for tables.
    """

    probabilities = True

    def __init__(
        self,
        encode: Callable[[Image.Image], torch.Tensor],
        probe: LinearProbe,
        tags: Sequence[str],
        name: str = "linear-probe",
    ) -> None:
        self._encode, self._probe, self.tags, self.name = encode, probe, tuple(tags), name

    def score(self, picture: Image.Image) -> Floats:
        """Return (tags,) probabilities."""
        return self._probe.logits(self._encode(picture)).double().sigmoid().numpy()


def train_probe(
    encode: Callable[[Image.Image], torch.Tensor],
    benchmark: Benchmark,
    tags: Sequence[str],
    progress: Progress = quiet,
    decay: float = DECAY,
) -> ProbeTagger:
    """Encode the labelled images and fit a probe; a tag that they do not have is never predicted.

    Raises:
        InputError: no tag occurs in the labelled images.
        ImageError: an image cannot be read.
    """
    columns = {tag: column for column, tag in enumerate(benchmark.tags)}
    if not any(tag in columns for tag in tags):
        raise InputError(f"no tag to score occurs in {benchmark.name}: give labelled pictures with these tags")
    targets = np.zeros((len(benchmark.pictures), len(tags)), dtype=bool)
    known = np.ones_like(targets)
    for place, tag in enumerate(tags):
        if tag in columns:
            targets[:, place] = benchmark.targets[:, columns[tag]]
            if benchmark.known is not None:
                known[:, place] = benchmark.known[:, columns[tag]]
    vectors = []
    for done, path in enumerate(benchmark.pictures):
        progress("the linear probe looks at the labelled pictures", done, len(benchmark.pictures))
        vectors.append(encode(open_image(path)))
    return ProbeTagger(encode, fit_probe(torch.stack(vectors), targets, known, decay), tags)
