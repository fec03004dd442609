"""The end of a page's run is told with all that the run has drawn, also where a part of it is drawn anew right after.

Streamlit forgets what a fragment had drawn and what has not left yet, as soon as that fragment runs again. Where the
whole page's run has ended in between, the browser hears of that all the same, takes what it never got for gone, and
tears it down for a moment: with the focus, and with the keys that somebody types.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue


def tell_whole_runs() -> None:
    """Keep what belongs to an ended run of a whole page, in all sessions of this process. Streamlit has no setting."""
    clear: Any = getattr(ForwardMsgQueue, "clear", None)
    if clear is None or hasattr(clear, "__wrapped__"):  # another Streamlit, or done already: the app works all the same
        return

    @wraps(clear)
    def clear_what_is_not_whole(
        queue: Any, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
    ) -> None:
        waiting = queue._queue
        whole = 0
        if retain_lifecycle_msgs and fragment_ids_this_run is not None:
            whole = max((at for at, message in enumerate(waiting, 1) if _ends_a_page(message)), default=0)
        queue._queue = waiting[whole:]
        clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)
        queue._queue = waiting[:whole] + queue._queue

    ForwardMsgQueue.clear = clear_what_is_not_whole  # type: ignore[method-assign, assignment]


def _ends_a_page(message: ForwardMsg) -> bool:
    return (
        message.WhichOneof("type") == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
    )
