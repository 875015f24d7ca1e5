"""What "auto" stands for on a CPU, and files that are written in one step."""

import os

import pytest
import torch
from torch import nn

import ram.runtime
from ram.errors import InputError
from ram.runtime import LARGE_MODEL, atomic_write, choose_dtype, fastest_dtype, find_device

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


@pytest.mark.parametrize(
    "name, gpus, reason",
    [
        ("mps", 0, "it is the GPU of a Mac with an Apple chip; use auto or cpu"),
        ("cuda", 0, "the installed PyTorch has no CUDA; install one that has, or use cpu"),
        ("gpu", 0, "use auto or cpu; an NVIDIA GPU is called cuda"),
        ("meta", 0, "use auto or cpu"),
        ("cpu:x", 0, "use auto or cpu"),
        ("", 0, "use auto or cpu"),
        ("xpu", 2, "use auto or cpu or cuda"),
        ("cuda:7", 1, "this machine has 1 GPU, cuda:0"),
        ("CUDA:7", 2, "this machine has 2 GPUs, cuda:0 to cuda:1"),
    ],
)
def test_a_device_that_cannot_be_used_is_explained_in_our_words(monkeypatch, name, gpus, reason):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: False)

    def zeros(*_, device):
        raise RuntimeError("If you are a Facebook employee, ...")

    if name.lower() not in ("meta", "cpu:x", ""):
        monkeypatch.setattr(torch, "zeros", zeros)
    with pytest.raises(InputError) as caught:
        find_device(name)
    assert str(caught.value) == f"device {name!r} cannot be used here: {reason}"


def test_device_names_may_be_in_capitals():
    assert find_device("CPU") == find_device(" cpu ") == CPU


def test_a_new_file_has_the_mode_of_any_other_and_the_umask_of_the_process_stays(tmp_path, monkeypatch):
    """The umask is one for all threads: to read it is to change it."""
    (tmp_path / "other").touch()
    monkeypatch.setattr(os, "umask", None)
    with atomic_write(tmp_path / "new") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_file_that_is_replaced_keeps_its_mode_even_where_nobody_may_write_to_it(tmp_path):
    """Its folder may be written to, and that is what counts."""
    path = tmp_path / "old"
    path.touch()
    path.chmod(0o440)
    with atomic_write(path) as temporary:
        assert temporary.stat().st_mode & 0o777 == 0o600
        temporary.write_text("new")
    assert path.read_text() == "new" and path.stat().st_mode & 0o777 == 0o440
