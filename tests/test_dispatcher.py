"""Several processes of pages behind one address: who goes where, what becomes of them when one dies, and of all."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from pcgraph.__main__ import main
from pcgraph.ui import dispatcher
from pcgraph.ui.dispatcher import Dispatcher, listen
from pcgraph.ui.handed import Handed, cookie
from tests.load.hand import fits_link
from tests.load.servers import HOST, ROOT, Served, fields, free_port
from tests.test_many import changed, run

# ---- without processes


@pytest.fixture
def hall() -> Iterator[Dispatcher]:
    """A dispatcher whose two processes are only channels, one of them in the test's hand."""
    with listen(HOST, 0) as listener:
        made = Dispatcher(listener, HOST, 2)
        yield made
        made.selector.close()
        for pages in made.all:
            for each in (pages.channel, pages.theirs, *pages.waiting):
                each.close()
        for each in (*made.bell, *made.new):
            each.close()


@pytest.fixture
def connected(hall: Dispatcher) -> Iterator[Callable[..., socket.socket]]:
    """A function that connects to the dispatcher and says something."""
    with ExitStack() as opened:

        def connect(says: bytes = b"") -> socket.socket:
            connection = opened.enter_context(socket.create_connection((HOST, hall.port), timeout=10))
            connection.sendall(says)
            hall.accept()
            return connection

        yield connect


def turn(hall: Dispatcher) -> None:
    """Let the dispatcher do once what it does all the time."""
    for key, _ in hall.selector.select(0.2):
        key.data()
    for connection in tuple(hall.unfinished):
        hall.look(connection)
    hall.forget_silent()


def is_closed(browser: socket.socket) -> bool:
    try:
        return browser.recv(1) == b""
    except ConnectionResetError:
        return True


def waiting(hall: Dispatcher) -> list[int]:
    return [len(pages.waiting) for pages in hall.all]


