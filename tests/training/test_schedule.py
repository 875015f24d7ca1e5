"""The learning rate of every step, and of every part of the model."""

import math

import pytest

from ram.training.recipe import ScheduleRecipe
from ram.training.schedule import learning_rate, make_optimizer, set_learning_rate
from tests.tiny import tiny_model
from tests.toy_run import toy_model


def test_the_learning_rate_warms_up_then_decays_to_zero():
    schedule = ScheduleRecipe(epochs=1, batch=1, learning_rate=0.2, warmup=0.1)
    rates = [learning_rate(step, 100, schedule) for step in range(101)]
    assert rates[:10] == pytest.approx([0.02 * (step + 1) for step in range(10)])
    assert rates[10] == max(rates) == 0.2
    assert rates[55] == pytest.approx(0.1)
    assert rates[70] == pytest.approx(0.1 * (1 + math.cos(math.pi * 60 / 90)))
    assert rates[100] == pytest.approx(0, abs=1e-12) and 0 < rates[99] < 1e-3
    assert all(a > b for a, b in zip(rates[10:-1], rates[11:], strict=True))


def test_a_schedule_of_one_step_takes_it_at_full_rate():
    assert learning_rate(0, 1, ScheduleRecipe(epochs=1, batch=1, learning_rate=0.2, warmup=0.0)) == 0.2


def test_step_decay_multiplies_the_rate_after_every_epoch():
    schedule = ScheduleRecipe(epochs=5, batch=720, learning_rate=1e-4, warmup_steps=3000, decay=0.9)
    steps = 19_000  # of 14 million pictures
    rates = {step: learning_rate(step, 5 * steps, schedule) for step in (0, 1499, 2999, 3000, steps - 1)}
    assert rates == pytest.approx({0: 1e-4 / 3000, 1499: 0.5e-4, 2999: 1e-4, 3000: 1e-4, steps - 1: 1e-4})
    for epoch in range(1, 5):
        for step in (epoch * steps, (epoch + 1) * steps - 1):
            assert learning_rate(step, 5 * steps, schedule) == pytest.approx(1e-4 * 0.9**epoch)


def test_matrices_decay_and_the_backbone_follows_at_its_own_rate():
    model = tiny_model(toy_model())
    schedule = ScheduleRecipe(epochs=1, batch=1, learning_rate=0.2, weight_decay=0.3, backbone_rate=0.1)
    optimizer = make_optimizer(model, schedule)
    set_learning_rate(optimizer, 0.05)
    found = {id(p): (g["lr"], g["weight_decay"]) for g in optimizer.param_groups for p in g["params"]}
    for name, parameter in model.named_parameters():
        rate = 0.005 if name.startswith("image_encoder.backbone.") else 0.05
        assert found.pop(id(parameter)) == pytest.approx((rate, 0.3 if parameter.ndim >= 2 else 0.0)), name
    assert not found


def test_what_is_frozen_is_in_no_group():
    model = tiny_model(toy_model())
    model.image_encoder.backbone.requires_grad_(False)
    groups = make_optimizer(model, ScheduleRecipe(epochs=1, batch=1, learning_rate=0.2)).param_groups
    assert all(parameter.requires_grad for group in groups for parameter in group["params"])
    assert {group["factor"] for group in groups} == {1.0}
