"""The HTTP headers of every answer: what a page may load, and, with a page itself, what it will need soon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ASSETS = Path(__file__).resolve().parents[2] / "assets"
# Everything comes from this server: no request leaves it. Streamlit itself needs inline styles, blobs for
# component modules, and eval for its charts.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss: blob: data:; "
    "worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
STAGE = ("/", "/compare", "/levels")  # the pages that open with a stage
SECURITY = {"content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "same-origin"}


def soon() -> str:
    """Return the Link header that lets a browser fetch the stage while Streamlit's own code still loads."""
    loader = (ASSETS / "streamlit.mjs").read_text("utf-8")
    modules = ["streamlit.mjs", *(line.split('"')[-2][2:] for line in loader.splitlines() if line.startswith("import"))]
    links = [f"</assets/{name}>; rel=modulepreload" for name in modules]
    links.append("</assets/stage.css>; rel=preload; as=style")
    links.append("</assets/messages/en.json>; rel=preload; as=fetch; crossorigin")
    return ", ".join(links)


class Headers:
    """ASGI middleware: add the security headers, and to a page with a stage the list of what it needs soon."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.always = [(name.encode(), text.encode()) for name, text in SECURITY.items()]
        self.with_stage = [(b"link", soon().encode())]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                kind = dict(message["headers"]).get(b"content-type", b"")
                more = self.with_stage if kind.startswith(b"text/html") and scope["path"] in STAGE else []
                message["headers"] = [*message["headers"], *self.always, *more]
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
