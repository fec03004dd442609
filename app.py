"""PC Graph, the Streamlit application: warm-up, assets, headers, navigation. Run it with `make app`."""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount

from pcgraph.jobs import WORKER
from pcgraph.ui.address import Addresses, app_root
from pcgraph.ui.assets import Assets
from pcgraph.ui.headers import Headers
from pcgraph.ui.logs import Requests, log_in_lines
from pcgraph.ui.text import tell_unexpected

HERE = Path(__file__).resolve().parent


@asynccontextmanager
async def warm_up(_: Any) -> AsyncIterator[None]:
    """Load the engine before the first visitor, with one thread: many visitors share the cores evenly."""
    import torch

    import pcgraph

    log_in_lines()
    torch.set_num_threads(1)
    pcgraph.solve(pcgraph.gallery["residual"])
    WORKER.open()
    gc.freeze()  # a full collection would take 0.1 s over what torch has loaded
    yield
    WORKER.close()
    logging.getLogger("pcgraph.app").info("ended")


app = st.App(
    HERE / "pcgraph" / "ui" / "navigation.py",
    lifespan=warm_up,
    routes=[Mount(f"{app_root()}/assets", Assets())],
    middleware=[Middleware(each) for each in (Requests, Headers, Addresses)],
    on_script_error=tell_unexpected,
)
