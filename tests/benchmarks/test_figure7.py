"""Figure 7: three ways against the number of categories, measured as far as time allows and extended from there."""

import json

import pytest
import torch

from benchmarks import figure7
from benchmarks.figure7 import COUNTS, Way, extend, measure

pytestmark = pytest.mark.slow


def counted(seconds_a_category):
    """A clock that only scoring moves, and a way that scores so slowly."""
    now = [0.0]

    def score(count):
        now[0] += count * seconds_a_category

    return lambda: now[0], Way("slow", "#000", "o", lambda: None, score)


def test_what_takes_too_long_is_extended_along_a_straight_line():
    clock, way = counted(seconds_a_category=1.0)
    taken = measure(way, clock, rounds=1, seconds=200)
    assert taken == {10: 10.0, 30: 30.0, 100: 100.0}
    assert extend(taken) == {300: 300.0, 1000: 1000.0, 4585: 4585.0}


def test_two_numbers_are_measured_however_long_they_take():
    clock, way = counted(seconds_a_category=1e6)
    assert list(measure(way, clock, rounds=1, seconds=1)) == [10, 30]


def test_a_quick_curve_is_measured_without_extrapolation():
    clock, way = counted(seconds_a_category=1e-9)
    taken = measure(way, clock, rounds=1, seconds=1)
    assert tuple(taken) == COUNTS and extend(taken) == {}


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_figure_is_drawn_from_what_real_modules_took(tmp_path, capsys, threads):
    figure7.main(["--quick", "--threads", "1", "--output", str(tmp_path)])
    *curves, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert [name.split(":")[0] for curve in curves for name in curve] == ["ITC", "ITM", "ITTA"]
    for curve in curves:
        ((name, points),) = curve.items()
        assert len(points["measured"]) >= 2 and len(points["measured"] | points["extended"]) == len(COUNTS), name
    assert last["files"] == ["figure7.png", "figure7.svg"]
    assert all((tmp_path / file).stat().st_size > 10_000 for file in last["files"])
