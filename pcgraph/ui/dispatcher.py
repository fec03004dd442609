"""One address, and behind it a process of pages for each core: `python -m pcgraph serve`.

Python runs one thread at a time in a process: what one process answers, one core does. The dispatcher accepts
connections, looks, without taking anything, for the cookie that says to which process a browser belongs, and hands the
connection itself over, which Linux can. From then on it has no part in it: an answer costs nothing more. A browser
keeps its connections to itself; a proxy that shares them between visitors needs one process behind it.

The processes are forked from the dispatcher once it has loaded what they need. They share that memory, and one that has
died is there again within seconds. Where connections cannot be handed over, there is one process, as ever.
"""

from __future__ import annotations

import gc
import logging
import math
import os
import re
import secrets
import selectors
import signal
import socket
import sys
import time
import traceback
from collections import deque
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

from pcgraph.errors import SettingError
from pcgraph.ui.handed import READY, answer_pages, cookie, run_streamlit
from pcgraph.ui.helpers import cores
from pcgraph.ui.logs import log_in_lines

MOST = 4  # processes where nobody says how many: a class of 300
ROOM = 2**30  # bytes of memory for each
LOOK = 2**16  # bytes of a request's head that are looked at
AGAIN = 0.05  # seconds until what is not finished is looked at again
PAUSE = 1.0  # seconds between two beginnings of a process
SILENT = 60.0  # seconds for which a connection may say nothing
OPEN = 2_000  # connections that wait for their first bytes; the oldest goes
FILES = 2**16  # a browser opens up to seven connections
END = 5.0  # seconds that processes have to end
SECRET = "STREAMLIT_SERVER_COOKIE_SECRET"
log = logging.getLogger("pcgraph.app")


def serve(address: str, port: int, count: int | None = None) -> int:
    """Serve the app until a signal ends it, and return the exit code.

    count: of processes; as many as there are cores where it is None, four at most, and one for each GB of memory.
    Raises SettingError where the address or the port cannot be had.
    """
    os.environ.setdefault(SECRET, secrets.token_hex(32))  # the same in all: one may get to read what another signed
    count = 1 if not can_hand_over(address, port) else processes() if count is None else count
    if count == 1:
        run_streamlit(address, port)
    log_in_lines()
    allow_files()
    with listen(address, port) as listener:
        load()
        return Dispatcher(listener, address, count).run()


