"""A client that means harm: what no page would ever send, over the websocket and the uploader, while others work."""

from __future__ import annotations

import asyncio
import collections
import http.client
import json
import math
import random
import string
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any
from urllib.parse import quote, urlsplit

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from pcgraph.ui.helpers import go_behind
from tests.browser import UNFORESEEN
from tests.load.carry import Crowd, ms, percent
from tests.load.client import Visitor
from tests.load.servers import App
from tests.speed import empty_loop

HONEST = 20  # sessions that work meanwhile
ROUNDS = 4
QUIET = 30.0  # seconds of their work alone in each round, for comparison, once each has gone its own way for twice that
AT_ONCE = 4  # connections of the one who means harm
PATIENCE = 30.0
PAGES = ("", "learn", "compare", "levels", "train", "cost", "build", "reference", "lecture", "share", "nowhere")
NUMBERS = (
    "1e400",
    "-1e400",
    "NaN",
    "Infinity",
    "0x1p9",
    "1_0",
    "",
    "٣",
    "1" * 5000,
    "−1",
    "1e-400",
    "[1",
    "{}",
    "null",
)


class Villain(Visitor):
    """A visitor who sends anything, and notes what was shown that never may be: tracebacks."""

    def __init__(self, address: str, seed: int) -> None:
        super().__init__(address)
        self.random = random.Random(seed)
        self.sent: collections.Counter[str] = collections.Counter()
        self.shown: list[str] = []
        self.refused = 0  # runs that ended in the app's plain sentence for what nobody foresaw
        self.cookie = ""

    async def harm(self, count: int) -> None:
        """Send so many inputs, of every kind; a connection that was closed is opened again."""
        kinds = list(KINDS)
        while sum(self.sent.values()) < count:
            kind = kinds[sum(self.sent.values()) // 10 % len(kinds)]
            try:
                if self.socket is None or self.socket.close_code is not None:
                    self.page = self.random.choice(PAGES)
                    self.query = self.random.choice(["", "p=chain", link(self.random)])
                    await asyncio.wait_for(self.open(), PATIENCE)
                for _ in range(10):
                    self.sent[kind] += 1
                    await asyncio.wait_for(KINDS[kind](self), PATIENCE)
                await self.listen(0.05)
            except (websockets.WebSocketException, OSError, http.client.HTTPException, KeyError, TimeoutError):
                await self.close()
                self.socket = None
            except Trouble as trouble:
                self.shown.append(f"{kind}: {trouble}")

    async def listen(self, seconds: float) -> None:
        """Read what has come, until nothing has for so long."""
        while True:
            try:
                data = await asyncio.wait_for(self.socket.recv(), seconds)
            except TimeoutError:
                return
            self.look(data)

    def look(self, data: bytes) -> None:
        message = ForwardMsg.FromString(data)
        if message.WhichOneof("type") == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
            raise Trouble(f"{message.delta.new_element.exception}"[:500])
        if message.WhichOneof("type") == "delta" and message.delta.new_element.alert.body in UNFORESEEN:
            self.refused += 1
        if b"Traceback" in data:
            raise Trouble(f"{message}"[:500])
        if message.WhichOneof("type") == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = getattr(message.delta.new_element, message.delta.new_element.WhichOneof("type"))
            if getattr(element, "id", "").startswith("$$"):
                self.widgets[element.id] = element
                self.fragments[element.id] = message.delta.fragment_id

    async def rerun(self, *states: WidgetState, query: str | None = None, **more: str) -> None:
        """Ask for a run with these widget states, whatever they are."""
        message = BackMsg()
        client = message.rerun_script
        client.query_string = self.query if query is None else query
        client.page_name = more.get("page", self.page)
        client.fragment_id = more.get("fragment", "")
        client.page_script_hash = more.get("script", "")
        client.widget_states.widgets.extend(states)
        await self.socket.send(message.SerializeToString())


class Trouble(Exception):
    """Something was shown that never may be."""


# ---- what is sent


async def bytes_of_nothing(one: Villain) -> None:
    await one.socket.send(one.random.randbytes(one.random.choice((0, 1, 9, 1000, 100_000))))


async def half_a_message(one: Villain) -> None:
    message = BackMsg()
    message.rerun_script.query_string = "p=chain" * 20
    data = bytearray(message.SerializeToString())
    data[one.random.randrange(len(data))] ^= 1 << one.random.randrange(8)
    await one.socket.send(bytes(data[: one.random.randrange(1, len(data) + 1)]))


async def text_frame(one: Villain) -> None:
    await one.socket.send('{"rerun_script": {}}')


async def other_kinds(one: Villain) -> None:
    message = BackMsg()
    kind = one.random.choice(
        ("clear_cache", "set_run_on_save", "stop_script", "load_git_info", "app_heartbeat",
         "debug_disconnect_websocket", "debug_shutdown_runtime")
    )  # fmt: skip
    setattr(message, kind, True)
    await one.socket.send(message.SerializeToString())


async def huge(one: Villain) -> None:
    state = WidgetState(id=one.random.choice([*one.widgets, "$$ID-x-step.formula"]))
    state.string_value = "x" * one.random.choice((100_000, 1_000_000, 5_000_000))
    await one.rerun(state)


async def flood(one: Villain) -> None:
    await one.rerun()


async def any_value(one: Villain) -> None:
    await one.rerun(*[value_of(one, each) for each in one.random.sample(sorted(one.widgets), min(3, len(one.widgets)))])


async def any_widget(one: Villain) -> None:
    name = "".join(one.random.choices(string.printable, k=one.random.choice((0, 5, 200))))
    await one.rerun(value_of(one, one.random.choice((name, f"$$ID-{name}-step.problem", "$$WIDGET_ID-1-None"))))


async def any_component(one: Villain) -> None:
    """Send a component of ours data that none of its scripts would."""
    own = [name for name in one.widgets if any(f".{part}" in name for part in ("stage", "editor", "progress", "kept"))]
    state = WidgetState(id=one.random.choice([*own, "$$ID-0-step.stage.en"]))
    said = junk(one.random)
    if one.random.random() < 0.5:
        state.json_trigger_value = said
    else:
        state.json_value = said
    await one.rerun(state, fragment=one.fragments.get(state.id, ""))


async def any_fragment(one: Villain) -> None:
    await one.rerun(
        fragment=one.random.choice(("nothing", "a" * 5000, "../..")), script=one.random.choice(("", "0" * 32, "x")),
        page=one.random.choice((*PAGES, "../app", "a" * 2000)),
    )  # fmt: skip


async def bad_link(one: Villain) -> None:
    await one.rerun(query=link(one.random), page=one.random.choice(PAGES))
    await one.close()
    one.socket, one.query, one.page = None, link(one.random), one.random.choice(PAGES)
    await one.connect()
    await one.rerun()
    await one.listen(0.2)


async def upload(one: Villain) -> None:
    """Send the uploader a file: to nobody, too large, of no type, or no document, which Build then opens."""
    wanted = BackMsg()
    wanted.file_urls_request.request_id = "1"
    wanted.file_urls_request.file_names.append("graph.json")
    await one.socket.send(wanted.SerializeToString())
    place, end = "", time.monotonic() + 5
    while not place and time.monotonic() < end:
        data = await asyncio.wait_for(one.socket.recv(), 5)
        one.look(data)
        message = ForwardMsg.FromString(data)
        if message.WhichOneof("type") == "file_urls_response" and message.file_urls_response.file_urls:
            place = message.file_urls_response.file_urls[0].upload_url
    body = document(one.random)
    if one.random.random() < 0.3:
        place = one.random.choice(("/_stcore/upload_file/none/none", "/_stcore/upload_file/../../x", place + "/x/y"))
    await asyncio.to_thread(put, one, place or "/_stcore/upload_file/a/b", body)
    fields = [name for name in one.widgets if name.endswith("build.file")]
    state = WidgetState(id=one.random.choice(fields or ["$$ID-0-build.file"]))
    told = state.file_uploader_state_value.uploaded_file_info.add()
    told.name, told.size, told.file_id = one.random.choice(("graph.json", "a.pt", "x" * 300)), len(body), place[-36:]
    told.file_urls.file_id, told.file_urls.upload_url = place[-36:], place
    await one.rerun(state, page="build", query="")


KINDS: dict[str, Callable[[Villain], Any]] = {
    each.__name__: each
    for each in (
        any_value, any_component, bad_link, flood, any_widget, upload, bytes_of_nothing, any_fragment, half_a_message,
        huge, any_value, text_frame, other_kinds,
    )
}  # fmt: skip


def value_of(one: Villain, name: str) -> WidgetState:
    """Return a state of a widget in a field and with a value by chance."""
    state, r = WidgetState(id=name), one.random
    match r.randrange(8):
        case 0:
            state.double_value = r.choice((math.nan, math.inf, -math.inf, 1e308, -1e-320, 0.5))
        case 1:
            state.int_value = r.choice((0, -1, 2**62, -(2**63)))
        case 2:
            state.string_value = r.choice((*NUMBERS, "x" * 50_000, "\u202e<script>", "'; --", "\x00"))
        case 3:
            state.double_array_value.data.extend([r.choice((math.nan, 1e300, -5.0))] * r.choice((0, 1, 3, 1000)))
        case 4:
            state.string_array_value.data.extend([r.choice(NUMBERS)] * r.choice((0, 1, 50)))
        case 5:
            state.json_value = junk(r)
        case 6:
            state.bool_value = True
        case _:
            state.trigger_value = True
    return state


def junk(r: random.Random) -> str:
    """Return JSON that no component sends, or none at all."""
    inner = r.choice(
        (None, 5, -1e308, "x", "z3" * 10_000, [], {}, [[]], {"picked": {"a": 1}}, {"picked": 7}, {"picked": None},
         {"edit": {"kind": "add", "node": {"name": "x" * 500}}}, {"edit": [1, 2]}, {"graph": {"nodes": 5}},
         {"done": "yes"}, {"scene": []}, {"export": {"t": "a"}}, {"edited": {"nodes": [{"name": None}] * 500}})
    )  # fmt: skip
    event = r.choice(("picked", "edited", "edit", "graph", "done", "said", "scene", "export", "changed", "kept", "x"))
    return r.choice(
        (
            json.dumps(inner), json.dumps({event: inner}), json.dumps([{"event": event, "value": inner}]),
            "[" * 50_000 + "]" * 50_000, '{"a":' * 5000 + "1" + "}" * 5000, "{", "NaN", '{"picked": NaN}', "",
            f'{{"{event}": {"9" * 6000}}}',
        )
    )  # fmt: skip


def link(r: random.Random) -> str:
    """Return a query string that no page writes."""
    names = (
        "p",
        "f",
        "d",
        "m",
        "rate",
        "steps",
        "level",
        "y",
        "x",
        "t",
        "v",
        "lang",
        "deck",
        "scene",
        "lesson",
        "hide",
    )
    values = (
        *NUMBERS, "~" + "A" * 500, "~eJwDAAAAAAE", "residual", "pc,zil,bp,ipc", '{"z3": [1', '{"s": 1e999}', "zil:abc",
        "y = x\nminimise squared_error(y, 1)", "[" * 5000, "../../etc", "%00", "☃" * 300,
    )  # fmt: skip
    return "&".join(f"{r.choice(names)}={quote(r.choice(values))}" for _ in range(r.randrange(1, 5)))


def document(r: random.Random) -> bytes:
    """Return a file for Build: JSON that is no document, or no JSON, or too much of it."""
    return r.choice(
        (
            b"", b"{", b"\xff\xfe\x00", b"null", b"[" * 100_000, b'{"version": 1}', b'{"version": 1e400}',
            b'{"version": 1, "output": "y", "target": 1, "nodes": [{"name": "y", "op": "tanh", "inputs": ["y"]}]}',
            b'{"version": 1, "output": "y", "target": NaN, "nodes": [{"name": "y", "op": "input", "value": NaN}]}',
            json.dumps({"version": 1, "nodes": [{"name": f"n{i}", "op": "input", "value": 1} for i in range(9000)]})
            .encode(),
            b"0" * 3_000_000, r.randbytes(50_000),
        )
    )  # fmt: skip


def put(one: Villain, place: str, body: bytes) -> int:
    """Upload a file as the page does, with its XSRF cookie, now and then without or with a wrong length."""
    host = urlsplit(one.address).netloc
    if not one.cookie:
        with urllib.request.urlopen(f"{one.address}/_stcore/health", timeout=PATIENCE) as answer:
            one.cookie = str(answer.headers["Set-Cookie"] or "").split(";")[0]
    edge = "edge"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="graph.json"\r\n\r\n'.encode()
    whole = head + body + f"\r\n--{edge}--\r\n".encode()
    headers = {"Cookie": one.cookie, "X-Xsrftoken": one.cookie.partition("=")[2]}
    headers["Content-Type"] = one.random.choice((f"multipart/form-data; boundary={edge}",) * 3 + ("text/plain", ""))
    if one.random.random() < 0.1:
        headers.pop("Cookie")
    connection = http.client.HTTPConnection(host, timeout=PATIENCE)
    try:
        connection.request("PUT", quote(place, safe="/%"), whole, headers)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


# ---- the measurement


def do_harm(address: str, count: int, first: int) -> tuple[collections.Counter[str], list[str], int]:
    """Send so many inputs over some connections; return how many of which kind, what was shown, how many refused."""

    async def all_of_them() -> list[Villain]:
        villains = [Villain(address, first + number) for number in range(AT_ONCE)]
        await asyncio.gather(*[one.harm(math.ceil(count / AT_ONCE)) for one in villains])
        await asyncio.gather(*[one.close() for one in villains], return_exceptions=True)
        return villains

    villains = asyncio.run(all_of_them())
    sent = sum((one.sent for one in villains), collections.Counter())
    return sent, [each for one in villains for each in one.shown], sum(one.refused for one in villains)


async def run(count: int, honest: int = HONEST, quiet: float = QUIET, rounds: int = ROUNDS) -> dict[str, Any]:
    """Let some work, by turns alone and beside one who does harm; print and return what became of the server and them.

    By turns, because the machine is now faster, now slower, and the longer people work the larger their problems.
    """
    sent: collections.Counter[str] = collections.Counter()
    shown, refused, took = [], 0, 0.0
    alone, beside, loops = Answered(), Answered(), []
    with App() as app:
        print(f"\nA hostile client: {count} inputs beside {honest} who work, in {rounds} parts", flush=True)
        crowd = Crowd(app.address, honest, 70)
        await crowd.open()
        await crowd.act(2 * quiet)
        memory = app.memory()
        # In a process of its own, behind all others: whoever means harm has a machine of his own, and here has not.
        with ProcessPoolExecutor(1, get_context("spawn"), go_behind) as pool:
            for part in range(rounds):
                loops.append(empty_loop())
                await alone.note(crowd, quiet)
                harm = asyncio.get_running_loop().run_in_executor(
                    pool, do_harm, app.address, math.ceil(count / rounds), AT_ONCE * part
                )
                began = time.monotonic()
                await beside.note(crowd, min(10.0, quiet), harm)
                more, told, failed = await harm
                sent, shown, refused = sent + more, shown + told, refused + failed
                took += time.monotonic() - began
        alive, after, log = app.answers(), app.memory(), list(failures(app.said()))
        await crowd.close()
    kinds = ", ".join(f"{name} {times}" for name, times in sent.items())
    print(
        f"{sum(sent.values())} inputs in {took:.0f} s ({kinds})\n"
        f"server alive: {'yes' if alive else 'NO'}; tracebacks shown: {len(shown)} (the sender's own page said "
        f"only that an error occurred: {refused}); errors of the others: "
        f"{len(crowd.tally.errors)}; memory {memory:.0f} → {after:.0f} MB\n"
        f"the others alone: {alone}\nbeside the harm: {beside}\n"
        f"95 % of the answers beside the harm take {beside.late / alone.late:.1f} times as long; "
        f"the empty loop took {', '.join(f'{each:.0f}' for each in loops)} ms",
        flush=True,
    )
    for told, times in collections.Counter([*shown, *crowd.tally.errors]).most_common(8):
        print(f"    {times} × {told}", flush=True)
    for told, times in collections.Counter(log).most_common(8):
        print(f"    in the log, {times} × {told}", flush=True)
    return {"alive": alive, "shown": shown, "errors": crowd.tally.errors, "inputs": sum(sent.values()), "log": log}


@dataclass
class Answered:
    """How long answers took, in all parts."""

    seconds: list[float] = field(default_factory=list)

    async def note(self, crowd: Crowd, seconds: float, until: asyncio.Future[Any] | None = None) -> None:
        """Let all act for so long, and again until something is done."""
        crowd.tally.answered = self.seconds
        await crowd.act(seconds)
        while until is not None and not until.done():
            await crowd.act(seconds)

    @property
    def late(self) -> float:
        return percent(self.seconds, 0.95)

    def __str__(self) -> str:
        return f"{len(self.seconds)} answers, median {ms(percent(self.seconds, 0.5))}, 95 % {ms(self.late)}"


def passed_on(line: str) -> bool:
    """Tell whether a line of a traceback is one of the middleware that only hands a message on to who has left."""
    return any(f"ui/{name}.py" in line for name in ("pace", "logs", "headers", "handed", "immutable"))


def failures(log: str) -> Iterator[str]:
    """Yield the last line of each traceback in a log, and where in our code it was raised."""
    for part in log.split("Traceback (most recent call last):")[1:]:
        lines = [line for line in part.splitlines() if line.strip()]
        ours = [line.strip() for line in lines if ("/pcgraph/" in line or "/pages/" in line) and not passed_on(line)]
        ends = [line for line in lines if line[:1].isalpha() and not line.startswith("20")]
        yield f"{ends[0] if ends else lines[-1]} ({ours[-1].rsplit('/', 1)[-1] if ours else 'not in our code'})"[:300]
