"""A window table keeps its meaning in a window of another size; exact numbers are compared in test_golden."""

import numpy as np
import pytest
import torch

from ram.checkpoints.window_tables import resize_window_table


def rows(window):
    return (2 * window - 1) ** 2


@pytest.fixture(params=[(7, 12), (12, 7), (7, 8), (2, 7)], ids=str)
def windows(request):
    return request.param


def test_a_constant_stays_constant(windows):
    old, new = windows
    resized = resize_window_table(torch.full((rows(old), 2), 1.5), rows(new))
    torch.testing.assert_close(resized, torch.full((rows(new), 2), 1.5))


def test_the_bias_of_a_patch_to_itself_is_kept(windows):
    old, new = windows
    table = torch.randn(rows(old), 3)
    resized = resize_window_table(table, rows(new))
    torch.testing.assert_close(resized[rows(new) // 2], table[rows(old) // 2])


def test_up_and_sideways_are_treated_alike(windows):
    old, new = windows
    square = torch.randn(2 * old - 1, 2 * old - 1)
    turned = resize_window_table(square.T.reshape(-1, 1), rows(new)).reshape(2 * new - 1, 2 * new - 1)
    resized = resize_window_table(square.reshape(-1, 1), rows(new)).reshape(2 * new - 1, 2 * new - 1)
    torch.testing.assert_close(turned, resized.T)


def test_heads_do_not_mix():
    table = torch.randn(rows(7), 3)
    one_by_one = [resize_window_table(table[:, h : h + 1], rows(12)) for h in range(3)]
    torch.testing.assert_close(resize_window_table(table, rows(12)), torch.cat(one_by_one, 1))


def test_a_larger_window_keeps_the_rim():
    """The outermost entries lie on the rim of the new window."""
    square = torch.randn(13, 13)
    resized = resize_window_table(square.reshape(-1, 1), rows(12)).reshape(23, 23)
    torch.testing.assert_close(resized[::22, ::22], square[::12, ::12], atol=1e-3, rtol=0)


def test_it_is_the_cubic_spline_that_scipy_makes():
    interpolate = pytest.importorskip("scipy.interpolate", reason="the oracle is SciPy, which ram does not need")
    factor = max(np.roots([1, 1, 1, 1, 1, 1 - 11]).real)  # six growing steps reach 11, the rim of a window of 12
    steps = np.cumsum(factor ** np.arange(6))
    knots = np.concatenate([-steps[::-1], [0], steps])
    smooth = np.cos(knots / 5)[:, None] * np.sin(1 + knots / 4)[None]
    wanted = interpolate.RectBivariateSpline(knots, knots, smooth)(np.arange(-11, 12), np.arange(-11, 12))
    resized = resize_window_table(torch.tensor(smooth).reshape(-1, 1), rows(12)).reshape(23, 23)
    np.testing.assert_allclose(resized, wanted, atol=1e-4)


def test_the_same_window_and_the_kind_of_number_are_kept():
    table = torch.randn(rows(7), 2, dtype=torch.float16)
    assert resize_window_table(table, rows(7)) is table
    assert resize_window_table(table, rows(12)).dtype == torch.float16


@pytest.mark.parametrize("old, new", [(170, 529), (169, 500), (16, 529)])
def test_a_length_of_no_window_is_refused(old, new):
    with pytest.raises(ValueError, match=r"a window table has \(2w - 1\)\^2 rows"):
        resize_window_table(torch.zeros(old, 2), new)