def head(*lines: str) -> bytes:
    return "\r\n".join(["GET / HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("name", ["{}", "{}_framed"])
def test_a_browser_goes_to_the_process_that_its_cookie_names(hall, number, name):
    name = name.format(cookie(hall.port))
    for line in (f"Cookie: {name}={number}", f"cookie: _xsrf=2|a; {name}={number}; other=1"):
        assert hall.whose(head("Accept: */*", line)) is hall.all[number]


@pytest.mark.parametrize("said", ["{}=2", "{}=-1", "{}=", "{}=99999", "{}=x", "pcgraph_1=0", "x{}=0", "{}x=0"])
def test_who_belongs_to_no_process_goes_to_each_in_turn(hall, said):
    line = "Cookie: " + said.format(cookie(hall.port))
    assert Counter(hall.whose(head(line)).number for _ in range(10)) == {0: 5, 1: 5}
    assert Counter(hall.whose(head()).number for _ in range(10)) == {0: 5, 1: 5}


def test_a_process_that_does_not_answer_yet_gets_nobody_new(hall):
    hall.all[1].answers = True
    assert {hall.whose(head()).number for _ in range(4)} == {1}
    assert hall.whose(head(f"Cookie: {cookie(hall.port)}=0")).number == 0  # who belongs there waits for it


def test_a_connection_goes_on_once_its_head_is_there_and_untouched(hall, connected):
    whole = head(f"Cookie: {cookie(hall.port)}=1")
    browser = connected(whole[:30])
    turn(hall)
    turn(hall)
    assert waiting(hall) == [0, 0] and len(hall.unfinished) == 1
    browser.sendall(whole[30:] + b"and more")
    turn(hall)
    assert waiting(hall) == [0, 1] and not hall.new and not hall.unfinished
    hall.all[1].give()
    with Handed(socket.AF_UNIX, socket.SOCK_STREAM, fileno=hall.all[1].theirs.detach()) as handed:
        connection, address = handed.accept()
        assert connection.recv(10_000) == whole + b"and more" and address == browser.getsockname()
        connection.sendall(b"an answer")
        assert browser.recv(100) == b"an answer"
        connection.close()


def test_a_head_that_never_ends_goes_on_as_it_is(hall, connected):
    connected(b"G" * dispatcher.LOOK)
    while sum(waiting(hall)) == 0:
        turn(hall)
    assert not hall.new and not hall.unfinished


def test_who_leaves_or_says_nothing_for_long_is_forgotten(hall, connected, monkeypatch):
    connected().close()
    turn(hall)
    assert not hall.new
    silent, slow = connected(), connected(b"GET")
    turn(hall)
    assert len(hall.new) == 2
    monkeypatch.setattr(dispatcher, "SILENT", 0.0)
    turn(hall)
    assert not hall.new and not hall.unfinished and waiting(hall) == [0, 0]
    assert is_closed(silent) and is_closed(slow)


def test_of_too_many_who_say_nothing_the_oldest_goes(hall, connected, monkeypatch):
    monkeypatch.setattr(dispatcher, "OPEN", 2)
    browsers = [connected() for _ in range(3)]
    turn(hall)
    assert len(hall.new) == 2 and is_closed(browsers[0])
    browsers[2].sendall(head())
    turn(hall)
    assert sum(waiting(hall)) == 1


def test_what_a_channel_cannot_take_waits(hall, connected):
    pages, count = hall.all[0], 600
    for _ in range(count):
        connected(head(f"Cookie: {cookie(hall.port)}=0"))
    while hall.new:
        turn(hall)
    pages.give()
    with Handed(socket.AF_UNIX, socket.SOCK_STREAM, fileno=pages.theirs.detach()) as handed:
        handed.setblocking(False)
        found = 0
        while found < count:
            try:
                handed.accept()[0].close()
                found += 1
            except BlockingIOError:
                assert pages.waiting
                pages.give()
    assert not pages.waiting


# ---- the command


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "0"], "--port must be a whole number from 1 to 65535, but got 0."),
        (["--port", "web"], "--port must be a whole number from 1 to 65535, but got web."),
        (["--processes", "0"], "--processes must be a whole number from 1 to 64, but got 0."),
        (["--processes", "65"], "--processes must be a whole number from 1 to 64, but got 65."),
        (["--address", "nowhere.invalid"], "The app can't be served at nowhere.invalid, port 8501: "),
    ],
)
def test_what_cannot_be_served_gets_one_sentence(words, said, capsys, monkeypatch):
    monkeypatch.setenv(dispatcher.SECRET, "a secret")
    assert main(["serve", "--processes", "2", *words]) == 2
    assert capsys.readouterr().err.startswith(said)


def test_a_port_that_somebody_has_gets_one_sentence(capsys, monkeypatch):
    monkeypatch.setenv(dispatcher.SECRET, "a secret")
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--address", HOST, "--port", str(port), "--processes", "2"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"The app can't be served at {HOST}, port {port}: Address already in use.")
    assert said.count("\n") == 1 and f"make app PORT={port + 1}" in said


