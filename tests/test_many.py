"""For many at once: the pace of a connection, turns of scripts, lines of the log, and an end without harm."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import NewSession
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import WStates

from pcgraph.messages import say
from pcgraph.ui import fitting, logs, turns, whole
from pcgraph.ui.at_once import send_at_once
from pcgraph.ui.fitting import fits, let_values_fit
from pcgraph.ui.pace import LARGEST, UPLOADS, Pace, wanted
from pcgraph.ui.settled import settle
from pcgraph.ui.turns import FORGET, Turn, Turns
from pcgraph.ui.whole import tell_whole_runs
from tests.load.client import Visitor
from tests.load.hand import Hand, fits_link
from tests.load.servers import App, Nginx


def run(work):
    """Return what a coroutine gives, run in a thread of its own: a browser test may have left this one a loop."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


def message(kind: str = "rerun_script") -> bytes:
    """Return a message of a kind, as a page sends it."""
    sent = BackMsg()
    if kind == "rerun_script":
        sent.rerun_script.query_string = "p=chain"
    else:
        setattr(sent, kind, True)
    return sent.SerializeToString()


# ---- the pace


def test_what_a_page_sends_is_wanted_and_nothing_else_is():
    assert wanted(message()) and wanted(message("stop_script")) and wanted(message("app_heartbeat"))
    assert not wanted(message("clear_cache")), "it would empty the caches of everyone"
    assert not wanted(b"\xff\xfe\xfd") and not wanted(None) and not wanted(b"")
    assert not wanted(message() + b"\x00" * LARGEST)


@pytest.mark.parametrize(
    ("name", "known"),
    [("$$ID-1f-step.problem", True), ("$$ID-1f-None", True), ("$$STREAMLIT_INTERNAL_KEY_1f__events", True)]
    + [(name, False) for name in ("", "=,2~3", "step.problem", "$$WIDGET_ID-1-None")],
)
def test_a_widget_is_called_as_streamlit_calls_it(name, known):
    sent = BackMsg()
    sent.rerun_script.widget_states.widgets.add(id="$$ID-1f-step.problem", bool_value=True)
    sent.rerun_script.widget_states.widgets.add(id=name, bool_value=True)
    assert wanted(sent.SerializeToString()) == known


def spoken(pace: Pace, messages: list[dict]) -> tuple[list[dict], list[dict], float]:
    """Return what an app behind a Pace received, what its connection was sent, and how long that took."""
    received, sent, left = [], [], iter(messages)

    async def inner(scope, receive, send):
        while True:
            received.append(await receive())
            if received[-1]["type"] == "websocket.disconnect":
                return

    async def receive():
        return next(left, {"type": "websocket.disconnect", "code": 1000})

    async def send(message):
        sent.append(message)

    pace.app = inner
    began = time.monotonic()
    run(pace({"type": "websocket"}, receive, send))
    return received, sent, time.monotonic() - began


def test_a_flood_is_read_no_faster_than_its_pace_and_all_of_it_arrives():
    flood = [{"type": "websocket.receive", "bytes": message()}] * 30
    received, sent, took = spoken(Pace(None, rate=100, burst=10), flood)
    assert [one["type"] for one in received] == ["websocket.receive"] * 30 + ["websocket.disconnect"] and sent == []
    assert took >= 0.2  # 20 beyond the burst, 100 a second
    assert spoken(Pace(None, rate=100, burst=30), flood)[2] < 0.2


def test_a_connection_that_sends_what_no_page_sends_is_closed():
    bad = {"type": "websocket.receive", "bytes": message("clear_cache")}
    received, sent, _ = spoken(Pace(None), [bad, {"type": "websocket.receive", "bytes": message()}])
    assert [one["type"] for one in received] == ["websocket.disconnect"]
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_a_session_sends_so_many_files_and_no_more():
    pace, answers = Pace(None), []

    async def inner(scope, receive, send):
        answers.append(204)

    async def send(message):
        answers.append(message.get("status"))

    pace.app = inner
    for file in range(UPLOADS + 1):
        run(pace({"type": "http", "method": "PUT", "path": f"/_stcore/upload_file/one/{file}"}, None, send))
    assert answers == [204] * UPLOADS + [429, None]
    run(pace({"type": "http", "method": "PUT", "path": "/_stcore/upload_file/other/1"}, None, send))
    assert answers[-1] == 204


