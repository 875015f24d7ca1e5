"""The cost sheet multiplies what it measured on a few photos, and counts what training holds."""

import re

import pytest

from benchmarks import cost_sheet
from tests.cluster.conftest import model, pictures  # noqa: F401  (fixtures)


def cells(text):
    """First cell of each row of the tables to the others."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return {first: rest for first, *rest in rows}


def number(cell):
    return float(re.match(r"[\d.,]+", cell)[0].replace(",", ""))


def test_costs_of_many_are_those_of_one_times_their_number(model, pictures, capsys, monkeypatch):  # noqa: F811
    pytest.importorskip("pyarrow", reason="needs the extra ram[parquet]")
    ticks = iter(range(1000))
    monkeypatch.setattr(cost_sheet.time, "process_time", lambda: next(ticks))  # a second for each half of a part
    cost_sheet.tagging(pictures, 25, str(model), 36)
    found = cells(capsys.readouterr().out)
    assert found["reading and decoding"] == ["40.0 ms of a core", "400 core-hours"]
    assert found["decoding and tagging"] == ["80.0 ms of a core", "800 core-hours"]
    assert number(found["Parquet with looks"][0]) > number(found["Parquet without looks"][0])


def test_a_sharded_process_holds_its_share(capsys):
    cost_sheet.training(14, 8)
    found = cells(capsys.readouterr().out)
    weights, whole, sharded, _ = map(number, found["ram-plus-swin-large-pretrain"])
    assert whole == pytest.approx(weights * 1e6 * 16 / 1e9, rel=0.01)
    assert sharded == pytest.approx(whole / 8, abs=0.01)
    assert number(found["embedding of a caption, 512 float32"][1]) == pytest.approx(14e6 * 2048 / 1e9, abs=0.1)
