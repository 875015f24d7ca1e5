"""The benchmark of a GPU measures every part, tried on a CPU, and stays within time and memory."""

import contextlib
import io
import json

import pytest
import torch

from benchmarks.figure7 import COUNTS
from benchmarks.gpu import looks
from benchmarks.gpu.__main__ import NO_CARD, main
from benchmarks.gpu.bounded import Measurement, Result, attempt
from benchmarks.gpu.card import Card
from benchmarks.gpu.looks import compiled_looks
from benchmarks.gpu.materials import Materials
from benchmarks.gpu.plan import TINY

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The JSON document and the Markdown of a tiny run of all that needs no compiler."""
    file, printed = tmp_path_factory.mktemp("gpu") / "gpu.json", io.StringIO()
    with contextlib.redirect_stdout(printed):
        parts = ("look", "tags", "category", "training", "figure7")
        patient = ("--seconds", "9000")  # a busy machine breaks nothing off
        assert main([*parts, "--tiny", "--markdown", "--output", str(file), *patient]) == 0
    return json.loads(file.read_text()), printed.getvalue()


@pytest.fixture
def materials():
    return Materials(TINY, Card(torch.device("cpu")))


def test_every_part_is_measured(run):
    results = run[0]["results"]
    names = [result["what"] for result in results]
    wanted = ["look, batch 1", "look, batch 2", "scoring 60 tags", "typed category", "training ram-plus-lite"]
    wanted += ["training ram-plus-swin-base", "Figure 7, ITTA", "Figure 7, ITC", "Figure 7, ITM"]
    assert len(names) == len(wanted) and all(map(str.startswith, names, wanted))
    assert not any(result["skipped"] or result["failed"] for result in results)
    assert all(result["ours"] > 0 and result["value"] > 0 for result in results)


def test_values_follow_from_the_times(run):
    for result in run[0]["results"]:
        ours, reference, what = result["ours"], result["reference"], result["what"]
        if what.startswith("look"):
            assert result["value"] == pytest.approx(reference / ours)
            assert result["holds"] == (result["value"] >= 0.85)
        elif what.startswith("typed"):
            assert result["value"] == pytest.approx(ours / reference)
            assert result["holds"] == (result["value"] <= 0.15)
        elif what.startswith("training"):
            assert result["value"] == pytest.approx(4 / ours) and "batch 4" in what
        elif points := result["points"]:
            assert len(points) >= 2 and set(points) <= set(map(str, COUNTS))
            assert result["value"] == ours == list(points.values())[-1]


def test_the_markdown_has_a_row_for_each_result(run):
    document, printed = run
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if line.startswith("| ")]
    heading, *measured = (row for row in rows if len(row) == 8)
    assert heading[:3] == ["measurement", "reference, ms", "ours, ms"]
    for row, result in zip(measured, document["results"], strict=True):
        assert row[0] == result["what"] and float(row[2]) == pytest.approx(1000 * result["ours"], rel=0.01)
    assert "categories" in [row[0] for row in rows]
    assert max(map(len, printed.splitlines())) <= 120  # as the pages in docs/


def test_without_a_card_the_command_says_how_to_try_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["--output", str(tmp_path / "gpu.json")]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", NO_CARD + "\n") and "no CUDA GPU" in err and "--tiny" in err
    assert not list(tmp_path.iterdir())


def test_a_part_that_does_not_exist_is_named(capsys):
    assert main(["looks", "--tiny"]) == 2
    assert "'looks' is not a part: choose some of look, tags" in capsys.readouterr().err


def test_what_takes_too_long_is_broken_off():
    def endless():
        while True:
            try:
                torch.ones(1)
            except Exception:  # as compilers do
                continue

    assert attempt(Measurement("endless", 0, 0.05, endless), 100).skipped == "broken off after 0 s"
    assert attempt(Measurement("late", 0, 100, endless), 0.05).skipped == "broken off after 0 s"


def test_what_cannot_end_in_time_is_not_begun():
    def never():
        raise AssertionError

    assert attempt(Measurement("long", 20, 100, never), 7).skipped == "not begun: 7 s are left, it needs 20 s"


def test_one_fault_leaves_the_other_results(monkeypatch, tmp_path, capsys):
    def faulty(materials):
        faults = {"large": torch.OutOfMemoryError("CUDA out of memory"), "wrong": RuntimeError("no kernel\nmore")}
        for name, fault in faults.items():
            yield Measurement(name, 0, 9, lambda fault=fault: exec("raise fault", {"fault": fault}))
        yield Measurement("right", 0, 9, lambda: Result("right", ours=0.25))

    monkeypatch.setattr("benchmarks.gpu.__main__.PARTS", {"faulty": faulty})
    assert main(["--tiny", "--output", str(tmp_path / "gpu.json")]) == 1
    large, wrong, right = json.loads((tmp_path / "gpu.json").read_text())["results"]
    assert large["skipped"] == "the memory of the card is too small" and not large["failed"]
    assert wrong["skipped"] == "failed: RuntimeError: no kernel" and wrong["failed"]
    assert right["ours"] == 0.25
    assert capsys.readouterr().out.count("not measured") == 2


def test_cuda_graphs_are_skipped_on_a_cpu(materials):
    graph = next(compiled_looks(materials))
    assert (graph.what, attempt(graph, 100).skipped) == ("look, batch 1, CUDA graph", "CUDA graphs need a CUDA GPU")


def test_compiled_looks_leave_the_model_as_it_was(materials, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda function, **how: compiled.append(how) or function)
    monkeypatch.setattr(looks, "uses_graph", lambda pixels: True)
    results = [attempt(measurement, 100) for measurement in compiled_looks(materials)]
    assert [result.skipped for result in results] == [""] * 4
    assert len(compiled) == 8 and {"options": {"triton.cudagraphs": True}, "dynamic": False} in compiled
    assert "forward" not in vars(materials.model.image_encoder)
    assert all(result.value == pytest.approx(result.reference / result.ours) for result in results)


@torch.inference_mode()
def test_the_bare_backbone_computes_what_ours_does(materials):
    pixels, encoder = materials.pixels(2), materials.model.image_encoder
    bare, ours = materials.bare.forward_features(pixels), encoder.backbone.forward_features(pixels)
    torch.testing.assert_close(bare, ours)
    assert not any("forward" in vars(module) for module in materials.bare.modules())
    assert any("forward" in vars(module) for module in encoder.backbone.modules())
