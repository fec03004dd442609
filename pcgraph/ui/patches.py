"""All that is done to Streamlit where it has no setting, in one call; each module says for itself what and why."""

from __future__ import annotations

from asyncio import AbstractEventLoop

from pcgraph.ui.at_once import send_at_once
from pcgraph.ui.fitting import let_values_fit
from pcgraph.ui.settled import settle
from pcgraph.ui.turns import take_turns
from pcgraph.ui.whole import tell_whole_runs


def patch_streamlit(loop: AbstractEventLoop) -> None:
    """Patch it for all sessions of this process, whose server runs in this loop. Done once, it is done."""
    send_at_once(loop)
    settle()
    let_values_fit()
    tell_whole_runs()
    take_turns()
