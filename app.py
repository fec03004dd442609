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

HERE = Path(__file__).resolve().parent
# Everything comes from this server: no request leaves it. Streamlit itself needs inline styles, blobs for
# component modules, and eval for its charts.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss: blob: data:; "
    "worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
HEADERS = {"content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "same-origin"}


class SecurityHeaders:
    """Add the security headers to every answer."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *[(k.encode(), v.encode()) for k, v in HEADERS.items()]]
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


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
    middleware=[Middleware(SecurityHeaders)],
)
