"""Smaller ONNX graphs: weights stored in float16, or matrices and convolutions computed in int8."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LEAST = 1024
"""Numbers from which a weight is worth storing in float16."""


def store_half(path: Path) -> None:
    """Store large weights of a graph in float16, in place; it computes in float32 as before.

    The runtime widens them once, as it loads the graph, so that this costs no time and needs no processor with float16.
    """
    model = onnx.load(path)
    casts = []
    for weight in model.graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < LEAST:
            continue
        wide, narrow = weight.name, f"{weight.name}.half"
        array = numpy_helper.to_array(weight)
        weight.CopyFrom(numpy_helper.from_array(array.astype(np.float16), narrow))
        casts.append(helper.make_node("Cast", [narrow], [wide], f"widen {wide}", to=TensorProto.FLOAT))
    _put_first(model, casts)
    onnx.save(model, path)


def quantize(path: Path, target: Path, examples: Iterable[Mapping[str, np.ndarray]]) -> None:
    """Write a graph whose convolutions and matrix products are computed in int8, by the ranges of example inputs.

    Args:
        path: the graph in float32.
        target: the graph to write.
        examples: its inputs by name, for typical photos.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantType, quantize_static
    from onnxruntime.quantization.calibrate import CalibrationDataReader
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.rows = iter(examples)

        def get_next(self) -> Any:
            return next(self.rows, None)

    prepared = target.with_suffix(".prepared.onnx")
    quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
    try:
        quantize_static(
            str(prepared), str(target), Reader(), per_channel=True, calibrate_method=CalibrationMethod.MinMax,
            op_types_to_quantize=["Conv", "MatMul", "Gemm"], weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8, extra_options={"CalibMovingAverage": True},
        )  # fmt: skip
    finally:
        prepared.unlink(missing_ok=True)


def store_bytes(path: Path) -> None:
    """Store large matrices of a graph in 8 bits, in place, each row with a scale; it computes in float32 as before."""
    model = onnx.load(path)
    widen = []
    for weight in list(model.graph.initializer):
        if weight.data_type != TensorProto.FLOAT or len(weight.dims) != 2 or np.prod(weight.dims) < LEAST:
            continue
        name, array = weight.name, numpy_helper.to_array(weight)
        scale = np.maximum(np.abs(array).max(axis=1, keepdims=True), 1e-12) / 127
        weight.CopyFrom(numpy_helper.from_array(np.rint(array / scale).astype(np.int8), f"{name}.bytes"))
        model.graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale"))
        widen.append(helper.make_node("Cast", [f"{name}.bytes"], [f"{name}.wide"], to=TensorProto.FLOAT))
        widen.append(helper.make_node("Mul", [f"{name}.wide", f"{name}.scale"], [name]))
    _put_first(model, widen)
    onnx.save(model, path)


def fix_inputs(path: Path, values: Mapping[str, np.ndarray]) -> None:
    """Make constants of some inputs of a graph, in place: the runtime computes what depends on them alone once."""
    model = onnx.load(path)
    free = [node for node in model.graph.input if node.name not in values]
    del model.graph.input[:]
    model.graph.input.extend(free)
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in values.items())
    onnx.save(model, path)


def _put_first(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto]) -> None:
    everything = [*nodes, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(everything)
