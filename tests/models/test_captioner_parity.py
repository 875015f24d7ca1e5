"""The captioner against stored numbers, at weights that are computed from their official names.

The numbers in ``tests/golden/formula_captioner.json`` are of our own network, written when it equalled the official one
within 1e-5 on the reference weights (``test_captioner_golden.py``, which needs files outside the repository). They
guard that equality where those files are not at hand.
"""

import json

import pytest
import torch

from ram.checkpoints.model_folder import load_strictly
from ram.checkpoints.official_names import rename
from ram.models.build import build_model
from ram.models.caption_generation import Rules, search_beams, write_greedily
from ram.models.caption_text import CaptionText
from ram.models.description_embeddings import DescriptionEmbeddings
from ram.models.losses import asymmetric_loss, scaled_to
from ram.text.wordpiece import official_wordpiece
from tests.models.test_captioner_golden import CAPTIONER, tiny_config
from tests.models.test_parity import noise, weight
from tests.official import official_shapes
from tests.paths import GOLDEN

ATOL = 1e-5
TAG_COUNT = 20
TAGS = (["dog", "red bus", "grass"], ["traffic light"])
CAPTIONS = ("a brown dog running on the grass", "two people riding bikes next to a red bus")
FIRST = 8
"""Entries of each row that are stored."""


@pytest.fixture(scope="module")
def network():
    """The network of Tag2Text with computed weights, its bank, and texts."""
    config = tiny_config("tag2text_tiny")
    state = {name: weight(name, tuple(shape)) for name, shape in official_shapes(config, TAG_COUNT).items()}
    model = build_model(config)
    weights, rows = rename(state, 2, CAPTIONER)
    weights["reweighting.log_scale"] = model.reweighting.log_scale.detach().clone()
    load_strictly(model, weights, "formula")
    return model, DescriptionEmbeddings(rows[:, None]), CaptionText(CAPTIONER, official_wordpiece())


def measure(model, bank, text):
    """All that is compared, by name."""
    tags, captions = text.tags(TAGS), text.captions(CAPTIONS)
    features = model.look(2 * noise("image", (2, 3, 224, 224)))
    captioner = model.captioner
    tag_logits = model.score(features, bank)
    logits = captioner(features.tokens, tags, captions)
    caption = captioner.loss(features.tokens, tags, captions)
    tag = asymmetric_loss(tag_logits, (noise("image_tag", (2, TAG_COUNT)) > 0.4).float(), gamma_neg=7)
    model.zero_grad()
    (caption + scaled_to(tag, caption)).backward()
    words, tied = captioner.text_decoder.embeddings.words, model.decoder.blocks[0].cross_attention.query
    norms = [layer.weight.grad.norm() for layer in (words, tied, captioner.tag_encoder.layers[2].self_attention.key)]
    found = {
        "tag_ids": tags,
        "caption_ids": captions,
        "tag_logits": tag_logits,
        "tag_encoder": captioner.guide(features.tokens, tags).states[:, ::13, :FIRST],
        "decoder_logits": logits[:, :, 1000 : 1000 + FIRST],
        "loss_caption": caption,
        "loss_tag": tag,
        "gradient_norms": torch.stack(norms),
    }
    return {name: tensor.tolist() for name, tensor in found.items()} | {"written": generate(model, text)}


def generate(model, text):
    prompt = torch.tensor([text.prompt] * 2)
    written = {}
    with torch.no_grad():
        tokens = model.look(2 * noise("image", (2, 3, 224, 224))).tokens
        guidance = model.captioner.guide(tokens, text.tags(TAGS))
        for name, rules in {"plain": Rules(102, 10, 30), "penalty": Rules(102, 5, 20, 1.5)}.items():
            reader = model.captioner.reader
            written[f"greedy {name}"] = [each.ids for each in write_greedily(reader(guidance), prompt, rules)]
            found = search_beams(reader(guidance), prompt, rules, 3)
            written[f"beams {name}"] = [each.ids for each in found]
            written[f"scores {name}"] = [each.score for each in found]
    return written


def test_states_logits_losses_and_captions_are_as_stored(network):
    wanted = json.loads((GOLDEN / "formula_captioner.json").read_text())
    found = measure(*network)
    assert found.keys() == wanted.keys()
    for name in ("tag_ids", "caption_ids"):
        assert found[name] == wanted[name]
    for name, ids in wanted["written"].items():
        if name.startswith("scores"):
            assert found["written"][name] == pytest.approx(ids, abs=ATOL)
        else:
            assert found["written"][name] == ids, name
    for name in wanted.keys() - {"written", "tag_ids", "caption_ids"}:
        ours, stored = torch.tensor(found[name]), torch.tensor(wanted[name])
        atol, rtol = (0, 1e-4) if name == "gradient_norms" else (ATOL, 1e-5)
        torch.testing.assert_close(ours, stored, atol=atol, rtol=rtol, msg=name)


def test_the_stored_captions_differ_by_image_and_way_of_writing():
    written = json.loads((GOLDEN / "formula_captioner.json").read_text())["written"]
    for name in ("greedy plain", "beams plain", "beams penalty"):
        assert written[name][0] != written[name][1]
    assert written["greedy plain"] != written["beams plain"]
