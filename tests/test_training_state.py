"""A saved state puts everything back exactly, or says why it cannot."""

import copy

import pytest
import torch
from torch import nn

import ram.training.state
from ram.training.average import RunningAverage
from ram.training.state import load_state, save_state


def make(width=4):
    """A model with buffers, its average and its optimizer in two groups."""
    model = nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Linear(width, 1))
    groups = [{"params": [p for p in model.parameters() if p.ndim == n], "weight_decay": n - 1.0} for n in (1, 2)]
    return model, RunningAverage(model, 0.9), torch.optim.AdamW(groups, lr=0.1)


def train(parts, steps=3):
    model, average, optimizer = parts
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(5, 3)).square().sum().backward()
        optimizer.step()
        average.update()


def everything(parts):
    """All tensors and numbers, flat."""
    model, average, optimizer = parts
    moments = {f"{i}/{n}": t for i, state in optimizer.state_dict()["state"].items() for n, t in state.items()}
    return {**model.state_dict(), **{f"average/{n}": t for n, t in average.weights.items()}, **moments}, average.steps


def assert_same(first, second):
    (tensors, steps), (others, other_steps) = everything(first), everything(second)
    assert steps == other_steps and tensors.keys() == others.keys()
    for name, tensor in tensors.items():
        assert tensor.dtype == others[name].dtype and torch.equal(tensor, others[name]), name


def test_every_tensor_comes_back_exactly_and_training_goes_on_alike(tmp_path):
    first, second = make(), make()
    train(first)
    save_state(tmp_path / "state.safetensors", *first, 7)
    assert load_state(tmp_path / "state.safetensors", *second) == 7
    assert_same(first, second)
    for parts in (first, second):
        torch.manual_seed(5)
        train(parts)
    assert_same(first, second)


def test_a_kill_while_writing_leaves_the_old_state(tmp_path, monkeypatch):
    path = tmp_path / "state.safetensors"
    old = make()
    train(old)
    save_state(path, *old, 1)
    kept = copy.deepcopy(everything(old))

    def killed(tensors, target):
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(ram.training.state, "save_file", killed)
    train(old)
    with pytest.raises(KeyboardInterrupt):
        save_state(path, *old, 2)
    again = make()
    assert load_state(path, *again) == 1
    assert all(torch.equal(tensor, kept[0][name]) for name, tensor in everything(again)[0].items())


def test_a_state_of_another_recipe_is_refused(tmp_path):
    path, parts = tmp_path / "state.safetensors", make()
    train(parts)
    save_state(path, *parts, 1)
    with pytest.raises(ValueError, match=r"state\.safetensors does not continue this recipe .*--output") as raised:
        load_state(path, *make(width=5))
    assert "\n" not in str(raised.value)


def test_a_broken_state_is_refused(tmp_path):
    path = tmp_path / "state.safetensors"
    path.write_bytes(b"not a state")
    with pytest.raises(ValueError, match=r"state\.safetensors does not continue this recipe"):
        load_state(path, *make())