# ---- turns


class Runner:
    """As much of Streamlit's runner as turns need: it says what its script gives, and how many ran at the same time."""

    def __init__(self, who: str = "somebody") -> None:
        self._session_id, self.shown = who, []
        self.now, self.most, self.lock = 0, 0, threading.Lock()

    def _enqueue_forward_msg(self, message: str) -> None:
        self.shown.append(message)

    def _run_script(self, script: Callable[[], None]) -> None:
        self.enter(1)
        script()
        self.enter(-1)

    def enter(self, change: int) -> None:
        with self.lock:
            self.now += change
            self.most = max(self.most, self.now)


@pytest.fixture
def runner(monkeypatch):
    """A runner whose scripts take turns."""

    class Fresh(Runner):
        _run_script, _enqueue_forward_msg = Runner._run_script, Runner._enqueue_forward_msg

    monkeypatch.setattr(turns, "ScriptRunner", Fresh)
    monkeypatch.setattr(turns, "_turns", None)
    turns.take_turns()
    turns.take_turns()  # once is enough
    return Fresh()


def at_once(runner, scripts) -> None:
    threads = [threading.Thread(target=runner._run_script, args=(script,)) for script in scripts]
    [each.start() for each in threads]
    [each.join(30) for each in threads]


def test_one_script_runs_at_a_time(runner):
    at_once(runner, 8 * [lambda: time.sleep(0.02)])
    assert runner.most == 1


def test_one_that_takes_long_lets_others_run_beside_it(runner):
    ended = threading.Event()
    at_once(runner, [lambda: ended.wait(20), ended.set])
    assert ended.is_set() and runner.most == 2


def test_one_that_waits_for_something_gives_its_turn_away_and_takes_it_again(runner):
    ended, order = threading.Event(), []

    def waits():
        turns.give_turn()
        assert ended.wait(20)
        turns.take_turn()
        order.append("again")

    def runs():
        ended.set()
        time.sleep(0.05)
        order.append("other")

    at_once(runner, [waits, runs])
    assert order == ["other", "again"]


def shown_by(runner, other: str, took: Mapping[str, float]) -> list[str]:
    """Return what is shown, in order, where another visitor comes while the first one's script has shown a part."""
    began, order, now = threading.Event(), [], time.monotonic()
    turns._turns.took = {who: (seconds, now) for who, seconds in took.items()}
    first, second = type(runner)("first"), type(runner)(other)
    first.shown = second.shown = order

    def in_the_middle():
        first._enqueue_forward_msg("begins")
        began.set()
        while not turns._turns.waiting:
            time.sleep(0.001)
        first._enqueue_forward_msg("goes on")

    threads = [threading.Thread(target=first._run_script, args=(in_the_middle,))]
    threads.append(threading.Thread(target=second._run_script, args=(lambda: second._enqueue_forward_msg("other"),)))
    threads[0].start()
    assert began.wait(20)
    threads[1].start()
    [each.join(20) for each in threads]
    return order


def test_a_busy_script_lets_a_calm_visitor_go_first_between_two_things_that_it_shows(runner):
    assert shown_by(runner, "calm", {"first": 5.0, "calm": 0.0}) == ["begins", "other", "goes on"]


@pytest.mark.parametrize("took", [{"first": 0.05, "other": 0.0}, {"first": 0.0, "other": 5.0}, {}])
def test_a_script_goes_on_where_nobody_waits_who_has_taken_much_less(runner, took):
    assert shown_by(runner, "other", took) == ["begins", "goes on", "other"]


def test_a_script_lets_others_go_first_for_a_while_only(runner, monkeypatch):
    monkeypatch.setattr(turns, "ASIDE", 0.0)
    assert shown_by(runner, "calm", {"first": 5.0, "calm": 0.0}) == ["begins", "goes on", "other"]


