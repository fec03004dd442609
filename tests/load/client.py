"""One visitor without a browser: it opens the app's websocket, keeps its widgets' values, and reads a page."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

ANSWER = 60.0  # seconds until an answer counts as lost
KEPT = 2  # runs for which a browser keeps a message that it may be told to take again


@dataclass
class Answer:
    """What came of one run of a page's script."""

    seconds: float
    size: int  # bytes of all its messages
    stage: dict[str, Any] | None = None  # what the stage was sent
    link: dict[str, str] | None = None  # the query string, where the run changed it
    alerts: list[str] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    finished: bool = True

    @property
    def payload(self) -> dict[str, Any]:
        return json.loads(self.stage["payload"]) if self.stage else {}


class Visitor:
    """A session of one page. `act` changes one widget, as a hand does, and waits until the script has finished."""

    def __init__(self, address: str, query: str = "", page: str = "", cookies: str = "") -> None:
        self.address, self.query, self.page, self.cookies = address, query, page, cookies
        self.widgets: dict[str, Any] = {}  # by id: the element
        self.values: dict[str, WidgetState] = {}
        self.kept: dict[str, tuple[int, ForwardMsg]] = {}
        self.fragments: dict[str, str] = {}  # by id of a widget: the part of the page that its change runs again
        self.paths: dict[str, tuple[int, ...]] = {}  # by id of a widget or a fragment: where on the page it stands
        self.runs = 0
        self.socket: Any = None

    # ---- the connection

    async def connect(self) -> None:
        """Open the websocket as the page of this origin does."""
        host = self.address.removeprefix("http://")
        self.socket = await websockets.connect(
            f"ws://{host}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            origin=self.address,  # type: ignore[arg-type]
            additional_headers={"Cookie": self.cookies} if self.cookies else None,
            max_size=None, compression=None, open_timeout=ANSWER, ping_interval=None,
        )  # fmt: skip

    async def open(self) -> Answer:
        """Connect and run the page; the answer's time counts from before the connection.

        A page whose connection was lost does the same: it says its link and its widgets' values to whoever answers.
        """
        began = time.monotonic()
        self.kept = {}
        await self.connect()
        return await self.run(began)

    async def close(self) -> None:
        if self.socket:
            await self.socket.close()

    # ---- one run

    async def act(self, key: str, value: Any, began: float | None = None) -> Answer:
        """Set the widget of a key to a value; the answer's time counts from `began`, where it was due earlier."""
        self.set(key, value)
        return await self.run(began, self.fragments.get(self.id(key), ""))

    async def run(self, began: float | None = None, fragment: str = "") -> Answer:
        """Ask for a run, of one fragment or of the whole page, and read until it has finished."""
        began = began or time.monotonic()
        await self.socket.send(self.request(fragment).SerializeToString())
        answer = await asyncio.wait_for(self.read(), ANSWER)
        answer.seconds = time.monotonic() - began
        return answer

    def request(self, fragment: str = "") -> BackMsg:
        """Return the message a browser sends: the link, every widget's value, and which messages it still has."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_name, state.fragment_id = self.query, self.page, fragment
        state.widget_states.widgets.extend(self.values.values())
        state.cached_message_hashes.extend(self.kept)
        for name in [name for name, each in self.values.items() if each.WhichOneof("value") in TRIGGERS]:
            del self.values[name]
        return message

    async def read(self) -> Answer:
        """Return what the next run shows. Widgets that it does not draw are forgotten, as a browser does."""
        answer, seen, self.runs = Answer(0.0, 0), {}, self.runs + 1
        while True:
            data = await self.socket.recv()
            answer.size += len(data)
            message = ForwardMsg.FromString(data)
            if message.WhichOneof("type") == "ref_hash":
                message = self.kept[message.ref_hash][1]
            elif message.metadata.cacheable:
                self.kept[message.hash] = (self.runs, message)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                again = set(message.metadata.run.fragment_ids)
                seen = {name: one for name, one in self.widgets.items() if again and not self._redrawn(name, again)}
            elif kind == "delta":
                self._element(message.delta, tuple(message.metadata.delta_path), answer, seen)
            elif kind == "page_info_changed":
                self.query = message.page_info_changed.query_string
                answer.link = dict(parse_qsl(self.query))
            elif kind == "session_event" and message.session_event.WhichOneof("type") == "script_compilation_exception":
                answer.exceptions.append("compilation")
            elif kind == "script_finished":
                answer.finished = message.script_finished in (
                    ForwardMsg.FINISHED_SUCCESSFULLY,
                    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
                )
                if message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    break
        self.widgets = seen
        self.values = {name: value for name, value in self.values.items() if name in seen}
        self.fragments = {name: self.fragments[name] for name in seen}
        self.kept = {name: one for name, one in self.kept.items() if one[0] > self.runs - KEPT}
        return answer

    def _redrawn(self, name: str, again: set[str]) -> bool:
        """Tell whether a run of fragments draws a widget again: it is theirs, or stands within one of them."""
        within = (self.paths[name][: len(self.paths[one])] == self.paths[one] for one in again)
        return self.fragments[name] in again or any(within)

    def _element(self, delta: Any, path: tuple[int, ...], answer: Answer, seen: dict[str, Any]) -> None:
        if delta.WhichOneof("type") != "new_element":
            if delta.fragment_id and delta.fragment_id not in self.paths:
                self.paths[delta.fragment_id] = path  # a fragment begins with a container of its own
            return
        kind = delta.new_element.WhichOneof("type")
        element = getattr(delta.new_element, kind)
        if kind == "exception":
            answer.exceptions.append(f"{element.type}: {element.message}")
        elif kind == "alert":
            answer.alerts.append(element.body)
        elif kind == "bidi_component" and ".stage." in element.id:
            answer.stage = json.loads(element.json)
        if getattr(element, "id", "").startswith("$$"):
            seen[element.id], self.fragments[element.id], self.paths[element.id] = element, delta.fragment_id, path
            if getattr(element, "set_value", False) or element.id not in self.values:
                self._take(kind, element)

    def _take(self, kind: str, element: Any) -> None:
        """Hold a widget's value as its page does from the moment it is drawn."""
        told = getattr(element, "set_value", False)
        now = WidgetState(id=element.id)
        if kind == "selectbox":
            now.string_value = element.raw_value if told else element.options[element.default]
        elif kind == "button_group":
            now.string_array_value.data.extend(element.raw_values if told else [])
        elif kind == "slider":
            now.double_array_value.data.extend(element.value if told else element.default)
        elif kind == "checkbox":
            now.bool_value = element.value if told else element.default
        elif kind == "number_input":
            if not element.HasField("value" if told else "default"):
                return
            now.double_value = element.value if told else element.default
        elif kind in ("text_input", "text_area"):
            now.string_value = element.value if told else element.default
        else:
            return
        self.values[element.id] = now

    # ---- widgets by key

    def widget(self, key: str) -> Any:
        """Return the element of the widget with a key."""
        return self.widgets[self.id(key)]

    def id(self, key: str) -> str:
        found = [name for name in self.widgets if name.endswith(f"-{key}")]
        if not found:
            raise KeyError(f"No widget {key!r}; there are {sorted(self.drawn())}")
        return found[0]

    def drawn(self) -> list[str]:
        """Return the keys of the widgets that are drawn."""
        return [name.split("-", 2)[2] for name in self.widgets]

    def set(self, key: str, value: Any) -> None:
        """Give a widget a value, in the field its kind uses."""
        name, state = self.id(key), WidgetState()
        state.id = name
        match value:
            case bool():
                state.bool_value = value
            case float():
                kind = self.widgets[name].DESCRIPTOR.name
                if kind == "Slider":
                    state.double_array_value.data.append(value)
                elif kind == "TextInput":  # a number that is typed
                    state.string_value = f"{value:g}"
                else:
                    state.double_value = value
            case str():
                state.string_value = value
            case list():
                state.string_array_value.data.extend(value)
            case None:
                state.trigger_value = True
        self.values[name] = state


TRIGGERS = ("trigger_value", "string_trigger_value", "json_trigger_value", "chat_input_value")
