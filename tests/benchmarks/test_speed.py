"""The plain reference computes what our model computes, and every line of the benchmark comes out."""

import json

import pytest
import torch

from benchmarks.measuring import in_turns, straightness
from benchmarks.reference import Reference
from benchmarks.setting import QUICK, pictures, random_bank, random_model
from benchmarks.speed import main
from ram.models.scoring import Scorer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model():
    """Weights large enough that every part shows in the logits."""
    model = random_model(QUICK)
    for name, parameter in model.named_parameters():
        if not name.startswith("image_encoder.backbone"):
            torch.nn.init.normal_(parameter, std=0.1)
    return model


@torch.no_grad()
def test_the_reference_equals_our_model(model, monkeypatch):
    bank, pixels = random_bank(40, QUICK), pictures(QUICK, 2)
    reference = Reference(model, bank)
    features = model.look(pixels)
    assert reference.model.head.weight is model.head.weight
    torch.testing.assert_close(reference.look(pixels), features.tokens, atol=1e-5, rtol=0)
    monkeypatch.setattr("ram.models.scoring.CHUNK", 7)
    ours = Scorer(model).score(features, bank).logits
    torch.testing.assert_close(reference.tag(pixels), ours, atol=1e-5, rtol=0)
    blended = model.reweighting(features.pooled, bank)[0]
    torch.testing.assert_close(reference.reweight(features.pooled), blended, atol=1e-6, rtol=0)


def test_the_reference_does_not_change_our_model(model):
    fused = [getattr(module, "fused_attn", None) for module in model.modules()]
    reference = Reference(model, random_bank(3, QUICK))
    ours = dict(model.image_encoder.named_parameters())
    assert all(weight is ours[name] for name, weight in reference.encoder.named_parameters())
    assert [getattr(module, "fused_attn", None) for module in model.modules()] == fused


def test_ways_are_measured_in_turns_after_a_warm_up():
    order = []
    seconds = in_turns({name: lambda name=name: order.append(name) for name in "ab"}, 3)
    assert order == list("abababab") and set(seconds) == {"a", "b"}


def test_a_straight_line_is_straight():
    assert straightness([1, 2, 3], [10, 20, 30]) == pytest.approx(1)
    assert straightness([1, 2, 3, 4], [1, 4, 9, 16]) < 0.98


def test_the_benchmark_prints_a_line_a_measurement(capsys):
    parts, quick = ("reweighting", "picture", "tags"), ("--quick", "--rounds", "1", "--threads", "1")
    assert main([*parts, *quick, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["quick"], document["machine"]["threads"]) == (True, 1)
    lines = {line["what"]: line for line in document["lines"]}
    assert {"re-weighting, batch 4", "whole picture, float32", "scoring 60 tags, float32"} <= set(lines)
    ratio = lines["re-weighting, batch 4"]
    assert ratio["value"] == pytest.approx(ratio["reference"] / ratio["ours"])
    assert ", 0 other;" in lines["whole picture, float32"]["note"]


def test_the_benchmark_prints_a_table(capsys):
    main(["reweighting", "--quick", "--rounds", "1"])
    out = capsys.readouterr().out
    assert "re-weighting, batch 1" in out and "at least 5x" in out


def test_a_part_that_does_not_exist_is_named(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["everything"])
    assert "'everything' is not a part: choose some of reweighting, picture" in capsys.readouterr().err


def test_memory_is_measured_in_a_process_of_its_own(capsys):
    main(["memory", "--quick", "--json"])
    (line,) = json.loads(capsys.readouterr().out)["lines"]
    assert line["reference"] > 0 and line["ours"] > 0


def test_what_is_slow_is_measured_once():
    calls = []
    in_turns({"slow": lambda: calls.append(1)}, 100, enough=0)
    assert len(calls) == 1
