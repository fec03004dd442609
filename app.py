"""PC Graph, the Streamlit application: warm-up, assets, headers, navigation. Run it with `make app`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from pcgraph.ui.headers import Headers
from pcgraph.ui.immutable import Immutable

HERE = Path(__file__).resolve().parent


@asynccontextmanager
async def warm_up(_: Any) -> AsyncIterator[None]:
    """Load the engine before the first visitor, one thread a process: many visitors share the cores evenly."""
    import torch

    import pcgraph

    torch.set_num_threads(1)
    pcgraph.solve(pcgraph.gallery["residual"])
    yield


app = st.App(
    HERE / "pcgraph" / "ui" / "navigation.py",
    lifespan=warm_up,
    routes=[Mount("/assets", StaticFiles(directory=HERE / "assets"))],
    middleware=[Middleware(Headers), Middleware(Immutable)],
)