def processes() -> int:
    """Return how many processes of pages are right for this machine."""
    return max(1, min(MOST, cores(), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // ROOM))


def can_hand_over(address: str, port: int) -> bool:
    """Tell whether connections can be handed over: on Linux, and where what they begin with can be read (no TLS)."""
    from streamlit import config

    config.get_config_options(options_from_flags={"server.address": address, "server.port": port})
    return sys.platform == "linux" and not config.get_option("server.sslCertFile")


def allow_files() -> None:
    """Allow this process and those it begins as many open files as the system lets it, so many are enough."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES if most == resource.RLIM_INFINITY else min(FILES, most), most))


def listen(address: str, port: int) -> socket.socket:
    """Return a socket that listens; its connections send at once, as those of `pcgraph.ui.at_once`."""
    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address, port), family=family, backlog=OPEN)
    except (OSError, OverflowError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (while ")[0].rstrip(".")
        other = port + 1 if port < 65_535 else 8501
        raise SettingError("cli.error.address", address=address, port=port, reason=reason, other=other) from None
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    return listener


def load() -> None:
    """Load what every process of pages needs, so that they share it."""
    import streamlit.web.cli
    import streamlit.web.server.starlette.starlette_server  # noqa: F401
    import torch

    from pcgraph.gallery import gallery
    from pcgraph.solve import solve

    torch.set_num_threads(1)
    solve(gallery["residual"])
    gc.collect()
    gc.freeze()  # no collection need look at it again, in none of them: it stays shared


class Pages:
    """A process of pages, seen from the dispatcher: the connections given to it wait until it takes them."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.began, self.has_answered = -math.inf, False
        self.waiting: deque[socket.socket] = deque()
        self.vacate()

    def vacate(self) -> None:
        """Be without a process, with a channel for the next one."""
        self.process, self.answers = 0, False
        self.channel, self.theirs = socket.socketpair()
        self.channel.setblocking(False)

    def hear(self) -> bool:
        """Read what the process says; tell whether it is there to say more."""
        said = self.channel.recv(1)
        self.answers = said == READY
        self.has_answered |= self.answers
        return bool(said)

    def give(self) -> None:
        """Hand over what waits, as far as the channel takes it."""
        with suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            while self.waiting:
                socket.send_fds(self.channel, [b"c"], [self.waiting[0].fileno()])
                self.waiting.popleft().close()


class Dispatcher:
    """Accepts connections and hands each to the process it belongs to; begins these processes, and ends them."""

    def __init__(self, listener: socket.socket, address: str, count: int) -> None:
        self.listener, self.address, self.port = listener, address, listener.getsockname()[1]
        self.all = [Pages(number) for number in range(count)]
        self.next = 0  # whose the next browser is that belongs to nobody
        self.new: dict[socket.socket, float] = {}  # connections that nobody has yet, and since when
        self.unfinished: set[socket.socket] = set()  # those that have begun to say something
        name = cookie(self.port).encode()
        self.belongs = re.compile(rb"\r\ncookie:[^\r\n]*\b%b(?:_framed)?=(\d{1,3})\b" % name, re.IGNORECASE)
        self.selector = selectors.DefaultSelector()
        self.bell = socket.socketpair()  # a signal writes into one, the dispatcher looks at the other
        self.ending = False

    def run(self) -> int:
        """Serve until a signal comes; return the exit code: 0, or that of a process that could not even begin."""
        self.hear_signals()
        self.selector.register(self.listener, selectors.EVENT_READ, self.accept)
        code = 0
        while not self.ending and not code:
            code = self.begin_processes()
            waits = self.unfinished or any(pages.waiting or not pages.process for pages in self.all)
            for key, _ in self.selector.select(AGAIN if waits else 1.0):
                key.data()
            for connection in tuple(self.unfinished):
                self.look(connection)
            for pages in self.all:
                pages.give()
            self.forget_silent()
        self.end()
        return code

    # ---- connections

    def accept(self) -> None:
        """Take the connections that have come."""
        with suppress(BlockingIOError, ConnectionAbortedError):
            while True:
                connection, _ = self.listener.accept()
                connection.setblocking(False)
                self.new[connection] = time.monotonic()
                self.selector.register(connection, selectors.EVENT_READ, partial(self.look, connection))

    def look(self, connection: socket.socket) -> None:
        """Find out from how a connection begins whose it is."""
        try:
            head = connection.recv(LOOK, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            head = b""
        if head and b"\r\n\r\n" not in head and len(head) < LOOK:
            if connection not in self.unfinished:  # what has come stays, so the selector would tell of it all the time
                self.selector.unregister(connection)
                self.unfinished.add(connection)
            return
        self.forget(connection)
        if head:
            self.whose(head).waiting.append(connection)
        else:
            connection.close()

    def whose(self, head: bytes) -> Pages:
        """Return the process that a browser belongs to, by its cookie; the next one's turn where it has none."""
        said = self.belongs.search(head)
        if said and int(said[1]) < len(self.all):
            return self.all[int(said[1])]
        those = [pages for pages in self.all if pages.answers] or self.all
        self.next += 1
        return those[self.next % len(those)]

    def forget(self, connection: socket.socket) -> None:
        """Look at a connection no more."""
        del self.new[connection]
        if connection in self.unfinished:
            self.unfinished.remove(connection)
        else:
            self.selector.unregister(connection)

    def forget_silent(self) -> None:
        """Close connections that say nothing for long, and the oldest where there are too many."""
        now = time.monotonic()
        for connection, since in tuple(self.new.items()):
            if now < since + SILENT and len(self.new) <= OPEN:
                break
            self.forget(connection)
            connection.close()

    # ---- processes

    def begin_processes(self) -> int:
        """Begin each process that is not there; return the exit code of one that ended before it ever answered."""
        for pages in self.all:
            if pages.process and (code := ended(pages.process)) is not None:
                if not pages.has_answered:
                    return code or 1
                log.warning("a process of pages has ended; another takes its place")
                self.lose(pages)
            if not pages.process and time.monotonic() > pages.began + PAUSE:
                self.begin(pages)
        return 0

    def lose(self, pages: Pages) -> None:
        """Give up the channel of a process that has ended, with what was handed over and not taken."""
        with suppress(KeyError):  # it may have said its last before
            self.selector.unregister(pages.channel)
        pages.channel.close()
        pages.vacate()

    def begin(self, pages: Pages) -> None:
        pages.began = time.monotonic()
        sys.stdout.flush()
        try:
            pages.process = os.fork()
        except OSError as error:  # too little memory, too many processes: it is tried again
            log.warning("a process of pages cannot begin: %s", error.strerror)
            return
        if not pages.process:
            self.become(pages)
        pages.theirs.close()
        self.selector.register(pages.channel, selectors.EVENT_READ, partial(self.hear, pages))

    def hear(self, pages: Pages) -> None:
        if not pages.hear():
            self.selector.unregister(pages.channel)

    def become(self, pages: Pages) -> NoReturn:
        """Be a process of pages, with nothing of the dispatcher's but the channel."""
        code: Any = 1
        try:
            self.hear_no_signals()
            self.selector.close()
            for each in (self.listener, *self.bell, *self.new):
                each.close()
            for one in self.all:
                for other in (one.channel, *one.waiting, *([one.theirs] if one is not pages else [])):
                    other.close()
            answer_pages(pages.number, pages.theirs.detach(), self.address, self.port)
        except SystemExit as end:
            code = end.code
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code if isinstance(code, int) else int(code is not None))

    def end(self) -> None:
        """End all processes; those that take long are killed."""
        self.listener.close()
        there = [pages for pages in self.all if pages.process and ended(pages.process) is None]
        for pages in there:
            os.kill(pages.process, signal.SIGTERM)
        until = time.monotonic() + END
        while there and time.monotonic() < until:
            time.sleep(AGAIN)
            there = [pages for pages in there if ended(pages.process) is None]
        for pages in there:
            os.kill(pages.process, signal.SIGKILL)

    # ---- signals

    def hear_signals(self) -> None:
        for one in self.bell:
            one.setblocking(False)
        signal.set_wakeup_fd(self.bell[0].fileno(), warn_on_full_buffer=False)
        self.selector.register(self.bell[1], selectors.EVENT_READ, lambda: self.bell[1].recv(LOOK))
        for kind in (signal.SIGINT, signal.SIGTERM):
            signal.signal(kind, self.hear_end)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # it need only wake the dispatcher

    def hear_end(self, *_: Any) -> None:
        self.ending = True

    def hear_no_signals(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for kind in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(kind, signal.SIG_DFL)


def ended(process: int) -> int | None:
    """Return the exit code of a process of ours; None where it has not ended."""
    try:
        found, status = os.waitpid(process, os.WNOHANG)
    except ChildProcessError:
        return 0
    return os.waitstatus_to_exitcode(status) if found else None
