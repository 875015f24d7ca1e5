"""Interpolate Swin's relative position bias tables to a window of another size."""

import math

import torch


def resize_window_table(table: torch.Tensor, length: int) -> torch.Tensor:
    """Interpolate a table as BEiT and the official RAM code do.

    The old entries are spread over the new window in steps that grow geometrically from its centre, and the cubic
    spline through them is evaluated at every whole distance. timm's own version is linear between them.

    Args:
        table: ((2w - 1)^2, heads) for a window of w x w patches.
        length: (2v - 1)^2 for the new window v.

    Returns:
        (length, heads).

    Raises:
        ValueError: either length belongs to no window.
    """
    old, new = _side(table.shape[0]), _side(length)
    if old == new:
        return table
    knots = _spread(old, new)
    distances = (torch.arange(new, dtype=torch.float64) - new // 2).clamp(knots[0], knots[-1])
    knots, distances = knots / new, distances / new  # keeps the cubes small
    weights = torch.linalg.solve(_spline(knots, knots), _spline(distances, knots), left=False)
    square = table.double().reshape(old, old, -1)
    return torch.einsum("yi,xj,ijh->yxh", weights, weights, square).reshape(length, -1).to(table.dtype)


def _side(length: int) -> int:
    side = math.isqrt(length)
    if side * side != length or side % 2 == 0:
        raise ValueError(f"a window table has (2w - 1)^2 rows for a window of w patches, not {length}")
    return side


def _spread(old: int, new: int) -> torch.Tensor:
    """(old,) positions from rim to rim of the new window, each step outward a factor longer than the last.

    The factor is searched between 1.01 and 1.5 to the published precision: a finer one gives other tables.
    """
    steps, rim = old // 2, new // 2
    low, high = 1.01, 1.5
    while high - low > 1e-6:
        factor = (low + high) / 2
        if (factor**steps - 1) / (factor - 1) > rim:
            high = factor
        else:
            low = factor
    outward = (factor ** torch.arange(steps, dtype=torch.float64)).cumsum(0)
    return torch.cat([-outward.flip(0), outward.new_zeros(1), outward])


def _spline(at: torch.Tensor, knots: torch.Tensor) -> torch.Tensor:
    """(n, knots) values at n positions of a basis of the cubic splines over ``knots``.

    The outermost knots but one are left out ("not a knot"): exactly one spline then passes through all.
    """
    powers = [at**k for k in range(min(4, len(knots)))]
    return torch.stack(powers + [(at - knot).abs() ** 3 for knot in knots[2:-2]], dim=1)
