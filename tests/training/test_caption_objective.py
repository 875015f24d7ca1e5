"""The caption loss of a step, against the captioner's own; the tag loss scaled to it; learned tags."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from ram.models.build import build_model
from ram.models.caption_text import CaptionText
from ram.models.config import DecoderConfig
from ram.models.image_encoder import ImageFeatures
from ram.models.losses import scaled_to
from ram.text.vocabulary import TagVocabulary
from ram.training.caption_objective import captioning
from ram.training.data.guided_captions import GuidedCaptions
from ram.training.learned_tags import learn_tags, learned_bank, present_tags, take_tags
from ram.training.objectives import Batch, tagging, total_loss
from ram.training.recipe_sections import CaptionRecipe, LossRecipe
from tests.toy_run import COLOURS, WORDS, toy_captioning, toy_tag2text

STEADY = DecoderConfig(hidden=24, heads=4, intermediate=48, layers=1, dropout=0.0)
CAPTIONS = ("red beside blue in train 3", "picture 12 of train turns green", "white", "black in dev")
TAGS = (["red", "blue"], ["green"], [], ["black", "white", "red"])
IMAGES = (0, 0, 2, 3)
"""The image of each caption: one has two of them, one has none."""
SPECIAL = {"vocabulary": len(WORDS), "begin": 2, "tags": 3, "end": 4, "pad": 0}


@pytest.fixture(params=[{}, {"attend_image": True}, {"attend_padding": True}], ids=["plain", "image", "padding"])
def model(request):
    torch.manual_seed(0)
    return build_model(toy_tag2text(STEADY, dropout=0.0, **SPECIAL, **request.param))


@pytest.fixture
def tokens():
    return torch.randn(4, 5, 256, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def guided(model):
    return guided_by(CaptionText(model.captioner.config, WORDS))


def guided_by(text):
    captions = text.captions(CAPTIONS)
    predicted = int((captions[:, 4:] != 0).sum())
    return GuidedCaptions(torch.tensor(IMAGES), captions, text.tags(TAGS), 4, predicted)


@pytest.mark.parametrize("together", [0, 1, 3])
def test_it_is_the_captioners_loss_however_captions_are_grouped(model, tokens, guided, together):
    expected = model.captioner.loss(tokens[list(IMAGES)], guided.tags, guided.captions, 4, smoothing=0.2)
    expected.backward()
    wanted = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    loss = captioning(model.captioner, tokens, guided, 0.2, together)
    loss.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    for name, parameter in model.named_parameters():
        if name in wanted:
            torch.testing.assert_close(parameter.grad, wanted[name], atol=1e-6, rtol=1e-4, msg=name)


def test_an_image_is_read_once_for_all_its_captions(model, tokens, guided, monkeypatch):
    read = []
    layer = model.captioner.tag_encoder.layers[0].aligned.cross_attention.key
    layer.register_forward_hook(lambda module, given, result: read.append(given[0].shape[:2]))
    captioning(model.captioner, tokens, guided, together=1)
    assert read == [tokens.shape[:2]]


def test_parts_of_a_batch_add_up_and_a_part_without_captions_costs_nothing(model, tokens, guided):
    whole = captioning(model.captioner, tokens, guided)
    parts = [captioning(model.captioner, tokens[i : i + 1], guided.of(slice(i, i + 1))) for i in range(4)]
    assert torch.stack(parts).sum().item() == pytest.approx(whole.item(), rel=1e-5) and parts[1].item() == 0
    assert [len(guided.of(slice(i, i + 1))) for i in range(4)] == [2, 0, 1, 1]
    joined = guided.of(slice(0, 4), torch.tensor([0, 0, 1, 2]))
    assert joined.images.tolist() == [0, 0, 1, 2]


@pytest.fixture
def batch(model, tokens, guided):
    targets = torch.tensor([[1, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0]]).bool()
    learn_tags(model, learned_bank(TagVocabulary.of(tuple(COLOURS)), toy_captioning(), None))
    return Batch(
        ImageFeatures(tokens),
        present_tags(model, None),
        targets,
        torch.ones_like(targets),
        captions=torch.zeros(4, 1, 49),
        captioned=torch.zeros(4, dtype=torch.bool),
        guided=guided,
    )


def test_the_tag_loss_is_scaled_to_the_caption_loss(model, batch):
    weights = {"tagging": 0.5, "captioning": 2.0}
    total, losses = total_loss(model, batch, weights, LossRecipe(tagging_scaled_to="captioning"))
    caption, tag = captioning(model.captioner, batch.features.tokens, batch.guided), tagging(model, batch)
    assert losses["tagging"].item() == pytest.approx(tag.item()) and losses["captioning"].item() == pytest.approx(
        caption.item()
    )
    torch.testing.assert_close(total, 2 * caption + 0.5 * scaled_to(tag, caption))
    (gradient,) = torch.autograd.grad(total, model.queries.rows, retain_graph=True)
    (alone,) = torch.autograd.grad(tag, model.queries.rows)
    torch.testing.assert_close(gradient, 0.5 * alone * (caption / tag).item())
    plain, _ = total_loss(model, batch, weights, LossRecipe())
    torch.testing.assert_close(plain, 2 * caption + 0.5 * tag)


def test_processes_scale_by_the_losses_of_all(model, batch):
    other = torch.tensor([30.0, 1.0])  # the shares of another process
    shared = dataclasses.replace(batch, total=lambda own: own + other)
    losses = LossRecipe(tagging_scaled_to="captioning")
    total, parts = total_loss(model, shared, {"tagging": 1.0, "captioning": 1.0}, losses)
    caption, tag = parts["captioning"], parts["tagging"]
    torch.testing.assert_close(total, caption + tag * (caption + 1) / (tag + 30))


def test_a_batch_without_captions_teaches_tags_unscaled(model, batch):
    none = dataclasses.replace(batch, guided=batch.guided.of(slice(1, 2)))
    losses = LossRecipe(tagging_scaled_to="captioning")
    total, parts = total_loss(model, none, {"tagging": 1.0, "captioning": 1.0}, losses)
    assert parts["captioning"] == 0 and total == parts["tagging"] > 0


def test_label_smoothing_is_the_recipes(model, batch):
    weights = {"captioning": 1.0}
    smooth, plain = (
        total_loss(model, batch, weights, LossRecipe(), CaptionRecipe(smoothing=s))[0].item() for s in (0.4, 0.0)
    )
    logits = model.captioner(batch.features.tokens[list(IMAGES)], batch.guided.tags, batch.guided.captions)[:, 3:-1]
    targets = batch.guided.captions[:, 4:]
    known = targets != 0
    assert plain == pytest.approx(F.cross_entropy(logits[known], targets[known]).item(), rel=1e-5) and smooth != plain


def test_learned_rows_end_in_the_bank_and_not_in_the_model(model, batch):
    before = model.state_dict().keys() - {"queries.rows"}
    with torch.no_grad():
        model.queries.rows += 1
    rows = model.queries.rows.detach().clone()
    bank = take_tags(model, learned_bank(TagVocabulary.of(tuple(COLOURS)), toy_captioning(), None))
    torch.testing.assert_close(bank.embedded.embeddings, rows.half())
    assert model.state_dict().keys() == before and model.queries.rows is None and take_tags(model, bank) is bank
