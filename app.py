"""PC Graph, the Streamlit application: warm-up, assets, headers, limits, navigation. Run it with `make app`."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount

from pcgraph.ui.assets import Assets
from pcgraph.ui.handed import Belonging
from pcgraph.ui.headers import Headers
from pcgraph.ui.helpers import close_helpers, open_helpers
from pcgraph.ui.immutable import Immutable
from pcgraph.ui.logs import Requests, log_in_lines
from pcgraph.ui.pace import Pace
from pcgraph.ui.patches import patch_streamlit
from pcgraph.ui.text import tell_unexpected

HERE = Path(__file__).resolve().parent
SWITCH = 0.001  # seconds for which one thread keeps Python from another: a fifth of what is usual


@asynccontextmanager
async def warm_up(_: Any) -> AsyncIterator[None]:
    """Load the engine before the first visitor, one thread a process: many visitors share the cores evenly."""
    import torch

    import pcgraph
    from pcgraph.ui.work import queue

    log_in_lines()
    patch_streamlit(asyncio.get_running_loop())
    torch.set_num_threads(1)
    sys.setswitchinterval(SWITCH)  # an answer that is ready, or a message that came, waits no longer for a script
    pcgraph.solve(pcgraph.gallery["residual"])
    open_helpers()
    gc.freeze()  # what is loaded by now stays: no collection need look at it again
    yield
    queue().close()
    close_helpers()
    logging.getLogger("pcgraph.app").info("ended")


app = st.App(
    HERE / "pcgraph" / "ui" / "navigation.py",
    lifespan=warm_up,
    routes=[Mount("/assets", Assets())],
    middleware=[Middleware(each) for each in (Requests, Belonging, Headers, Immutable, Pace)],
    on_script_error=tell_unexpected,
)
