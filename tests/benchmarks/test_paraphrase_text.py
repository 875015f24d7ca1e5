"""The second text encoder of Table 13: its weights out of an ONNX graph."""

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from benchmarks.paraphrase_text import published_weights


def test_weights_have_the_names_of_bert_and_matrices_those_of_their_products(tmp_path):
    rng = np.random.default_rng(0)
    bias, matrix, other = (rng.normal(size=shape).astype(np.float32) for shape in ((2,), (3, 2), (2, 2)))
    path = "/model/model.0/auto_model/encoder/layer.0/attention/self/query"
    nodes = [
        helper.make_node("MatMul", ["x", "onnx::MatMul_1"], ["product"], name=f"{path}/MatMul"),
        helper.make_node("MatMul", ["product", "product"], ["y"], name=f"{path}/MatMul_1"),
    ]
    stored = [
        numpy_helper.from_array(bias, "model.0.auto_model.encoder.layer.0.attention.self.query.bias"),
        numpy_helper.from_array(matrix, "onnx::MatMul_1"),
        numpy_helper.from_array(other, "onnx::Pad_2"),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    onnx.save(helper.make_model(helper.make_graph(nodes, "toy", ends[:1], ends[1:], stored)), tmp_path / "toy.onnx")
    weights = dict(published_weights(tmp_path / "toy.onnx"))
    layer = "encoder.layer.0.attention.self.query"
    assert set(weights) == {f"{layer}.bias", f"{layer}.weight"}
    assert torch.equal(weights[f"{layer}.weight"], torch.from_numpy(matrix.T))
    assert torch.equal(weights[f"{layer}.bias"], torch.from_numpy(bias))
