"""Pictures are tagged by the million in shards: every picture once, whatever stops the run."""

import shutil

import pytest
import torch

import ram
from ram.cli import main
from ram.cluster import part_tagger
from ram.cluster.parquet_results import look_of, write_part
from ram.cluster.work_plan import WorkPlan, WorkShard
from ram.library.folder_lock import locked
from tests.cluster.conftest import jpeg
from tests.cluster.runs import command, rows

parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra ram[parquet]")


@pytest.fixture
def small_parts(monkeypatch):
    """Let a part have 4 pictures."""
    monkeypatch.setattr("ram.cluster.picture_parts.PART", 4)


@pytest.mark.parametrize("flags", [["--looks"], ["--shard", "5"], ["--workers", "2"], ["--cluster", "auto"]])
def test_a_flag_of_the_engine_without_it_is_named(model, pictures, capsys, flags):
    assert main(["tag", str(pictures), "--model", str(model), *flags]) == 2
    assert f"{flags[0]} goes with --engine" in capsys.readouterr().err


def test_results_equal_those_of_the_tagger(model, pictures, tmp_path, capsys, small_parts):
    assert main([*command(model, tmp_path / "out", pictures), "--looks", "--top", "2"]) == 2, "one is broken"
    tagger, found = ram.load(model), rows(tmp_path / "out")
    assert list(found) == [f"{number:02}.jpg" for number in range(25)]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "000000.parquet", "000001.parquet", "000002.parquet", "_plan.jsonl"
    ]  # fmt: skip
    assert "13.jpg" in found["13.jpg"]["error"] and found["13.jpg"]["scores"] is None
    assert "1 could not be read" in capsys.readouterr().err
    new = tagger.embed({"bird": ["it flies"]})
    for name, row in found.items():
        if row["error"] is None:
            prediction = tagger.tag(pictures / name)
            assert row["tags"] == prediction.tags
            assert [score["tag"] for score in row["scores"]] == [score.tag for score in prediction.top(2)]
            expected = [score.probability for score in prediction.top(2)]
            assert [score["probability"] for score in row["scores"]] == pytest.approx(expected, abs=1e-6)
            exact = tagger.score(tagger.look(pictures / name), new)
            kept = tagger.score(look_of(row), new)
            assert kept.top(1)[0].probability == pytest.approx(exact.top(1)[0].probability, abs=0.01)


def test_tar_and_parquet_files_give_the_same_results(model, pictures, tars, tmp_path, small_parts):
    import pyarrow

    table = pyarrow.table({"key": [f"{n:02}.jpg" for n in range(25)], "image": [{"bytes": jpeg(n)} for n in range(25)]})
    (tmp_path / "tables").mkdir()
    parquet.write_table(table, tmp_path / "tables/all.parquet")
    sources = {"files": [pictures], "tars": [tmp_path / "{a,b}.tar"], "tables": [tmp_path / "tables"]}
    for name, source in sources.items():
        assert main(command(model, tmp_path / f"of-{name}", *source)) == (0 if name == "tables" else 2)
    found = {name: rows(tmp_path / f"of-{name}") for name in sources}
    for name in found["files"].keys() - {"13.jpg"}:
        for other in ("tars", "tables"):
            for one, score in zip(found[other][name]["scores"], found["files"][name]["scores"], strict=True):
                assert one == pytest.approx(score, abs=1e-6)
    assert found["tars"]["13.jpg"]["error"] and not found["tables"]["13.jpg"]["error"]