def served(turns: Turns, *names: str) -> list[str]:
    """Return in which order sessions that wait at the same time get their turns."""
    first, order, threads = turns.take("first"), [], []

    def wait(name):
        mine = turns.take(name)
        order.append(name)
        turns.give(mine)

    for name in names:
        threads.append(threading.Thread(target=wait, args=(name,)))
        threads[-1].start()
        while len(turns.waiting) < len(threads):
            time.sleep(0.001)
    turns.give(first)
    [each.join(20) for each in threads]
    return order


def test_of_equals_who_came_first_runs_first():
    assert served(Turns(long=20.0), *"abcde") == list("abcde")


def test_who_has_taken_little_runs_before_who_has_taken_much_and_before_who_is_new():
    turns, now = Turns(long=20.0), time.monotonic()
    turns.took = {"busy": (5.0, now), "calm": (0.01, now)}
    assert served(turns, "busy", "new", "calm") == ["calm", "new", "busy"]


def test_of_those_who_have_taken_little_who_came_first_runs_first():
    turns, now = Turns(long=20.0), time.monotonic()
    turns.took = {"some": (0.4, now), "less": (0.1, now), "least": (0.0, now)}
    assert served(turns, "some", "less", "least") == ["some", "less", "least"]


def test_who_has_waited_long_runs_before_who_has_taken_less():
    turns, now = Turns(long=20.0), time.monotonic()
    first = turns.take("first")
    turns.waiting = [Turn("calm", now), Turn("busy", now - 60.0, 5.0)]
    turns.give(first)
    assert turns.running and turns.running.who == "busy"


@pytest.mark.parametrize(("other", "beside"), [("calm", True), ("busy", False)])
def test_beside_a_script_that_shows_nothing_for_long_begins_first_who_has_taken_less(other, beside):
    turns, now = Turns(long=60.0, short=0.01), time.monotonic()
    turns.took = {"first": (5.0, now), "busy": (5.0, now), "calm": (0.0, now)}
    first, begun = turns.take("first"), threading.Event()
    thread = threading.Thread(target=lambda: (turns.take(other), begun.set()))
    thread.start()
    assert begun.wait(20.0 if beside else 0.3) == beside
    turns.give(first)
    thread.join(20)
    assert begun.is_set()


def test_what_was_taken_is_forgotten_and_what_is_remembered_is_bounded(monkeypatch):
    turns = Turns()
    turns.took["busy"] = (5.0, time.monotonic() - 10 * FORGET)
    assert turns.taken("busy", time.monotonic()) < 0.001
    monkeypatch.setattr("pcgraph.ui.turns.MOST", 10)
    for number in range(30):
        turns.give(turns.take(f"s{number}"))
    assert len(turns.took) == 10


@pytest.mark.parametrize(
    ("took", "much"),
    [
        ({"busy": 5.0, "calm": 0.1, "calm too": 0.2}, True),
        ({"busy": 5.0, "calm": 0.1}, True),
        ({"busy": 5.0, "as busy": 4.0, "too": 3.0, "calm": 0.1}, False),  # a hall in which all drag γ at once
        ({"busy": 0.5, "calm": 0.01, "calm too": 0.02}, False),  # far more than the others, and yet not much
        ({"busy": 5.0}, False),  # alone there is nobody to go behind
        ({}, False),
    ],
)
def test_who_has_taken_much_and_far_more_than_most_goes_behind_all_others(took, much):
    turns, now = Turns(), time.monotonic()
    turns.took = {who: (seconds, now) for who, seconds in took.items()}
    assert turns.takes_much("busy") == much
    assert not turns.takes_much("calm")


def test_what_was_computed_while_a_script_had_no_turn_counts_and_what_it_computed_itself_counts_once(runner):
    runner._session_id = "ada"

    def script():
        turns.has_taken(50.0)  # its turn counts already
        turns.give_turn()
        turns.has_taken(5.0)

    at_once(runner, [script])
    assert 4.9 < turns._turns.taken("ada", time.monotonic()) < 10
    turns.has_taken(5.0)  # nobody's script
    assert not turns.takes_much()


