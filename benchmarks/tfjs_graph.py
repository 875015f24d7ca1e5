"""Run a TensorFlow.js graph model with torch: the few operations that a plain convolutional detector consists of."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ram.errors import InputError

STORED = {"float16": np.float16, "float32": np.float32, "int32": np.int32}


class GraphModel:
    """A graph with its weights.

    Args:
        file: ``model.json``; the weights lie beside it.
        precision: of the weights and of what is computed.

    Raises:
        InputError: the files do not belong together.
    """

    def __init__(self, file: Path, precision: torch.dtype = torch.float32) -> None:
        self._precision = precision
        document = json.loads(file.read_text(encoding="utf-8"))
        self._nodes = document["modelTopology"]["node"]
        self._weights: dict[str, torch.Tensor] = {}
        for group in document["weightsManifest"]:
            raw = b"".join((file.parent / path).read_bytes() for path in group["paths"])
            self._read(raw, group["weights"], file.name)

    def _read(self, raw: bytes, entries: list[dict[str, Any]], name: str) -> None:
        start = 0
        for entry in entries:
            stored = np.dtype(STORED[entry.get("quantization", entry)["dtype"]])
            values = np.frombuffer(raw, stored, int(np.prod(entry["shape"], dtype=int)), start)
            start += values.nbytes
            weight = torch.from_numpy(values.reshape(entry["shape"]).astype(np.float32))
            self._weights[entry["name"]] = weight.to(torch.int64 if stored == np.int32 else self._precision)
        if start != len(raw):
            raise InputError(f"the weights of {name} have {len(raw)} bytes in place of {start}: fetch both files again")

    @torch.inference_mode()
    def __call__(self, images: torch.Tensor, outputs: list[str]) -> list[torch.Tensor]:
        """Return the named outputs for a batch in the layout of the graph's placeholder; nothing else is computed."""
        values, needed = dict(self._weights), self._needed(outputs)
        for node in self._nodes:
            if node["op"] == "Placeholder":
                values[node["name"]] = images.to(self._precision)
            elif node["op"] != "Const" and node["name"] in needed:
                values[node["name"]] = _apply(node, [values[_name(key)] for key in node["input"]])
        return [values[_name(key)] for key in outputs]

    def _needed(self, outputs: list[str]) -> set[str]:
        """Names of the nodes on which the outputs depend."""
        needed = {_name(key) for key in outputs}
        for node in reversed(self._nodes):  # a node stands after its inputs
            if node["name"] in needed:
                needed |= {_name(key) for key in node.get("input", ())}
        return needed


def _name(key: str) -> str:
    """Return the node's name of one of its outputs: no node here has two."""
    return key.partition(":")[0]


def _apply(node: dict[str, Any], x: list[torch.Tensor]) -> torch.Tensor:
    attributes = node.get("attr", {})
    match node["op"]:
        case "Identity":
            return x[0]
        case "Add" | "AddV2":
            return x[0] + x[1]
        case "Sigmoid":
            return x[0].sigmoid()
        case "Mul":
            return x[0] * x[1]
        case "Transpose":
            return x[0].permute(*x[1].tolist())
        case "ConcatV2":
            return torch.cat(x[:-1], int(x[-1]))
        case "Pad" | "PadV2":
            pads = [side for row in reversed(x[1].tolist()) for side in row]
            return F.pad(x[0], pads, value=float(x[2]) if len(x) > 2 else 0.0)
        case "ResizeNearestNeighbor":  # twice as large: the sides it names are those of the image it was saved with
            return _last(F.interpolate(_first(x[0]), scale_factor=2, mode="nearest"))
        case "Conv2D" | "_FusedConv2D":
            weight, stride = x[1].permute(3, 2, 0, 1), _sides(attributes, "strides")
            image = _pad(_first(x[0]), weight.shape[2:], stride, attributes, 0.0)
            return _last(F.conv2d(image, weight, *x[2:], stride=stride))  # what is fused is the bias
        case "MaxPool":
            size, stride = _sides(attributes, "ksize"), _sides(attributes, "strides")
            return _last(F.max_pool2d(_pad(_first(x[0]), size, stride, attributes, -torch.inf), size, stride))
    raise InputError(f"the graph has an operation {node['op']}, which is not known here")


def _first(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 3, 1, 2)


def _last(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 2, 3, 1)


def _sides(attributes: dict[str, Any], name: str) -> list[int]:
    return [int(value) for value in attributes[name]["list"]["i"]][1:3]


def _pad(image: torch.Tensor, size: Any, stride: list[int], attributes: dict[str, Any], value: float) -> torch.Tensor:
    """Pad as TensorFlow's "SAME" does: more at the right and the bottom."""
    if base64.b64decode(attributes["padding"]["s"]) != b"SAME":
        return image
    pads: list[int] = []
    for length, span, step in zip(reversed(image.shape[2:]), reversed(size), reversed(stride), strict=True):
        missing = max((-(-length // step) - 1) * step + span - length, 0)
        pads += [missing // 2, missing - missing // 2]
    return F.pad(image, pads, value=value)
