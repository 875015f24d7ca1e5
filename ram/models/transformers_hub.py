"""Load a model and its processor through transformers, with one clear sentence where weights cannot be had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ram.errors import DownloadError, MissingPackageError, RamError
from ram.proxies import through_proxy


def load_from_hub(
    kind: str,
    weights: str,
    device: torch.device | str = "cpu",
    refusal: Callable[[str], RamError] | None = None,
) -> tuple[Any, Any]:
    """Return the model in evaluation mode on the device, and its processor.

    Args:
        kind: class of transformers, such as "BlipForImageTextRetrieval".
        weights: a repository of the hub, or a folder as the hub has it.
        device: where it runs.
        refusal: the error to raise, from the reason; a ``DownloadError`` that asks to connect where None.

    Raises:
        RamError: the package is missing, or the weights are neither here nor can be fetched, or are of another kind.
    """
    import ram.models.torchvision_shim  # noqa: F401, I001  (before transformers imports torchvision)
    from huggingface_hub import constants

    try:
        import transformers
    except ImportError:
        raise MissingPackageError(f"{weights} needs transformers: pip install 'ram[transformers]'") from None

    try:
        processor = transformers.AutoProcessor.from_pretrained(weights)
        model = getattr(transformers, kind).from_pretrained(weights)
    except (OSError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        if refusal is not None:
            raise refusal(reason) from None
        raise DownloadError(
            f"{weights} could not be loaded from here or the Hugging Face hub{through_proxy(constants.ENDPOINT)} "
            f"({reason}): connect once, or give a folder of weights"
        ) from None
    return model.eval().requires_grad_(False).to(device), processor
