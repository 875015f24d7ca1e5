"""A saved state puts everything back exactly, or says why it cannot."""

import copy

import pytest
import torch
from torch import nn

import ram.training.state
from ram.training.state import Position, RunningAverage, TrainingState


def make(width=4):
    """A model with buffers, its average and its optimizer in two groups."""
    model = nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Linear(width, 1))
    groups = [{"params": [p for p in model.parameters() if p.ndim == n], "weight_decay": n - 1.0} for n in (1, 2)]
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    return TrainingState(model, RunningAverage(model, 0.9), torch.optim.AdamW(groups, lr=0.1), scaler)


def train(state, steps=3):
    for _ in range(steps):
        state.optimizer.zero_grad()
        state.scaler.scale(state.model(torch.randn(5, 3)).square().sum()).backward()
        state.scaler.step(state.optimizer)
        state.scaler.update()
        state.average.update()


def everything(state):
    """All tensors and numbers, flat."""
    moments = {f"{i}/{n}": t for i, s in state.optimizer.state_dict()["state"].items() for n, t in s.items()}
    averages = {f"average/{name}": tensor for name, tensor in state.average.weights.items()}
    return {**state.model.state_dict(), **averages, **moments}, (state.average.steps, state.scaler.state_dict())


def assert_same(first, second):
    (tensors, steps), (others, other_steps) = everything(first), everything(second)
    assert steps == other_steps and tensors.keys() == others.keys()
    for name, tensor in tensors.items():
        assert tensor.dtype == others[name].dtype and torch.equal(tensor, others[name]), name


def test_a_loaded_state_is_exact_and_trains_on_alike(tmp_path):
    first, second = make(), make()
    train(first)
    position = Position(epoch=7, step=2, steps=9, losses={"tagging": 0.1 + 0.2}, seconds=1.5, log=77)
    first.save(tmp_path / "state.safetensors", position)
    assert second.load(tmp_path / "state.safetensors", steps=9) == position
    assert_same(first, second)
    for state in (first, second):
        torch.manual_seed(5)
        train(state)
    assert_same(first, second)


def test_a_kill_while_writing_leaves_the_old_state(tmp_path, monkeypatch):
    path = tmp_path / "state.safetensors"
    old = make()
    train(old)
    old.save(path, Position(1))
    kept = copy.deepcopy(everything(old))

    def killed(tensors, target, metadata):
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(ram.training.state, "save_file", killed)
    train(old)
    with pytest.raises(KeyboardInterrupt):
        old.save(path, Position(2))
    again = make()
    assert again.load(path, steps=3) == Position(1)
    assert all(torch.equal(tensor, kept[0][name]) for name, tensor in everything(again)[0].items())


def test_two_runs_that_save_to_one_file_do_not_collide(tmp_path, monkeypatch):
    path, first, second = tmp_path / "state.safetensors", make(), make()
    train(second)
    save_file = ram.training.state.save_file

    def save_in_between(tensors, target, metadata):
        monkeypatch.setattr(ram.training.state, "save_file", save_file)
        save_file(tensors, target, metadata)
        second.save(path, Position(2))

    monkeypatch.setattr(ram.training.state, "save_file", save_in_between)
    first.save(path, Position(1))
    assert make().load(path, steps=3) == Position(1)  # the last one wins
    assert list(tmp_path.iterdir()) == [path]


def test_a_state_of_another_recipe_is_refused(tmp_path):
    path, state = tmp_path / "state.safetensors", make()
    train(state)
    state.save(path, Position(1))
    with pytest.raises(ValueError, match=r"state\.safetensors does not continue this recipe .*--output") as raised:
        make(width=5).load(path, steps=3)
    assert "\n" not in str(raised.value)


def test_a_broken_state_is_refused(tmp_path):
    path = tmp_path / "state.safetensors"
    path.write_bytes(b"not a state")
    with pytest.raises(ValueError, match=r"state\.safetensors does not continue this recipe"):
        make().load(path, steps=3)


def test_a_position_within_an_epoch_of_other_batches_is_refused(tmp_path):
    path, state = tmp_path / "state.safetensors", make()
    state.save(path, Position(epoch=1, step=2, steps=9))
    with pytest.raises(ValueError, match="its epochs have 9 steps, not 4"):
        state.load(path, steps=4)
    state.save(path, Position(epoch=1, steps=9))
    assert state.load(path, steps=4).epoch == 1


@pytest.fixture
def partly_frozen():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    model[1].requires_grad_(False)
    return model


def change(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter))


def test_the_average_lies_between_the_weights_that_it_saw(partly_frozen):
    average, seen = RunningAverage(partly_frozen, 0.9), []
    for _ in range(20):
        change(partly_frozen)
        average.update()
        seen.append(partly_frozen[0].weight.detach().clone())
    assert average.steps == 20
    low, high = torch.stack(seen).aminmax(dim=0)
    assert ((low <= average.weights["0.weight"]) & (average.weights["0.weight"] <= high)).all()
    assert not torch.equal(average.weights["0.weight"], seen[-1])


@pytest.mark.parametrize(("decay", "steps_to_half"), [(0.5, 1), (0.9, 7), (0.99, 69)])
def test_after_many_steps_a_change_counts_half_by_its_decay(decay, steps_to_half):
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = RunningAverage(model, decay)
    for _ in range(2000):
        average.update()
    nn.init.ones_(model.weight)
    for _ in range(steps_to_half):
        average.update()
    assert average.weights["weight"].item() == pytest.approx(0.5, abs=0.03)


def test_the_first_steps_have_a_short_memory():
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = RunningAverage(model, 0.9999)
    nn.init.ones_(model.weight)
    for _ in range(20):
        average.update()
    assert average.weights["weight"].item() > 0.99


def test_without_decay_the_average_is_the_last_weights(partly_frozen):
    average = RunningAverage(partly_frozen, 0.0)
    for _ in range(3):
        change(partly_frozen)
        average.update()
    assert torch.equal(average.weights["0.weight"], partly_frozen[0].weight)


def test_frozen_parameters_are_not_averaged(partly_frozen):
    assert set(RunningAverage(partly_frozen, 0.9).weights) == {"0.weight", "0.bias"}


def test_the_model_has_the_average_inside_the_block_alone(partly_frozen):
    average = RunningAverage(partly_frozen, 0.9)
    change(partly_frozen)
    average.update()
    own = {name: tensor.clone() for name, tensor in partly_frozen.state_dict().items()}
    with pytest.raises(KeyError), average.applied():
        assert torch.equal(partly_frozen[0].weight, average.weights["0.weight"])
        assert not torch.equal(partly_frozen[0].weight, own["0.weight"])
        assert torch.equal(partly_frozen[1].weight, own["1.weight"])
        raise KeyError
    assert all(torch.equal(tensor, own[name]) for name, tensor in partly_frozen.state_dict().items())
