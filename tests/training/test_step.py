"""A batch is the same batch in one piece or in many, and chance does not depend on the pieces."""

import dataclasses
from collections import Counter

import pytest
import torch
import torch.nn.functional as F

from ram.models.build import build_model
from ram.training.data.training_set import TrainingSet
from ram.training.data.triplets import Triplets
from ram.training.data.views import PixelSource
from ram.training.distributed import World
from ram.training.draws import Draw, draw_tags, drop_descriptions, generator_for
from ram.training.initial import set_learning
from ram.training.loop import Learner, NonFiniteLoss
from ram.training.schedule import make_optimizer
from ram.training.state import Position, RunningAverage, TrainingState
from ram.training.step import Step
from tests.tiny import DIM, tiny_bank
from tests.toy_run import draw, toy_model, toy_recipe

PICTURES = 12


@pytest.fixture
def training(tmp_path):
    """Twelve pictures of which every third has no caption, with a teacher that knows all but one."""
    colours = [("red", "blue"), ("green", "white"), ("black", "yellow")] * 4
    paths = tuple(tmp_path / f"{number}.png" for number in range(PICTURES))
    for number, path in enumerate(paths):
        draw(*colours[number], seed=number).save(path)
    counts = torch.tensor([2, 1, 0] * 4)
    taught = torch.randn(PICTURES, DIM)
    taught[3] = 0
    return TrainingSet(
        Triplets(paths, ((),) * PICTURES, torch.rand(PICTURES, 3) > 0.5, torch.rand(PICTURES, 3) > 0.2),
        PixelSource(paths, toy_model().image),
        tiny_bank(),
        F.normalize(torch.randn(int(counts.sum()), DIM), dim=-1),
        F.pad(counts.cumsum(0), (1, 0)),
        type("Teacher", (), {"teach": staticmethod(lambda ids, pixels: taught[ids])})(),
    )


def steady_model(seed=0):
    """Without dropout, whose draws depend on the pieces."""
    config = toy_model()
    torch.manual_seed(seed)
    return build_model(dataclasses.replace(config, decoder=dataclasses.replace(config.decoder, dropout=0.0)))


def gradients(training, objectives, pieces, checkpointing=False):
    """Losses (objectives,) and gradient of a batch looked at in so many pieces."""
    model = steady_model()
    set_learning(model, freeze_backbone=False)
    model.image_encoder.backbone.set_grad_checkpointing(checkpointing)
    teacher = "captions" if "distillation" in objectives else ""
    recipe = toy_recipe(
        objectives=objectives, freeze_backbone=False, teacher=teacher, batch=PICTURES, accumulate=pieces
    )
    step = Step(model, training, recipe, pieces, World())
    drawn = Draw.of(training, recipe, 0, torch.arange(PICTURES).flip(0), generator_for("a step"))
    shares = []
    views = training.pictures.views(step.requests([drawn]))
    for round_, view in zip(range(pieces), views, strict=True):
        total, losses = step(drawn, round_, view)
        total.backward()
        shares.append(losses)
    grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return torch.stack(shares).sum(0), grads


@pytest.mark.parametrize("pieces", [2, 3, 6])
@pytest.mark.parametrize("objective", ["tagging", "alignment", "distillation"])
def test_pieces_add_up_to_the_loss_and_gradient_of_the_batch(training, objective, pieces):
    losses, grads = gradients(training, {objective: 1.0}, 1)
    in_pieces, grads_in_pieces = gradients(training, {objective: 1.0}, pieces)
    torch.testing.assert_close(in_pieces, losses)
    assert grads.keys() == grads_in_pieces.keys() and "image_encoder.backbone.conv_stem.weight" in grads
    scale = max(grad.abs().max() for grad in grads.values()).item()
    for name, grad in grads.items():
        torch.testing.assert_close(grads_in_pieces[name], grad, atol=1e-4 * scale, rtol=1e-3, msg=name)


def test_images_of_a_piece_choose_among_all_captions(training):
    (whole,), _ = gradients(training, {"contrastive": 1.0}, 1)
    (alone,), _ = gradients(training, {"contrastive": 1.0}, 12)  # one picture is a caption's only choice
    model = steady_model()
    drawn = Draw.of(training, toy_recipe(), 0, torch.arange(PICTURES).flip(0), generator_for("a step"))
    with torch.no_grad():
        (view,) = training.pictures.views([(drawn.ids, drawn.seeds)])
        looks = training.pictures.look(model.image_encoder, view).pooled[drawn.captioned]
    cosines = F.normalize(looks, dim=1) @ F.normalize(drawn.captions[drawn.captioned].mean(1), dim=1).T
    logits, right = cosines * model.reweighting.log_scale.exp(), torch.arange(len(cosines))
    torch.testing.assert_close(alone, F.cross_entropy(logits, right).detach() / 2)
    torch.testing.assert_close(whole, (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)).detach() / 2)


def test_recomputed_activations_give_the_same_gradient(training):
    (_, grads), (_, again) = (gradients(training, {"tagging": 1.0}, 1, checkpointing) for checkpointing in (0, 1))
    assert grads.keys() == again.keys()
    for name, grad in grads.items():
        torch.testing.assert_close(again[name], grad, msg=name)


def learner(training, model=None, **schedule):
    recipe = toy_recipe(objectives={"tagging": 1.0}, freeze_backbone=False, **schedule)
    model = model or steady_model()
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    state = TrainingState(model, RunningAverage(model, 0.0), make_optimizer(model, recipe.schedule), scaler)
    return Learner(recipe, training, state, World())