def test_streamlit_still_has_what_turns_are_made_of():
    from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

    assert callable(ScriptRunner._run_script) and callable(ScriptRunner._enqueue_forward_msg)


def test_the_theme_is_written_once_and_is_the_same(monkeypatch):
    from streamlit.runtime import app_session

    def told():
        message = NewSession()
        for theme, section in (
            (message.custom_theme, "theme"),
            (message.custom_theme.light, "theme.light"),
            (message.custom_theme.dark, "theme.dark"),
            (message.custom_theme.sidebar, "theme.sidebar"),
        ):
            app_session._populate_theme_msg(theme, section)
        return message.SerializeToString(deterministic=True)

    config.get_config_options(force_reparse=True)
    wanted = told()
    assert b"#00659E" in wanted
    monkeypatch.setattr(app_session, "_populate_theme_msg", app_session._populate_theme_msg)
    settle()
    settle()  # once is enough
    assert told() == told() == wanted
    assert set(app_session._populate_theme_msg.written) == {"theme", "theme.light", "theme.dark", "theme.sidebar"}


def test_a_value_of_a_session_is_looked_up_without_a_table_of_all(monkeypatch):
    from streamlit.runtime.state.safe_session_state import SafeSessionState
    from streamlit.runtime.state.session_state import SessionState

    table = SafeSessionState.filtered_state
    monkeypatch.setattr(SafeSessionState, "filtered_state", table)
    inner = SessionState()
    session = SafeSessionState(inner, lambda: None)
    inner["a"], inner["none"] = 1, None
    inner._key_id_mapper["n"] = "$$ID-1-n"
    inner._new_widget_state.set_from_value("$$ID-1-n", 3)
    inner._new_widget_state.set_from_value("$$ID-2-None", 4)  # a widget without a key
    wanted = session.filtered_state
    assert wanted == {"a": 1, "none": None, "n": 3}
    settle()
    settle()  # once is enough
    monkeypatch.setattr(SessionState, "filtered_state", property(lambda _: pytest.fail("the table was made")))
    found = session.filtered_state
    assert "a" in found and "none" in found and "n" in found and "other" not in found
    assert (found["a"], found["none"], found["n"], found.get("other", 7)) == (1, None, 3, 7)
    monkeypatch.undo()
    assert dict(found) == wanted and len(found) == 3


# ---- the log


def test_a_line_says_what_happened_and_not_to_whom(monkeypatch):
    lines = []
    monkeypatch.setattr(logs, "log", SimpleNamespace(isEnabledFor=lambda _: True, info=lambda *a, **k: lines.append(k)))

    async def inner(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})

    async def send(message):
        pass

    scope = {"type": "http", "path": "/_stcore/upload_file/secret-session/secret-file", "query_string": b"f=secret",
             "client": ("203.0.113.9", 1), "headers": [(b"cookie", b"secret")]}  # fmt: skip
    run(logs.Requests(inner)(scope, None, send))
    (line,) = lines
    assert line["extra"]["figures"].keys() == {"path", "status", "ms"}
    assert line["extra"]["figures"]["status"] == 200
    assert "secret" not in str(line) and "203" not in str(line)


def test_the_log_is_json_only_where_it_was_asked_for(monkeypatch):
    monkeypatch.delenv(logs.SWITCH, raising=False)
    assert not logs.log_in_lines()
    record = logging.LogRecord("pcgraph.jobs", logging.ERROR, "", 1, "A job %s", ("failed",), None)
    line = json.loads(logs.Line().format(record))
    assert (line["level"], line["from"], line["event"]) == ("error", "pcgraph.jobs", "A job failed")


# ---- values that fit


VALUES = {"string_value": "x", "bool_value": True, "double_value": 0.5, "int_value": 3, "string_array_value": ["a"]}
KINDS = {"text": "string_value", "flag": "bool_value", "number": "double_value", "choice": "string_array_value"}


