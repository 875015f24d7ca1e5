"""The papers' tables: quoted figures as printed, ours from files of results, and never both in one row."""

import argparse
import json

import pytest

from benchmarks.tables import __main__ as tables
from benchmarks.tables.our_tables import is_copied, load_ours
from benchmarks.tables.quoted_tables import PAPERS, QuotedTable, load_quoted
from benchmarks.tables.recorded_commands import joined_commands, recorded_command
from benchmarks.tables.result_files import RESULTS, Measured, read_results, write_results
from ram.errors import InputError
from tests.paths import ROOT


def quoted(paper, number):
    return next(table for table in load_quoted(paper) if table.number == number)


def test_every_table_of_both_papers_is_quoted_once():
    assert [table.number for table in load_quoted("ram_plus")] == list(range(1, 16))
    assert [table.number for table in load_quoted("ram")] == list(range(1, 6))


@pytest.mark.parametrize(
    ("paper", "number", "row", "column", "printed"),
    [
        ("ram_plus", 1, ("Tag-Uncommon", "OpenImages"), "images", "21,991"),
        ("ram_plus", 2, ("RAM++", "14M"), "OpenImages common", "86.6"),
        ("ram_plus", 2, ("RAM++", "14M"), "HICO", "37.7"),
        ("ram_plus", 2, ("CLIP", "400M", "LLM tag descriptions"), "OpenImages uncommon", "70.2"),
        ("ram_plus", 2, ("ML-Decoder (closed set)",), "OpenImages uncommon", "79.5"),
        ("ram_plus", 3, ("(f) as (e), automatic weighting",), "ImageNet uncommon", "51.3"),
        ("ram_plus", 4, ("global",), "HICO", "34.5"),
        ("ram_plus", 5, ("specific", "re-weighted"), "ImageNet uncommon", "31.9"),
        ("ram_plus", 6, ("ODISE (segmentation)",), "recall", "50.3"),
        ("ram_plus", 7, ("BLIP",), "time a query, ms", "~402.4"),
        ("ram_plus", 8, ("RAM++",), "uncommon recall", "76.2"),
        ("ram_plus", 9, ("GPT-3.5",), "OpenImages uncommon", "73.8"),
        ("ram_plus", 10, ("+ data engine", "RAM++"), "HICO", "37.8"),
        ("ram_plus", 11, ("ASL",), "OpenImages uncommon", "70.2"),
        ("ram_plus", 12, ("SPLC",), "OpenImages common", "82.0"),
        ("ram_plus", 13, ("BERT",), "ImageNet uncommon", "24.2"),
        ("ram_plus", 14, ("Swin-L",), "HICO", "39.2"),
        ("ram_plus", 15, ("6",), "OpenImages uncommon", "58.5"),
        ("ram", 2, ("RAM-14M",), "ADE20k clean", "56.9"),
        ("ram", 3, ("SEEM",), "COCO-133", "71.8/61.0"),
        ("ram", 4, ("(b)",), "OPPO common", "81.70"),
        ("ram", 5, ("Swin-B", "4M", "39.8M", "yes", "yes", "yes", "yes"), "OpenImages common", "86.01"),
    ],
)
def test_well_known_cells_are_quoted_as_printed(paper, number, row, column, printed):
    table = quoted(paper, number)
    (found,) = [cells for cells in table.rows if cells[: len(row)] == row]
    assert found[table.columns.index(column)] == printed


def test_a_quoted_row_of_another_width_is_refused():
    with pytest.raises(ValueError, match="2 cells"):
        QuotedTable("ram", 1, "title", ("a",), (("1", "2"),))


def test_the_means_of_seeds_are_given_with_their_spread():
    assert Measured.of([31.0, 33.0]).text() == "32.0 ± 1.4"
    assert Measured.of({"mean": 31.6, "sd": 0.2, "seeds": 3}).text() == "31.6 ± 0.2"
    assert Measured.of(1000).text(0) == "1,000"


def test_results_are_read_as_they_were_written(tmp_path):
    write_results("loss", "make it", "on photos", {"ASL": {"common": [1.0, 2.0], "uncommon": 1 / 3}}, tmp_path)
    found = read_results("loss", tmp_path)
    assert (found.command, found.about) == ("make it", "on photos")
    assert found.figure("ASL", "common").mean == 1.5 and found.figure("ASL", "uncommon").mean == 0.333333
    assert found.figure("BCE", "common") is None


def test_a_broken_result_file_is_named(tmp_path):
    (tmp_path / "sets.json").write_text('{"command": "x"}')
    with pytest.raises(InputError, match="sets.json"):
        read_results("sets", tmp_path)