def test_a_step_in_pieces_is_the_step_of_the_whole_batch(training):
    whole, pieces = learner(training, batch=6), learner(training, batch=6, accumulate=3)
    first, second = (next(one.steps(Position())) for one in (whole, pieces))
    assert first.losses == pytest.approx(second.losses, rel=1e-5)
    assert first.gradient_norm == pytest.approx(second.gradient_norm, rel=1e-4)
    grads = {name: p.grad for name, p in whole.state.model.named_parameters()}
    for name, parameter in pieces.state.model.named_parameters():
        torch.testing.assert_close(parameter.grad, grads[name], atol=1e-4, rtol=1e-3, msg=name)


def test_fewer_pictures_than_pieces_are_refused(training):
    with pytest.raises(ValueError, match="12 pictures do not fill the 13 pieces of a batch"):
        learner(training, batch=26, accumulate=13)


def test_a_trained_backbone_refuses_pieces_of_one_image(training):
    with pytest.raises(ValueError, match="a batch of 12 in 12 pieces: a backbone that learns needs 2 pictures in each"):
        learner(training, batch=12, accumulate=12)
    frozen = steady_model()
    frozen.image_encoder.backbone.requires_grad_(False)
    assert learner(training, frozen, batch=12, accumulate=12).steps_per_epoch == 1


def test_an_infinite_gradient_stops_the_run_with_step_and_files(training, monkeypatch):
    monkeypatch.setattr("torch.nn.utils.clip_grad_norm_", lambda *_: torch.tensor(torch.inf))
    with pytest.raises(NonFiniteLoss, match=r"gradient's norm is inf in epoch 1, step 1 .*pictures: \d+\.png, "):
        next(learner(training, batch=6).steps(Position()))


def test_generators_depend_on_their_position_alone():
    positions = [(0, "order", 0), (0, "order", 1), (1, "order", 0), (-1, "order", 0), (0, "draw", 0), (0, "draw", 0, 0)]
    drawn = [tuple(torch.rand(3, generator=generator_for(*position)).tolist()) for position in positions]
    assert len(set(drawn)) == len(positions)
    assert drawn == [tuple(torch.rand(3, generator=generator_for(*position)).tolist()) for position in positions]


def test_a_step_draws_all_occurring_tags_and_random_others():
    targets = torch.zeros(5, 20, dtype=torch.bool)
    targets[0, 7] = targets[1, 7] = targets[3, 15] = True
    generator, others = torch.Generator().manual_seed(0), Counter()
    for _ in range(300):
        drawn = draw_tags(targets, 8, generator).tolist()
        assert len(drawn) == len(set(drawn)) == 8 and {7, 15} <= set(drawn)
        others.update(set(drawn) - {7, 15})
    assert len(others) == 18 and min(others.values()) > 60  # 100 each on average
    assert set(draw_tags(targets, 1, generator).tolist()) == {7, 15}
    assert len(draw_tags(targets, 1, generator, others=5)) == 7


def test_dropped_descriptions_leave_every_tag_at_least_one():
    mask = torch.tensor([[1, 1, 1, 1, 1, 1, 1, 1], [1, 0, 0, 0, 0, 0, 0, 0]]).bool().repeat(200, 1)
    kept = drop_descriptions(mask, 0.75, torch.Generator().manual_seed(0))
    assert not (kept & ~mask).any() and kept.any(dim=1).all()
    assert 1.8 < kept[0::2].sum(dim=1).float().mean() < 2.5
    assert torch.equal(drop_descriptions(mask, 0.0, torch.Generator()), mask)


def test_noise_moves_all_descriptions_of_a_tag_alike(training):
    ids = torch.arange(4)
    moved = Draw.of(training, toy_recipe(description_noise=0.3), 0, ids, generator_for("noise"))
    own, still = training.bank.embedded, Draw.of(training, toy_recipe(), 0, ids, generator_for("noise"))
    assert torch.allclose(moved.noise.norm(dim=1), torch.tensor(0.3))
    assert torch.equal(still.vary(own).embeddings, own.embeddings)
    varied = moved.vary(own).embeddings
    assert torch.allclose(varied, F.normalize(own.embeddings + moved.noise[:, None], dim=2), atol=1e-6)
    assert not torch.allclose(moved.noise[0], moved.noise[1]) and torch.equal(moved.ids, still.ids)


def test_mosaics_are_refused_where_a_step_is_in_pieces():
    with pytest.raises(ValueError, match="accumulate"):
        toy_recipe(mosaics=1.0, accumulate=2)


def test_a_step_of_mosaics_teaches_every_part(training):
    """Half as many rows as images, and gradients for decoder, re-weighting and image encoder."""
    model = steady_model()
    recipe = toy_recipe(objectives={"tagging": 1.0, "contrastive": 1.0}, mosaics=1.0, batch=PICTURES)
    draw_ = Draw.of(training, recipe, 0, torch.arange(PICTURES), generator_for(0))
    assert draw_.mosaic.pairs == PICTURES // 2
    step = Step(model, training, recipe, 1, World())
    view = next(training.pictures.views([(draw_.ids, draw_.seeds)]))
    total, losses = step(draw_, 0, view)
    total.backward()
    assert losses.isfinite().all()
    assert all(p.grad is not None and p.grad.any() for p in (model.head.weight, model.image_encoder.project.weight))
