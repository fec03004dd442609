"""What holds for all tests: examples made by chance are the same in every run, and none is timed."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("the same", derandomize=True, deadline=None)
settings.load_profile("the same")
