"""A model whose weights, gradients and optimizer state are divided among the processes (FSDP2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from ram.models.ram import TaggingModel


class ShardedModel(nn.Module):
    """Runs the steps of a sharded model, with its weights whole for as long as they are needed.

    Single numbers, such as the scale of the re-weighting, stay whole in every process.

    Args:
        model: becomes sharded, in place: its parameters are DTensors, and an optimizer is made of these.
        device: of this process.
        processes: all of them have a part.
    """

    def __init__(self, model: TaggingModel, device: torch.device, processes: int) -> None:
        from timm.models.swin_transformer import SwinTransformerBlock

        super().__init__()
        self.model = model
        mesh = init_device_mesh(device.type, (processes,))
        for module in model.image_encoder.backbone.modules():
            if isinstance(module, SwinTransformerBlock):  # whole one after the other
                fully_shard(module, mesh=mesh)
        self._numbers = [parameter for parameter in model.parameters() if not parameter.ndim]
        fully_shard(self, mesh=mesh, ignored_params=set(self._numbers))

    def forward(self, step: Callable[..., tuple[torch.Tensor, torch.Tensor]], *given: Any) -> Any:
        """Return what a step returns; see :class:`ram.training.step.Step`."""
        total, losses = step(*given)
        # a weight without gradient in one process, which has no captions for instance, has one in another
        idle = [p.sum() for p in self.model.parameters() if p.requires_grad and not isinstance(p, DTensor)]
        return total + 0.0 * torch.stack(idle).sum() if idle else total, losses

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Keep the gradients of the block in this process, to be added to later ones."""
        assert isinstance(self, FSDPModule), "fully_shard makes it one"
        self.set_requires_gradient_sync(False)
        try:
            yield
        finally:
            self.set_requires_gradient_sync(True)


    def clip_gradients(self, most: float) -> float:
        """Scale the gradients, so that their norm is at most so much; return the norm before."""
        for number in self._numbers:
            if number.grad is not None:  # the others are averaged already
                distributed.all_reduce(number.grad)
                number.grad /= distributed.get_world_size()
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        parts = [gradient.to_local() for gradient in gradients if isinstance(gradient, DTensor)]
        numbers = [gradient for gradient in gradients if not isinstance(gradient, DTensor)]
        total = sum((part.float().square().sum() for part in parts), torch.zeros((), device=gradients[0].device))
        distributed.all_reduce(total)
        norm = sum((number.square() for number in numbers), total).sqrt()
        for part in (*parts, *numbers):
            part.mul_((most / (norm + 1e-6)).clamp(max=1.0))
        return norm.item()


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor with the parts of all processes, which call this alike; a plain one as it is."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def whole_on_cpu(tensors: Mapping[str, torch.Tensor], wanted: bool) -> dict[str, torch.Tensor]:
    """Gather tensors one after the other; the processes that want them keep them, on the CPU."""
    kept = {}
    for name, tensor in tensors.items():
        gathered = whole(tensor.detach())
        if wanted:
            kept[name] = gathered.cpu().clone().contiguous()  # clones: safetensors refuses tensors that share memory
    return kept


def as_part_of(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return this process's part of a whole tensor that all have, where ``like`` is sharded."""
    if not isinstance(like, DTensor):
        return tensor
    return distribute_tensor(tensor.to(like.device, like.dtype), like.device_mesh, like.placements)
