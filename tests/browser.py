"""What the browser tests, the benchmark and the screenshots share: the app on a free port, and Chromium."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from playwright.sync_api import Browser, Page, sync_playwright

from pcgraph.messages import LANGUAGES, say

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# What Playwright switches off (a second list takes the place of its own), and the two pages that Chromium loads for its
# address bar with each new context: a second of processor time for what nobody sees.
WITHOUT = """
    AvoidUnnecessaryBeforeUnloadCheckSync DestroyProfileOnBrowserClose HttpsUpgrades HttpsFirstBalancedModeAutoEnable
    LensOverlay MediaRouter PaintHolding ThirdPartyStoragePartitioning AvoidCorsURLLoaderRestartOnRedirect
    OptimizationHints NetworkTimeServiceQuerying AimEnabled PreconnectToSearch
    WebUIOmniboxPopup WebUIOmniboxAimPopup
""".split()
FLAGS = f"""
    --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-features={",".join(WITHOUT)}
""".split()
LAPTOP = {"width": 1280, "height": 720}
PHONE = {"width": 390, "height": 844}
START = 60  # seconds the server may take on a busy machine
FAILED = "Uncaught app execution"  # what Streamlit writes into its log where a page's script failed
UNFORESEEN = {say("error.unexpected", language) for language in LANGUAGES}  # and what the page says then


@contextmanager
def served(root: str = "", **environment: str) -> Iterator[str]:
    """Serve the app on a free port, below the path `root` where there is one, and yield its address."""
    with socket.socket() as one:
        one.bind(("localhost", 0))
        port = one.getsockname()[1]
    options = {"server.address": "localhost", "server.port": port, "server.fileWatcherType": "none"}
    options |= {"server.baseUrlPath": root} if root else {}
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        *(f"--{name}={value}" for name, value in options.items()),
    ]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        address = f"http://localhost:{port}{root}"
        try:
            if not _answers(f"{address}/_stcore/health", server):
                raise RuntimeError(f"The app did not start: {_said(log)}")
            yield address
        finally:
            server.terminate()
            server.wait()
        if FAILED in (said := _said(log)):
            raise RuntimeError(f"A page failed, whoever saw it: {said[said.index(FAILED) :][:4000]}")


def _said(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode()


def _answers(address: str, server: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + START
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return bool(answer.read() == b"ok")
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Start Chromium and yield it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        yield browser
        browser.close()


def open_page(browser: Browser, **options: Any) -> Page:
    """Return a page of a new context: 1280×720, light, where the options do not say otherwise."""
    return browser.new_context(**{"viewport": LAPTOP, "color_scheme": "light", **options}).new_page()
