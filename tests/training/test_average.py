"""The running average is the plain recursion, and is only lent to the model."""

import pytest
import torch
from torch import nn

from ram.training.state import RunningAverage


@pytest.fixture
def model():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    model[1].requires_grad_(False)
    return model


def step(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter))


@pytest.mark.parametrize("decay", [0.3, 0.9, 0.999])
def test_it_keeps_the_share_decay_once_it_has_seen_enough(model, decay):
    average, plain = RunningAverage(model, decay), model[0].weight.detach().double()
    for number in range(1, 41):
        step(model)
        average.update()
        share = min(decay, number / (number + 10))
        plain = share * plain + (1 - share) * model[0].weight.detach().double()
    torch.testing.assert_close(average.weights["0.weight"].double(), plain, atol=1e-5, rtol=1e-5)
    assert average.steps == 40


def test_without_decay_it_is_the_last_weights(model):
    average = RunningAverage(model, 0.0)
    for _ in range(3):
        step(model)
        average.update()
    assert torch.equal(average.weights["0.weight"], model[0].weight)


def test_frozen_parameters_are_not_averaged(model):
    assert set(RunningAverage(model, 0.9).weights) == {"0.weight", "0.bias"}


def test_the_model_has_the_average_inside_the_block_and_its_own_weights_after_it(model):
    average = RunningAverage(model, 0.9)
    step(model)
    average.update()
    own = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(KeyError), average.applied():
        assert torch.equal(model[0].weight, average.weights["0.weight"])
        assert not torch.equal(model[0].weight, own["0.weight"])
        assert torch.equal(model[1].weight, own["1.weight"])
        raise KeyError
    assert all(torch.equal(tensor, own[name]) for name, tensor in model.state_dict().items())
