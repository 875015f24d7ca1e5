"""The ablation's records: figures of each seed in the result file, and the command that makes them again."""

import json
import sys

from benchmarks import ablation
from benchmarks.ablation import RUNS, by_row, command_of, share_checks
from benchmarks.tables.result_files import read_results, write_results

DONE = [
    {"run": "f", "seed": 1, "asked": "reweight", "common": 32.0, "uncommon": 25.0, "coco128": 50.0},
    {"run": "no contrast", "seed": 0, "asked": "reweight", "common": 33.0, "uncommon": 24.0, "coco128": 50.0},
    {"run": "f", "seed": 0, "asked": "reweight", "common": 31.0, "uncommon": 24.0, "coco128": 50.0},
]


def test_a_row_has_the_figure_of_each_seed():
    assert by_row(DONE)["f, reweight"] == {"common": [31.0, 32.0], "uncommon": [24.0, 25.0], "coco128": [50.0, 50.0]}


def test_the_command_names_the_seeds_and_the_rows_that_are_there():
    start = "python -m benchmarks.ablation --data DATA --output runs/ablation --seeds 0 1"
    assert command_of(DONE) == f"{start} --rows f 'no contrast'"
    assert command_of([{"run": run, "seed": seed} for run in RUNS for seed in (1, 0)]) == start


def test_pictures_are_checked_by_the_first_run_alone(tmp_path):
    (tmp_path / "f-0").mkdir()
    (tmp_path / "f-0" / "checked-1.json").write_text("[]")
    share_checks(tmp_path, tmp_path / "e-0")
    share_checks(tmp_path, tmp_path / "e-0")
    assert (tmp_path / "e-0" / "checked-1.json").read_text() == "[]"


def test_the_result_file_is_written_from_the_records(tmp_path, monkeypatch, capsys):
    (tmp_path / "results.jsonl").write_text("\n".join(map(json.dumps, DONE)))
    write_results("ablation", "c", "a", {"f, reweight": {"common": 1.0}, "e, mean": {"common": 2.0}}, tmp_path)
    arguments = ["--data", str(tmp_path), "--output", str(tmp_path), "--results", str(tmp_path), "--rows", "f"]
    monkeypatch.setattr(ablation, "TABLES", {"Table": (("row", "f", "reweight"),)})
    monkeypatch.setattr(sys, "argv", ["ablation", *arguments])
    ablation.main()
    found = read_results("ablation", tmp_path)
    assert found.rows.keys() == {"f, reweight"}  # the rows that were asked for
    assert found.rows["f, reweight"]["common"] == [31.0, 32.0] and found.command == command_of(DONE[::2])
    printed = capsys.readouterr()
    assert "left out: e, mean" in printed.err and "| row | 31.5 ± 0.7 | 24.5 ± 0.7 | 50.0 ± 0.0 |" in printed.out
