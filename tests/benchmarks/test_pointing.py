import json
import shutil

import numpy as np
import pytest

from benchmarks import pointing
from tests.paths import ROOT

DOGS = ROOT / "assets" / "examples" / "dogs.jpg"


@pytest.mark.parametrize(
    ("box", "inside"),
    [([0, 0, 0.3, 0.6], False), ([0.5, 0, 1, 0.5], True), ([0.6, 0.1, 0.9, 0.4], True), ([0.5, 0.3, 1, 1], False)],
)
def test_a_map_points_at_the_middle_of_its_brightest_patch(box, inside):
    drawn = np.array([[0.0, 1.0], [0.0, 0.9]])  # brightest at 0.75 across and 0.25 down
    assert pointing.points_at(drawn, [[0, 0.9, 0.1, 1], box]) is inside


def test_the_table_names_every_kind_of_map(tmp_path, monkeypatch, capsys):
    shutil.copy(DOGS, tmp_path / "dogs.jpg")
    boxes = [{"tag": tag, "box": [0, 0, 1, 1]} for tag in ("dog", "zebra")]
    (tmp_path / "boxes.json").write_text(json.dumps([{"image": "dogs.jpg", "boxes": boxes}]))
    monkeypatch.setattr("sys.argv", ["pointing", str(tmp_path / "boxes.json"), str(tmp_path)])
    pointing.main()
    *rows, heading, regions, whole, _, last = capsys.readouterr().out.splitlines()
    assert last == "1 tags on 1 images"  # the model sees no zebra
    assert len(rows) == 7 and all("100.0 %" in row for row in rows[1:])
    assert "mean overlap" in heading and whole.split()[-3:] == ["1.00", "100.0", "%"]
    assert 0 < float(regions.split()[-3]) <= 1
