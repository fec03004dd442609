"""What holds for all tests: examples made by chance are the same in every run, none is timed, jobs run in a thread."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from hypothesis import settings

from pcgraph.jobs import WORKER

settings.register_profile("the same", derandomize=True, deadline=None)
settings.load_profile("the same")

WORKER.make = partial(ThreadPoolExecutor, 1)  # no page that is tested waits for a process to load torch


def pytest_terminal_summary(terminalreporter):
    """Print how many inputs of each kind were tried, and in how many tests one of them failed (`make fuzz`)."""
    counts = Counter()
    for report in terminalreporter.getreports("passed"):
        for count, kind in [text.split(" ", 1) for name, text in report.user_properties if name == "fuzz"]:
            counts[kind] += int(count)
    for kind, count in sorted(counts.items()):
        terminalreporter.write_line(f"{count:6d} {kind}")
    if counts:
        terminalreporter.write_line(f"{len(terminalreporter.getreports('failed')):6d} tests failed")


collect_ignore = ["architectures.py"]  # it needs the packages of requirements-networks.txt
