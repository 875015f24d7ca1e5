"""Self-critical training, against its formula, and that captions come nearer to those of people."""

import pytest
import torch

from ram.models.build import build_model
from ram.models.caption_generation import Written
from ram.models.caption_text import CaptionText
from ram.training.consensus import Consensus
from ram.training.data.guided_captions import GuidedCaptions
from ram.training.self_critical import self_critical
from tests.toy_run import WORDS, toy_tag2text

SPECIAL = {"vocabulary": len(WORDS), "begin": 2, "tags": 3, "end": 4, "pad": 0}
CAPTIONS = ("red beside blue in train 3", "red and blue in train", "white", "picture turns white in dev")
IMAGES = (0, 0, 2, 2)
DRAWN = ("red beside blue", "green", "white in dev", "white")


@pytest.fixture(params=[{}, {"attend_image": True, "seen_separator": " ; "}], ids=["plain", "image"])
def model(request):
    torch.manual_seed(0)
    return build_model(toy_tag2text(dropout=0.0, **SPECIAL, **request.param))


@pytest.fixture
def tokens():
    return torch.randn(3, 5, 256, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def text(model):
    return CaptionText(model.captioner.config, WORDS)


@pytest.fixture
def guided(text):
    captions = text.captions(CAPTIONS)
    tags = text.tags((["red", "blue"], ["green"], ["white", "black", "blue"], []))
    return GuidedCaptions(torch.tensor(IMAGES), captions, tags, 4, int((captions[:, 4:] != 0).sum()))


@pytest.fixture
def consensus(guided):
    rows = [[one for one in row if one] for row in guided.captions[:, 4:].tolist()]
    return Consensus([rows[:2], rows[2:], [[7, 8]]])


def test_it_is_the_policy_gradient_of_the_draws(model, tokens, text, guided, consensus, monkeypatch):
    drawn = [[one for one in row if one] for row in text.captions(DRAWN).tolist()]
    monkeypatch.setattr("ram.training.self_critical.write_samples", lambda *args, **options: list(map(Written, drawn)))
    loss = self_critical(model.captioner, tokens, guided, consensus, samples=2)
    loss.backward()
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    references = [[[one for one in row if one] for row in guided.captions[i : i + 2, 4:].tolist()] for i in (0, 2)]
    rewards = [consensus.scores([row[4:] for row in drawn[i : i + 2]], references[i // 2]) for i in (0, 2)]
    assert rewards[0][0] > rewards[0][1] and loss.item() == pytest.approx(-sum(map(sum, rewards)) / 4, rel=1e-5)
    total, count = 0.0, 0
    for i, row in enumerate(drawn):
        image = i // 2
        ids, guide = torch.tensor([row]), guided.tags[[0, 2][image]]
        logits = model.captioner(tokens[[0, 2][image]][None], guide[guide != 0][None], ids[:, :-1])[0, 3:]
        likely = logits.log_softmax(dim=1).gather(1, ids[0, 4:, None]).sum()
        total = total - likely * (rewards[image][i % 2] - rewards[image][1 - i % 2])
        count += len(row) - 4
    (total / count).backward()
    for name, parameter in model.named_parameters():
        if name in found:
            torch.testing.assert_close(parameter.grad, found[name], atol=1e-6, rtol=1e-3, msg=name)


def test_parts_without_captions_cost_nothing_and_shares_are_of_the_batch(model, tokens, guided, consensus):
    assert self_critical(model.captioner, tokens[1:2], guided.of(slice(1, 2)), consensus).item() == 0
    part = guided.of(slice(0, 1))
    own = int((part.captions[:, 4:] != 0).sum())
    torch.manual_seed(3)
    share = self_critical(model.captioner, tokens[:1], part, consensus).item()
    torch.manual_seed(3)
    alone = GuidedCaptions(part.images, part.captions, part.tags, 4, own)
    whole = self_critical(model.captioner, tokens[:1], alone, consensus).item()
    assert share == pytest.approx(whole * own / guided.predicted, abs=1e-6)


def test_captions_come_nearer_to_those_of_people(model, tokens, guided, consensus):
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.captioner.parameters(), 1e-2)
    rewards = []
    for _ in range(60):
        loss = self_critical(model.captioner, tokens, guided, consensus, samples=8)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rewards.append(-loss.item())
    assert sum(rewards[-10:]) / 10 > 1.5 * sum(rewards[:10]) / 10
