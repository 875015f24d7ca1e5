"""What "auto" stands for on a CPU."""

import pytest
import torch
from torch import nn

import ram.runtime
from ram.runtime import LARGE_MODEL, choose_dtype, fastest_dtype

CPU = torch.device("cpu")


def model(parameters):
    with torch.device("meta"):
        return nn.Linear(parameters, 1, bias=False)


@pytest.mark.parametrize(
    "parameters, has_it, wanted",
    [(LARGE_MODEL, True, torch.bfloat16), (LARGE_MODEL, False, torch.float32), (LARGE_MODEL - 1, True, torch.float32)],
)
def test_large_models_use_bfloat16_where_supported(parameters, has_it, wanted, monkeypatch):
    monkeypatch.setattr(ram.runtime, "has_bfloat16", lambda: has_it)
    assert fastest_dtype(model(parameters)) == choose_dtype("auto", model(parameters), CPU) == wanted


def test_other_devices_do_not_ask_the_processor(monkeypatch):
    monkeypatch.setattr(ram.runtime, "has_bfloat16", lambda: True)
    assert choose_dtype("auto", model(LARGE_MODEL), torch.device("cuda")) == torch.float16
    assert choose_dtype("auto", model(LARGE_MODEL), torch.device("mps")) == torch.float32


def test_bfloat16_support_is_found_without_an_error():
    assert ram.runtime.has_bfloat16() in (True, False)
