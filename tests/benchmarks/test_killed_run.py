"""The benchmark of killed runs finds what differs, and kills a run that goes on."""

import sys

import pytest

from benchmarks.killed_run import differences, linked, tag
from ram.errors import InputError
from tests.paths import ROOT

PHOTOS = sorted((ROOT / "assets" / "examples").glob("*.jpg"))


def made(tmp_path, name):
    folder = tmp_path / name
    linked(folder, PHOTOS[:2], 3)
    for photo in folder.iterdir():
        photo.with_name(f"{photo.name}.xmp").write_text("<x/>")
    rows = f"image,model,tag,probability\n{folder}/000001.jpg,m,cat,0.218269\n{folder}/000000.jpg,m,dog,0.9\n"
    (tmp_path / f"{name}.csv").write_text(rows)
    return folder


def test_the_folder_of_a_photo_is_no_difference(tmp_path):
    assert list(differences(made(tmp_path, "one"), made(tmp_path, "other"))) == []


def test_a_changed_digit_and_another_order_are_found(tmp_path):
    one, other = made(tmp_path, "one"), made(tmp_path, "other")
    table = tmp_path / "other.csv"
    text = table.read_text()
    table.write_text(text.replace("0.218269", "0.218270"))
    (found,) = differences(one, other)
    assert found == "000001.jpg, m, cat, 0.218269 and 000001.jpg, m, cat, 0.218270"
    header, *rows = text.splitlines(keepends=True)
    table.write_text("".join([header, *reversed(rows)]))
    assert len(list(differences(one, other))) == 2


def test_a_changed_sidecar_and_a_repeated_row_are_found(tmp_path):
    one, other = made(tmp_path, "one"), made(tmp_path, "other")
    (other / "000001.jpg.xmp").write_text("<y/>")
    (other / "000002.jpg.xmp").unlink()
    with (tmp_path / "other.csv").open("a") as table:
        table.write("other/000001.jpg,m,cat,0.218269\n")
    assert list(differences(one, other)) == ["000001.jpg.xmp", "000002.jpg.xmp", "3 and 4 rows"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
def test_a_run_that_fails_is_no_killed_run(tmp_path):
    linked(tmp_path / "one", PHOTOS[:1], 1)
    with pytest.raises(InputError, match="ended with status 2: .*there is no model"):
        tag(tmp_path / "one", "no-such-model", 1)