def sent(name: str, kind: str, value: Any) -> WidgetState:
    state = WidgetState(id=name)
    if isinstance(value, list):
        getattr(state, kind).data.extend(value)
    else:
        setattr(state, kind, value)
    return state


def known(name: str) -> WidgetMetadata:
    return WidgetMetadata(id=name, deserializer=lambda value: value, serializer=lambda value: value,
                          value_type=KINDS[name])  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("drawn_first", [True, False])
@pytest.mark.parametrize("kind", VALUES)
def test_a_widget_is_given_what_is_of_its_own_kind(monkeypatch, name, drawn_first, kind):
    class States(WStates):
        set_widget_from_proto, set_widget_metadata = WStates.set_widget_from_proto, WStates.set_widget_metadata

    monkeypatch.setattr(fitting, "WStates", States)
    let_values_fit()
    let_values_fit()  # once is enough
    states, given = States(), sent(name, kind, VALUES[kind])
    tell = [lambda: states.set_widget_metadata(known(name)), lambda: states.set_widget_from_proto(given)]
    for each in tell if drawn_first else reversed(tell):
        each()
    assert (name in states) == (kind == KINDS[name] or (name, kind) == ("number", "int_value"))


def test_a_field_that_was_emptied_is_known_to_be():
    assert fits(None, "string_value") and fits(None, "double_value")


def test_numbers_sent_for_a_choice_change_nothing(app_for_choices):
    async def choose() -> tuple[list[str], list[str]]:
        visitor = Visitor(app_for_choices.address)
        await visitor.open()
        name = visitor.id("step.methods")
        visitor.values[name] = sent(name, "double_array_value", [0.5])
        first = await visitor.run()
        second = await visitor.act("step.methods", [say("method.pc")])
        await visitor.close()
        return first.exceptions + second.exceptions, [second.payload["lanes"][0]["method"]]

    assert run(choose()) == ([], ["pc"])


# ---- runs of a page told whole


class Queue(ForwardMsgQueue):
    """A queue of its own: what is changed about it stays here."""

    clear = ForwardMsgQueue.clear


def shown(name: str, fragment: str = "") -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path.extend([0, len(name)])
    message.delta.new_element.markdown.body = name
    message.delta.fragment_id = fragment
    return message


def ended(how: int) -> ForwardMsg:
    message = ForwardMsg()
    message.script_finished = how  # type: ignore[assignment]
    return message


def told(messages: list[ForwardMsg]) -> list[str | int]:
    return [each.delta.new_element.markdown.body or each.script_finished for each in messages]


WHOLE, PART, EARLY = (
    ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY, ForwardMsg.FINISHED_EARLY_FOR_RERUN
)  # fmt: skip


@pytest.fixture
def waiting(monkeypatch) -> ForwardMsgQueue:
    monkeypatch.setattr(whole, "ForwardMsgQueue", Queue)
    tell_whole_runs()
    tell_whole_runs()  # once is enough
    return Queue()


def test_the_end_of_a_page_is_told_with_all_that_it_has_drawn(waiting):
    for message in (shown("row"), shown("canvas", "desk"), ended(WHOLE)):
        waiting.enqueue(message)
    waiting.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["desk"])
    waiting.enqueue(shown("canvas", "desk"))
    waiting.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["desk"])  # and the fragment runs again
    waiting.enqueue(shown("canvas", "desk"))
    assert told(waiting.flush()) == ["row", "canvas", WHOLE, "canvas"]
    assert waiting.flush() == []


def test_what_a_fragment_has_drawn_over_is_not_sent(waiting):
    for message in (shown("canvas", "desk"), ended(PART)):
        waiting.enqueue(message)
    waiting.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["desk"])
    assert told(waiting.flush()) == [EARLY]


def test_what_a_page_has_drawn_over_is_not_sent(waiting):
    for message in (shown("row"), shown("canvas", "desk"), ended(WHOLE)):
        waiting.enqueue(message)
    waiting.clear(retain_lifecycle_msgs=True)
    assert told(waiting.flush()) == [EARLY]
    waiting.enqueue(shown("row"))
    waiting.clear()
    assert waiting.flush() == []


