"""The real app on loopback, as many processes as asked, for as long as a measurement takes."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
START = 90.0  # seconds a server may take on a busy machine
HOST = "127.0.0.1"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


class Process:
    """A process of ours that answers on a port; it ends with its `with` block."""

    def __init__(self, command: list[str], port: int, **environment: str) -> None:
        self.command, self.port, self.environment = command, port, environment
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    def __enter__(self) -> Any:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()
        self.log.close()

    def start(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **self.environment}
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=environment, stdout=self.log, stderr=subprocess.STDOUT
        )
        end = time.monotonic() + START
        while not self.answers():
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(f"The server did not start: {self.said()[-2000:]}")
            time.sleep(0.1)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> float:
        """End the process and return how many seconds that took."""
        began = time.monotonic()
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return time.monotonic() - began

    def answers(self, path: str = "/_stcore/health") -> bool:
        try:
            with urllib.request.urlopen(self.address + path, timeout=10) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def said(self) -> str:
        """Return what the process printed."""
        self.log.flush()
        return os.pread(self.log.fileno(), 10_000_000, 0).decode("utf-8", "replace")

    def status(self, word: str) -> float:
        """Return a figure of /proc/…/status, in MB where it is a size."""
        assert self.process
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{word}:"):
                return float(line.split()[1]) / (1024 if line.endswith("kB") else 1)
        raise KeyError(word)

    def memory(self) -> float:
        """Return the resident memory in MB."""
        return self.status("VmRSS")

    def cpu(self) -> float:
        """Return the seconds of processor time so far."""
        assert self.process
        return processor_time(self.process.pid)


class App(Process):
    """One process of the app."""

    def __init__(self, port: int | None = None, **environment: str) -> None:
        port = port or free_port()
        options = {"server.address": HOST, "server.port": port, "server.fileWatcherType": "none"}
        told = [f"--{name}={value}" for name, value in options.items()]
        super().__init__([sys.executable, "-m", "streamlit", "run", "app.py", *told], port, **environment)


def fields(process: int) -> list[str]:
    """Return what /proc/…/stat says after the name of a process: none of one that has ended, asked for how or not."""
    with suppress(FileNotFoundError, ProcessLookupError):
        found = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        return found if found[0] != "Z" else []
    return []


def processor_time(process: int) -> float:
    """Return the seconds of processor time that a process has had."""
    return sum(map(int, fields(process)[11:13])) / os.sysconf("SC_CLK_TCK")


class Nginx(Process):
    """nginx before some servers, with deploy/nginx.conf: only its ports, its servers and its folders are others."""

    def __init__(self, servers: Sequence[Process]) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="pc-graph-nginx-")
        port = free_port()
        conf = (ROOT / "deploy/nginx.conf").read_text("utf-8")
        (upstream,) = re.findall(r"^ *server app:8501(.*;).*$", conf, re.MULTILINE)
        lines = "\n".join(f"        server {HOST}:{server.port}{upstream}" for server in servers)
        conf = re.sub(r"^ *server app:8501.*$", lines, conf, flags=re.MULTILINE)
        conf = conf.replace("listen 8080;", f"listen {HOST}:{port};").replace("/tmp/", f"{self.folder.name}/")
        conf = conf.replace("access_log /dev/stdout plain;", "access_log off;")
        path = Path(self.folder.name) / "nginx.conf"
        path.write_text(conf, "utf-8")
        super().__init__([NGINX or "nginx", "-c", str(path), "-p", self.folder.name, "-g", "daemon off;"], port)

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self.folder.cleanup()
