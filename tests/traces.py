"""Small traces that several tests look at."""

from __future__ import annotations

import pcgraph as pc

FORMULA = "x = input(0.5)\nw = parameter(2.0)\ny = x * w\nminimise squared_error(y, 0.25)"


def two_steps():
    """Return a trace of the steps 0 and 1."""
    return pc.solve(pc.parse(FORMULA), "zil")


def solve(name="residual", method="zil", **settings):
    """Return the trace of a problem of the gallery."""
    return pc.solve(pc.gallery[name], method, **settings)
