"""What holds for all tests: examples made by chance are the same in every run, and none is timed."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings

settings.register_profile("the same", derandomize=True, deadline=None)
settings.load_profile("the same")


def pytest_terminal_summary(terminalreporter):
    """Print how many inputs of each kind were tried, and in how many tests one of them failed (`make fuzz`)."""
    counts = Counter()
    for report in terminalreporter.getreports("passed"):
        for count, kind in [text.split(" ", 1) for name, text in report.user_properties if name == "fuzz"]:
            counts[kind] += int(count)
    if counts:
        tried = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        terminalreporter.write_line(f"Fuzz: {tried}; {len(terminalreporter.getreports('failed'))} tests failed")
