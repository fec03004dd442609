"""The app as a person sees it: what the browser tests read and press."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Locator, Page, expect

from pcgraph.messages import say

# The menu item's address, and whether its stage has one lane.
PAGES = {"": "page.step.title", "compare": "page.compare.title", "levels": "page.levels.title"}


# A message rests at its user for up to half its journey: the picture is still when it has been for longer than that.
STILL = """async (stage) => {
    const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
    for (let before = null; before !== stage.outerHTML; ) {
        before = stage.outerHTML;
        await pause(500);
    }
}"""


def same(one: str, other: str) -> None:
    """Expect two texts to be equal; say where they first differ."""
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    around = slice(max(0, at - 120), at + 60)
    assert one == other, f"At {at}: …{one[around]}… is not …{other[around]}…"


class App:
    """One visitor's page: the stage, its controls and the row above it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.stage = page.get_by_test_id("stage")
        self.alerts = page.get_by_test_id("stAlert")

    def open(self, path: str = "", **link: Any) -> App:
        """Go to a page of the app and wait for its stage."""
        self.page.goto(f"{self.address}/{path}" + (f"?{urlencode(link)}" if link else ""))
        return self.ready()

    def ready(self) -> App:
        expect(self.node().first).to_be_attached(timeout=90_000)
        self.stage.evaluate("() => document.fonts.ready.then(() => true)")
        return self

    # ---- the stage

    def node(self, name: str | None = None, lane: str | None = None) -> Locator:
        place = self.stage.locator(f'[data-lane="{lane}"]') if lane else self.stage
        return place.locator(f'[data-node="{name}"]' if name else "[data-node]")

    def card(self, name: str, lane: str | None = None) -> Locator:
        """Return what is drawn of a node."""
        place = self.stage.locator(f'[data-lane="{lane}"]') if lane else self.stage
        return place.locator(f'.node:has([data-node="{name}"])')

    def number(self, name: str, quantity: str, lane: str | None = None) -> float | None:
        """Return what a node holds in full precision; None where it is not computed yet."""
        text = self.node(name, lane).get_attribute(f"data-{quantity}")
        return float(text) if text else None

    @property
    def t(self) -> int:
        return int(self.stage.get_attribute("data-t") or -1)

    @property
    def steps(self) -> int:
        return int(self.stage.get_attribute("data-steps") or -1)

    def at(self, t: int) -> None:
        """Expect the stage at step t."""
        expect(self.stage).to_have_attribute("data-t", str(t))

    def press(self, key: str, t: int | None = None) -> None:
        """Press a key and, where t is given, expect the stage to reach it."""
        self.page.keyboard.press(key)
        if t is not None:
            self.at(t)

    def button(self, name: str) -> Locator:
        """Return a button of the stage by its accessible name."""
        return self.stage.get_by_role("button", name=name, exact=True)

    def settled(self) -> None:
        """Wait until nothing on the stage moves any more."""
        self.stage.evaluate(STILL)

    def quiet(self) -> None:
        """Wait until the page has sent the server nothing for a while."""
        sent = -1
        while sent != self.page.watch.sent:
            sent = self.page.watch.sent
            self.page.wait_for_timeout(500)

    @property
    def slider(self) -> Locator:
        return self.stage.get_by_role("slider", name="Step", exact=True)

    def drawing(self) -> str:
        """Return every lane's picture as SVG text."""
        return "\n".join(self.stage.locator(".lane svg").evaluate_all("all => all.map((one) => one.outerHTML)"))

    def everything(self) -> str:
        """Return the whole stage as text: pictures, card, curve, controls and sentences."""
        return str(self.stage.evaluate("(one) => one.outerHTML"))

    def boxes(self, lane: str | None = None) -> dict[str, dict[str, float]]:
        """Return where each node is painted."""
        found = self.node(lane=lane).evaluate_all(
            "all => all.map((one) => [one.dataset.node, one.getBoundingClientRect().toJSON()])"
        )
        return dict(found)

    # ---- the row above the stage

    def popover(self, label: str | re.Pattern[str]) -> Locator:
        """Open a popover of the row and return what it shows."""
        self.page.get_by_test_id("stPopover").get_by_role("button", name=label).click()
        return self.page.get_by_test_id("stPopoverBody")

    def formula_field(self) -> Locator:
        return self.popover(say("page.formula")).get_by_role("textbox")

    def use_formula(self, text: str) -> None:
        """Type a formula into its popover and use it."""
        self.formula_field().fill(text)
        self.page.get_by_role("button", name=say("page.formula.use")).click()

    def toggle(self, label: str) -> None:
        self.page.get_by_test_id("stCheckbox").locator("label").filter(has_text=label).click()

    def toggle_level(self) -> None:
        self.toggle("Levelled")

    def alert(self) -> str:
        """Return the one sentence that is shown as an alert."""
        expect(self.alerts).to_have_count(1)
        return self.alerts.inner_text().strip()
