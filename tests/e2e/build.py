"""The Build page as a person sees it: its canvas, worked by hand or by keyboard, and the views beside it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Locator, Page, expect

from pcgraph.messages import say
from pcgraph.ui.settings import unpack_document

PATIENCE = 15  # seconds until the server has followed
MOST_TABS = 90
HAS_FOCUS = "(one) => one.getRootNode().activeElement === one"

# Which of a person's hands were used: presses of a pointer, and keys outside fields.
HANDS = """
window.hands = { pointer: 0, keys: 0 };
addEventListener("pointerdown", () => { window.hands.pointer += 1; }, true);
addEventListener("keydown", (event) => {
    if (!event.composedPath().some((one) => one.matches?.("input, textarea"))) window.hands.keys += 1;
}, true);
"""


class Build:
    """One visitor's Build page."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.editor = page.get_by_test_id("editor")
        self.canvas = self.editor.get_by_role("group", name=say("editor.canvas"), exact=True)
        self.alerts = page.get_by_test_id("stAlert")

    def open(self, **link: Any) -> Build:
        return self.open_url(f"{self.address}/build" + (f"?{urlencode(link)}" if link else ""))

    def open_url(self, url: str) -> Build:
        self.page.goto(url)
        return self.ready()

    def ready(self) -> Build:
        expect(self.editor).to_have_attribute("data-stale", "false", timeout=90_000)
        self.editor.evaluate("() => document.fonts.ready.then(() => true)")
        return self

    # ---- what is seen

    def node(self, name: str | None = None) -> Locator:
        return self.editor.locator(f'[data-node="{name}"]' if name else "[data-node]")

    def values(self) -> dict[str, float | None]:
        """Return what every node holds, in full precision."""
        found = self.node().evaluate_all("all => all.map((one) => [one.dataset.node, one.dataset.value])")
        return {name: float(value) if value else None for name, value in found}

    def field(self, name: str) -> Locator:
        return self.editor.get_by_label(say(f"editor.{name}"), exact=True)

    @property
    def formula(self) -> Locator:
        return self.page.get_by_role("textbox", name=say("page.build.formula"), exact=True)

    @property
    def refusal(self) -> Locator:
        return self.editor.get_by_role("alert")

    def has(self, nodes: int) -> None:
        expect(self.editor).to_have_attribute("data-nodes", str(nodes))

    def followed(self) -> None:
        """Wait until Python has said what the last edit means."""
        expect(self.editor).to_have_attribute("data-stale", "false")

    def document(self) -> dict[str, Any]:
        """Return the document in the page's link, once it is the one on the canvas."""
        self.followed()
        expect(self.page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        end = time.monotonic() + PATIENCE
        while True:
            found = linked(self.page.url)
            if {node["name"] for node in found["nodes"]} == set(self.values()) or time.monotonic() > end:
                return found
            self.page.wait_for_timeout(50)

    def links_to(self, document: dict[str, Any]) -> None:
        """Expect the page's link to come to hold this very document."""
        end = time.monotonic() + PATIENCE
        while (found := self.document()) != document and time.monotonic() < end:
            self.page.wait_for_timeout(50)
        assert found == document, f"{found} is not {document}"

    # ---- by mouse

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return a place of the screen by its place on the canvas, in px."""
        box = self.canvas.bounding_box()
        return box["x"] + x, box["y"] + y

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press, move in a few strides, let go."""
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move(*end, steps=6)
        mouse.up()

    def drag_op(self, op: str, x: float, y: float) -> None:
        """Drag an op from the palette onto the canvas."""
        item = self.editor.get_by_role("button", name=say("editor.add_op", op=op), exact=True)
        item.scroll_into_view_if_needed()
        self.drag(middle(item), self.at(x, y))

    def port(self, name: str) -> tuple[float, float]:
        return middle(self.editor.locator(f'[data-port="{name}"] circle'))

    def wire(self, start: str, end: str) -> None:
        """Drag from one port to another, such as "a:out" and "b:0"."""
        self.drag(self.port(start), self.port(end))

    def elsewhere(self) -> None:
        """Click on nothing: what was typed is taken, and nothing stays selected."""
        self.page.mouse.click(*self.at(30, 520))

    def fill(self, field: Locator, text: str) -> None:
        """Click into a field, type over what it holds, and click elsewhere."""
        field.click(click_count=3)
        self.page.keyboard.type(text)
        self.elsewhere()

    # ---- by keyboard

    def tab_to(self, wanted: Locator, key: str = "Tab") -> None:
        """Press Tab until the wanted element has the focus."""
        for _ in range(MOST_TABS):
            if wanted.evaluate(HAS_FOCUS):
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"{key} does not reach {wanted}")

    def keys(self, *names: str) -> None:
        for name in names:
            self.page.keyboard.press(name)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    # ---- around the canvas

    def popover(self, label: str) -> Locator:
        self.page.get_by_test_id("stPopover").get_by_role("button", name=say(label)).click()
        return self.page.get_by_test_id("stPopoverBody")

    def button(self, label: str) -> Locator:
        return self.page.get_by_test_id("stMain").get_by_role("button", name=say(label), exact=True)

    def view(self, name: str) -> None:
        """Show another view beside the canvas."""
        self.page.get_by_role("radio", name=say(f"page.build.{name}"), exact=True).click()

    def start_empty(self) -> None:
        self.popover("page.build.start").get_by_role("button", name=say("page.build.empty")).click()
        self.has(0)
        self.elsewhere()
        expect(self.page.get_by_test_id("stPopoverBody")).to_have_count(0)
        self.followed()

    def saved(self, folder: Path) -> Path:
        """Save the document as a file and return it."""
        with self.page.expect_download() as waiting:
            self.popover("page.build.save").get_by_role("button", name=say("page.build.save.json")).click()
        file = folder / waiting.value.suggested_filename
        waiting.value.save_as(file)
        return file

    def load(self, file: Path | dict[str, Any]) -> None:
        self.editor.locator("input[type=file]").set_input_files(file)


def linked(url: str) -> dict[str, Any]:
    """Return the document that a link carries."""
    found = parse_qs(urlsplit(url).query).get("d")
    return json.loads(unpack_document(found[0])) if found else {"nodes": []}


def middle(element: Locator) -> tuple[float, float]:
    box = element.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
