"""The second process: it computes the same, its errors arrive whole, and without it everything goes on."""

from __future__ import annotations

import os
import signal
import time

import pytest

from pcgraph.document import to_json
from pcgraph.errors import PCGraphError
from pcgraph.gallery import gallery
from pcgraph.ui import helper
from pcgraph.ui.helper import close_helper, elsewhere, open_helper
from pcgraph.ui.runs import _picture

RUN = (to_json(gallery["residual"]), (("zil", 1.0, None),), True, None)


@pytest.fixture(scope="module")
def other():
    """The process, once it has begun."""
    open_helper(1)
    if helper._started is None:
        pytest.fail("these tests need two cores")
    helper._started.result(60)
    yield
    close_helper()


def test_the_process_computes_the_same_picture(other):
    assert elsewhere(os.getpid) != os.getpid()
    assert elsewhere(_picture, *RUN) == _picture(*RUN)


def test_an_error_arrives_whole_and_the_process_lives_on(other):
    before = elsewhere(os.getpid)
    with pytest.raises(PCGraphError) as caught:
        elsewhere(_picture, RUN[0], (("zil", 1.0, 10**9),), True, None)
    with pytest.raises(PCGraphError) as wanted:
        _picture(RUN[0], (("zil", 1.0, 10**9),), True, None)
    assert type(caught.value) is type(wanted.value)
    assert (caught.value.key, caught.value.slots) == (wanted.value.key, wanted.value.slots)
    assert caught.value.text("zh") == wanted.value.text("zh") != caught.value.text("en")
    assert elsewhere(os.getpid) == before


def test_when_the_process_is_killed_everything_is_computed_in_place(other):
    os.kill(elsewhere(os.getpid), signal.SIGKILL)
    time.sleep(0.2)
    assert elsewhere(_picture, *RUN) == _picture(*RUN)
    assert elsewhere(os.getpid) == os.getpid()