@pytest.mark.parametrize("written", [0, 1, 4, 6])
def test_a_stopped_run_goes_on_and_does_no_part_twice(model, pictures, tmp_path, monkeypatch, small_parts, written):
    assert main(command(model, tmp_path / "whole", pictures)) == 2
    done = []

    def stopping(folder, shard, number, *rest):
        if len(done) == written:
            raise KeyboardInterrupt
        done.append((shard, number))
        write_part(folder, shard, number, *rest)

    monkeypatch.setattr(part_tagger, "write_part", stopping)
    assert main(command(model, tmp_path / "parts", pictures)) == 130

    def counting(folder, shard, number, *rest):
        done.append((shard, number))
        write_part(folder, shard, number, *rest)

    monkeypatch.setattr(part_tagger, "write_part", counting)
    assert main(command(model, tmp_path / "parts", pictures)) in (0, 2), "2 where the broken one is tried"
    assert len(done) == len(set(done)) == 8, "parts of 4 in shards of 10, 10 and 5"
    for file in (tmp_path / "whole").glob("*.parquet"):
        assert parquet.read_table(file).equals(parquet.read_table(tmp_path / "parts" / file.name))
    assert not (tmp_path / "parts/_parts").exists()


def test_new_pictures_become_new_shards(model, pictures, tmp_path, capsys):
    main(command(model, tmp_path / "out", pictures))
    first = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("*.parquet")}
    (pictures / "99.jpg").write_bytes(jpeg(99))
    assert main(command(model, tmp_path / "out", pictures)) == 0
    assert len(rows(tmp_path / "out")) == 26
    assert {file: file.stat().st_mtime_ns for file in first} == first
    assert "3 of 4 shards are in out already" in capsys.readouterr().err


def test_results_within_a_source_are_no_pictures(model, pictures):
    for _ in range(2):
        main(command(model, pictures / "tags", pictures))
    assert len(rows(pictures / "tags")) == 25


def test_a_second_run_at_the_same_time_is_refused(model, pictures, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    with locked([tmp_path / "out"]):
        assert main(command(model, tmp_path / "out", pictures)) == 2
    assert "another run writes tags in" in capsys.readouterr().err


def test_a_broken_tar_gives_its_pictures_and_a_row_on_the_rest(model, tars, tmp_path, capsys):
    tars[0].write_bytes(tars[0].read_bytes()[:9000])
    assert main(command(model, tmp_path / "out", tars[0])) == 2
    assert "a.tar is broken from here on" in capsys.readouterr().err
    found = rows(tmp_path / "out")
    assert found["a.tar"]["error"] and len(found) > 1


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--json"], "--engine writes Parquet files only: leave out --json"),
        (["--sidecars"], "leave out --sidecars"),
        (["--workers", "2"], "--workers and --cluster are for --engine ray"),
    ],
)
def test_flags_that_an_engine_lacks_are_refused(model, pictures, tmp_path, capsys, flags, sentence):
    assert main([*command(model, tmp_path / "out", pictures), *flags]) == 2
    assert sentence in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_another_model_or_list_of_tags_is_refused(model, pictures, tmp_path, capsys):
    main(command(model, tmp_path / "out", pictures))
    assert main([*command(model, tmp_path / "out", pictures), "--top", "1"]) == 2
    assert "'out' holds results with another top: name a new folder" in capsys.readouterr().err
    shutil.copytree(pictures, tmp_path / "photos")
    assert main(command(model, tmp_path / "photos", pictures)) == 2
    assert "'photos' holds other files" in capsys.readouterr().err


def test_a_source_that_is_missing_is_refused(model, tmp_path, capsys):
    assert main(command(model, tmp_path / "out", tmp_path / "none.tar")) == 2
    assert "there is no file" in capsys.readouterr().err
    assert main(command(model, tmp_path / "out", tmp_path / "nothing")) == 2


def test_a_plan_keeps_paths_that_are_not_utf_8(tmp_path):
    shard = WorkShard("000000", "pictures", ("/photos/\udce9t\udce9.jpg",))
    assert WorkShard.from_json(shard.to_json()) == shard
    (tmp_path / "out").mkdir()
    plan = WorkPlan(tmp_path / "out", {"model": "tiny"})
    plan.shards.append(shard)
    plan._write()
    assert WorkPlan(tmp_path / "out", {"model": "tiny"}).shards == [shard]


def test_a_part_without_usable_pictures_has_rows(model, tmp_path):
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(b"\xff\xd8")
    assert main(command(model, tmp_path / "out", folder)) == 2
    assert [row["tags"] for row in rows(tmp_path / "out").values()] == [None]
    assert torch.is_inference_mode_enabled() is False
