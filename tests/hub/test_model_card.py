"""A model card has the numbers of its model and of its report, and keeps the text that a person wrote."""

import json
from dataclasses import replace

import pytest
import yaml
from huggingface_hub import ModelCard

import ram
from ram.errors import InputError
from ram.hub.model_card import Measurement, ModelReport, card_head, write_card
from tests.paths import ROOT
from tests.tiny import HashTextEncoder, tiny_bank, tiny_tagger

EVALUATION = {"dataset": "Meadows", "pictures": 12, "mAP": 0.25, "OP": 0.5, "OR": None, "OF1": 0.4, "per_tag": []}


@pytest.fixture
def report():
    return ModelReport("cc0-1.0", "Twelve meadows.", "timm/x", (Measurement.of_evaluation(EVALUATION),))


def head_of(folder):
    return yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])


def test_the_card_of_a_saved_tagger_has_its_measured_numbers(tagger, report, tmp_path):
    tagger.report = report
    tagger.save_pretrained(tmp_path)
    card = ModelCard.load(tmp_path / "README.md")  # as the hub's library reads it
    results = {(one.dataset_name, one.metric_name): one.metric_value for one in card.data.eval_results}
    names = ("mAP", "precision of all decisions", "F1 of all decisions")
    assert results == {("Meadows", name): value for name, value in zip(names, (0.25, 0.5, 0.4), strict=True)}
    assert (card.data.license, card.data.base_model) == ("cc0-1.0", "timm/x")
    measured = head_of(tmp_path)["measured"]
    assert measured["parameters"] == sum(weight.numel() for weight in tagger.model.state_dict().values())
    files = [path for path in tmp_path.iterdir() if path.name not in ("README.md", "report.json")]
    assert measured["bytes"] == sum(path.stat().st_size for path in files)
    assert measured["thresholds"] == {"lowest": 0.5, "median": 0.5, "highest": 0.5}
    assert "Twelve meadows." in card.text and "| Meadows | 25.0 | 50.0 | 40.0 |" in card.text


def test_operations_grow_by_those_of_each_tag():
    """A further tag of one sentence adds the products of equation 1 that are written here."""
    flops = [
        card_head(tiny_tagger(bank=tiny_bank({f"tag {i}": (f"tag {i}",) for i in range(tags)})), ModelReport(), 0)
        ["measured"]["flops"]
        for tags in (100, 101, 102)
    ]  # fmt: skip
    assert flops[2] - flops[1] == flops[1] - flops[0]
    hidden, dim, wide, layers = 24, 16, 48, 2
    assert flops[1] - flops[0] >= 2 * (dim * hidden + layers * (2 * hidden * wide))


def test_a_report_is_read_back_with_its_model(tagger, report, tmp_path, monkeypatch):
    monkeypatch.setattr("ram.tagger_loading.build_text_encoder", lambda *named: HashTextEncoder())
    tagger.report = report
    tagger.save_pretrained(tmp_path)
    assert ram.load(tmp_path).report == report


def test_the_text_of_a_card_stays_under_a_new_head(tagger, report, tmp_path):
    tagger.save_pretrained(tmp_path)
    (tmp_path / "README.md").write_text("---\nlicense: other\n---\n\n# Mine\n\nWritten by hand.\n")
    write_card(tmp_path, tagger, replace(report, license="mit"))
    assert (tmp_path / "README.md").read_text().endswith("---\n\n# Mine\n\nWritten by hand.\n")
    assert head_of(tmp_path)["license"] == "mit"


@pytest.mark.parametrize("name", ["ram-plus-lite", "ram-lite"])
def test_a_shipped_card_has_the_numbers_of_its_folder(name):
    folder, tagger = ROOT / "ram" / "pretrained" / name, ram.load(name, device="cpu", dtype="float32")
    files = [path for path in folder.iterdir() if path.name not in ("README.md", "report.json")]
    size = sum(path.stat().st_size for path in files)
    assert head_of(folder) == json.loads(json.dumps(card_head(tagger, ModelReport.load(folder), size)))


def test_the_command_writes_a_card_from_evaluations(tagger, tmp_path, ended, monkeypatch):
    monkeypatch.setattr("ram.tagger_loading.build_text_encoder", lambda *named: HashTextEncoder())
    tagger.save_pretrained(tmp_path / "tiny")
    (tmp_path / "test.json").write_text(json.dumps(EVALUATION))
    code, out, _ = ended("card", tmp_path / "tiny", "--results", tmp_path / "test.json", "--license", "mit")
    assert code == 0 and "has 1 measurements" in out
    assert head_of(tmp_path / "tiny")["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.25
    (tmp_path / "other.json").write_text("{}")
    code, _, err = ended("card", tmp_path / "tiny", "--results", tmp_path / "other.json")
    assert code == 2 and "no mAP is in this file" in err
    code, _, err = ended("card", tmp_path / "nothing")
    assert code == 2 and "is no model folder" in err


def test_a_broken_report_is_named(tagger, tmp_path):
    with pytest.raises(InputError, match="mAP of 'x' is 36.1: give fractions"):
        Measurement("x", {"mAP": 36.1})
    (tmp_path / "report.json").write_text('{"licence": "mit"}')
    with pytest.raises(InputError, match="report.json has unknown fields"):
        ModelReport.load(tmp_path)