def test_an_app_that_cannot_begin_ends_the_command():
    program = (
        "import sys, pcgraph.ui.dispatcher as dispatcher\n"
        "def fails(*given): raise RuntimeError('it cannot')\n"
        "dispatcher.answer_pages = fails\n"
        f"sys.exit(dispatcher.serve('{HOST}', {free_port()}, 2))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "it cannot" in done.stderr


def test_so_many_processes_as_cores_four_at_most_and_no_more_than_the_memory_holds(monkeypatch):
    sizes = {"SC_PHYS_PAGES": 8 * 2**18, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(dispatcher.os, "sysconf", sizes.__getitem__)
    found = {}
    for cores in (1, 2, 16):
        monkeypatch.setattr(dispatcher, "cores", lambda cores=cores: cores)
        found[cores] = dispatcher.processes()
    assert found == {1: 1, 2: 2, 16: 4}
    sizes["SC_PHYS_PAGES"] = 2 * 2**18
    assert dispatcher.processes() == 2
    sizes["SC_PHYS_PAGES"] = 1000
    assert dispatcher.processes() == 1


@pytest.mark.parametrize(("system", "certificate"), [("darwin", None), ("win32", None), ("linux", "cert.pem")])
def test_where_connections_cannot_be_handed_over_there_is_one_process_as_ever(monkeypatch, system, certificate):
    monkeypatch.setenv(dispatcher.SECRET, "a secret")
    monkeypatch.setattr(dispatcher.sys, "platform", system)
    monkeypatch.setattr("streamlit.config.get_option", {"server.sslCertFile": certificate}.get)
    run = []
    monkeypatch.setattr(dispatcher, "run_streamlit", lambda *given: run.append(given) or sys.exit(0))
    with pytest.raises(SystemExit):
        dispatcher.serve(HOST, 8501, 4)
    assert run == [(HOST, 8501)]


# ---- the whole app


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Served(2) as app:
        both_answer(app)
        yield app


def both_answer(app: Served) -> None:
    """Wait until each of the two processes gets new people."""
    until = time.monotonic() + 60
    while {number(app) for _ in range(4)} != {0, 1}:
        assert time.monotonic() < until


def number(app: Served, said: str = "") -> int | None:
    """Return the process that a page comes from, as it tells the browser; None where it tells nothing."""
    request = urllib.request.Request(app.address, headers={"Cookie": said} if said else {})
    with urllib.request.urlopen(request, timeout=30) as page:
        told = page.headers.get_all("Set-Cookie") or []
    numbers = {text.split(";")[0].split("=")[1] for text in told if text.startswith(cookie(app.port))}
    assert len(numbers) <= 1
    return int(numbers.pop()) if numbers else None


def test_a_browser_is_told_once_where_it_belongs_and_stays_there(served):
    assert {number(served) for _ in range(4)} == {0, 1}
    for name in (cookie(served.port), f"{cookie(served.port)}_framed"):
        for which in (0, 1):
            assert [number(served, f"{name}={which}") for _ in range(3)] == [None] * 3  # it is where it belongs
    assert number(served, "pcgraph_1=0") in (0, 1)  # another app's


def test_pages_of_each_process_answer_and_what_one_has_signed_the_other_reads(served):
    async def both() -> list[bool]:
        return [fits_link((await changed(served.address))[0]) for _ in range(4)]

    assert run(both()) == [True] * 4
    with urllib.request.urlopen(f"{served.address}/_stcore/health", timeout=30) as answer:
        assert answer.read() == b"ok"


def test_one_process_dies_its_people_come_back_and_the_others_notice_nothing(served):
    gone = served.pages()[0]

    async def people() -> tuple[int, int]:
        found = [await changed(served.address) for _ in range(4)]
        os.kill(gone, signal.SIGKILL)
        await asyncio.sleep(0.5)
        lost = [hand for hand, visitor in found if visitor.socket.close_code is not None]
        for hand, visitor in found:
            if hand in lost:
                before, link = hand.seen, visitor.query
                await hand.open()  # as a page does by itself
                assert hand.seen == before and visitor.query == link
            await hand.change()
            await visitor.close()
        return len(lost), len(found)

    assert run(people()) == (2, 4)
    both_answer(served)
    assert len(served.pages()) == 2 and gone not in served.pages()
    assert "a process of pages has ended; another takes its place" in served.said()
    assert number(served, f"{cookie(served.port)}=0") is None  # the one in its place has its number


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_when_the_dispatcher_ends_all_end(how):
    with Served(2, PCGRAPH_LOG="json") as app:
        both_answer(app)
        family = app.family()
        assert len(family) > 6  # the processes of pages, and those that compute for them
        assert app.stop(how) < 10
        assert app.process.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 0)
        until = time.monotonic() + 20
        while any(map(fields, family)) and time.monotonic() < until:
            time.sleep(0.05)
        assert not any(map(fields, family))
        assert app.said().count('"event": "ended"') == 2  # each stopped its jobs before
        assert "Traceback" not in app.said()


def test_the_processes_share_what_they_have_loaded(served):
    """Two of pages and eight that compute for them, where one of pages alone takes 290 MB."""
    assert len(served.family()) >= 10 and served.memory() < 800


def test_one_process_has_no_dispatcher():
    with Served(1) as app:
        assert number(app) is None