# ---- sent at once


def test_a_connection_does_not_wait_to_send():
    """Bound as Streamlit binds it: without the name of the protocol, which by itself leaves it to wait."""

    async def at_once():
        loop = asyncio.get_running_loop()
        send_at_once(loop)
        seen = loop.create_future()
        sock = socket.socket(socket.AF_INET)
        sock.bind(("127.0.0.1", 0))

        def meet(_, writer):
            one = writer.get_extra_info("socket")
            seen.set_result(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(meet, sock=sock):
            _, writer = await asyncio.open_connection(*sock.getsockname())
            found = await seen
            writer.close()
        return found

    assert run(at_once())


# ---- the whole app


async def changed(address: str, query: str = "") -> tuple[Hand, Visitor]:
    visitor = Visitor(address, query)
    hand = Hand(visitor, seed=1)
    await hand.open()
    for _ in range(3):
        await hand.change()
    return hand, visitor


def test_a_page_comes_back_to_the_state_in_its_link_after_a_restart_and_the_server_ends_at_once():
    with App(PCGRAPH_LOG="json") as app:

        async def before() -> tuple[dict, str]:
            hand, visitor = await changed(app.address)
            assert fits_link(hand)
            await visitor.close()
            return hand.seen, visitor.query

        async def after(query: str) -> dict:
            hand = Hand(Visitor(app.address, query), seed=2)
            await hand.open()
            await hand.visitor.close()
            return hand.seen

        seen, query = run(before())
        assert query
        assert app.stop(signal.SIGTERM) < 10 and app.process.returncode in (0, -signal.SIGTERM)
        assert '"event": "ended"' in app.said()  # every job was stopped before
        app.start()
        assert app.answers("/") and run(after(query)) == seen
        lines = [json.loads(line) for line in app.said().splitlines() if line.startswith("{")]
        assert {"request", "session"} <= {line["event"] for line in lines}


LISTS = [
    ("", "step.problem"),
    ("cost", "cost.problem"),
    ("cost", "cost.size"),
    ("train", "train.data"),
    ("train", "train.model"),
    ("lecture", "lecture.chosen"),
]


@pytest.mark.parametrize(("page", "key"), LISTS)
def test_a_choice_that_no_list_has_changes_nothing(app_for_choices, page, key):
    async def choose() -> list[str]:
        visitor = Visitor(app_for_choices.address, page=page)
        await visitor.open()
        found = [await visitor.act(key, "nothing"), await visitor.act(key, "")]
        await visitor.act(key, 1e308)  # Streamlit itself refuses a number where it draws a list
        await visitor.close()
        return [text for answer in found for text in answer.exceptions]

    assert run(choose()) == []
    assert "PCGraphError" not in app_for_choices.said() and "KeyError" not in app_for_choices.said()


@pytest.fixture(scope="module")
def app_for_choices() -> Iterator[App]:
    with App() as app:
        yield app


def test_a_hostile_client_is_told_nothing_and_others_go_on():
    """The same client as that of `make load`, with a few of its ten thousand inputs."""
    from tests.load import hostile

    found = run(hostile.run(150, honest=3, quiet=4.0, rounds=1))
    assert found["alive"] and found["inputs"] >= 150
    assert found["shown"] == [] and found["errors"] == []
    assert not [line for line in found["log"] if "not in our code" not in line]


def test_the_configuration_of_nginx_is_made_from_the_one_that_is_shipped():
    apps = [SimpleNamespace(port=7001), SimpleNamespace(port=7002)]
    nginx = Nginx(apps)
    conf = Path(nginx.folder.name, "nginx.conf").read_text("utf-8")
    assert conf.count("server 127.0.0.1:700") == 2 and "app:8501" not in conf and "listen 8080" not in conf
    assert "hash $stick consistent" in conf and "proxy_set_header Upgrade $http_upgrade" in conf
    nginx.folder.cleanup()