def test_a_table_without_its_file_says_what_to_run(tmp_path, capsys):
    assert tables.main(["--paper", "ram_plus", "--table", "15", "--results", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "not run: needs `python -m benchmarks.ablation" in printed and "61.7" in printed


def test_figures_of_a_file_fill_our_rows_only(tmp_path, capsys):
    write_results("ablation", "one command", "on photos", {"f, reweight": {"common": 12.3, "uncommon": 4.5}}, tmp_path)
    assert tables.main(["--paper", "ram_plus", "--table", "15", "--markdown", "--results", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "| 2 | 82.4 | 61.7 |" in printed and "| 2 | 12.3 | 4.5 |" in printed
    assert printed.index("61.7") < printed.index("Ours, at lite scale") < printed.index("12.3")
    assert "| 6 | not run: needs `python -m benchmarks.ablation" in printed and "`one command`" in printed


def test_json_holds_both_parts_apart(tmp_path, capsys):
    write_results("ablation", "one command", "on photos", {"f, reweight": {"common": [1, 3]}}, tmp_path)
    assert tables.main(["--paper", "ram_plus", "--table", "15", "--json", "--results", str(tmp_path)]) == 0
    (table,) = json.loads(capsys.readouterr().out)
    assert table["quoted"][0] == {"layers": "2", "OpenImages common": "82.4", "OpenImages uncommon": "61.7"}
    first, second = table["ours"]
    assert first["common"]["mean"] == 2 and first["common"]["seeds"] == 2 and first["uncommon"] is None
    assert second["not_run"].startswith("`python -m")


def test_an_unknown_table_is_refused(capsys):
    assert tables.main(["--table", "16"]) == 2
    assert "no table 16" in capsys.readouterr().err


@pytest.mark.parametrize("paper", PAPERS)
def test_every_table_has_a_part_of_ours(paper):
    for table in load_quoted(paper):
        ours = load_ours(paper, table.number)
        assert ours.rows and len(ours.columns) > len(ours.digits) > 0, table.name


def test_every_file_of_results_has_the_command_that_the_tables_name():
    from benchmarks.tables.our_tables import _layout

    commands = _layout()["commands"]
    for path in RESULTS.glob("*.json"):
        found = read_results(path.stem)
        command = commands.get(path.stem, found.command)
        # the file's one has the options that were given, too; several runs may have filled it
        if not is_copied(path.stem, found):
            assert all(f"{each} ".startswith(f"{command} ") for each in found.command.split("; ")), path.name


def test_figures_copied_by_hand_are_called_so(tmp_path, capsys):
    about = "Measured once; without captions: --set objectives.captioning=."
    write_results("captioning", "one command", about, {"with captions": {"dev": 12.3}}, tmp_path)
    assert tables.main(["--paper", "ram", "--table", "4", "--results", str(tmp_path)]) == 0
    assert "Copied by hand from printed runs." in capsys.readouterr().out
    write_results("captioning", "one command", "Anew.", {"with captions": {"dev": [12.3]}}, tmp_path)
    assert tables.main(["--paper", "ram", "--table", "4", "--results", str(tmp_path)]) == 0
    assert "Copied by hand" not in capsys.readouterr().out


def test_the_documents_name_each_file_of_copied_figures():
    page = (ROOT / "docs" / "remake.md").read_text(encoding="utf-8")
    for path in RESULTS.glob("*.json"):
        assert is_copied(path.stem, read_results(path.stem)) == (f"`{path.name}`" in page), path.name


def test_the_local_model_is_a_row_until_it_is_measured(tmp_path, capsys):
    write_results("describers", "c", "a", {"lexicon, tags of GPT-3": {"tags": 2, "re-weighted": 1.0}}, tmp_path)
    assert tables.main(["--paper", "ram_plus", "--table", "9", "--markdown", "--results", str(tmp_path)]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("| local model | GPT-3"))
    assert "`python -m benchmarks.lite DATA --only describers --describers local`" in row


@pytest.mark.parametrize(
    ("paper", "number", "said"),
    [
        ("ram_plus", 6, "Ours are on coco128"),
        ("ram_plus", 14, "weights of Swin-B with a free licence"),
        ("ram", 4, "`python -m benchmarks.lite.captioning DATA`"),
    ],
)
def test_what_differs_or_is_missing_is_said(paper, number, said, capsys):
    assert tables.main(["--paper", paper, "--table", str(number)]) == 0
    assert said in capsys.readouterr().out


def test_the_recorded_command_has_what_was_given_and_no_folder():
    parser = argparse.ArgumentParser(prog="python -m x")
    parser.add_argument("data", metavar="DATA")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--row", nargs="+")
    parser.add_argument("--output", default="a")
    args = parser.parse_args(["photos", "--seeds", "0", "1", "--row", "no contrast", "--output", "out"])
    assert recorded_command(parser, args) == "python -m x DATA --seeds 0 1 --row 'no contrast'"
    assert joined_commands("a; b", "b") == "a; b" and joined_commands("a", "b") == "a; b"


def test_the_page_of_tables_is_the_output_of_the_command(capsys):
    tables.main(["--markdown"])
    page = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert page == capsys.readouterr().out, "renew it: python -m benchmarks.tables --markdown > docs/tables.md"
