"""Take the pictures of the README again: `make screenshots`. Same link, same picture."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tests.browser import ROOT, chromium, open_page, served

IMAGES = ROOT / "docs" / "images"
MOST = 300_000  # bytes of a picture

# File, path and query of the page, colour scheme, the node whose card is open, a key that is pressed.
SHOTS = (
    ("step-through.png", "?t=2", "light", "b", None),
    ("compare.png", "compare?t=2", "dark", None, None),
    ("levels.png", "levels?t=3", "light", None, None),
    ("learn.png", "learn?l=front&s=2", "light", None, None),
    ("springs.png", "?p=chain&t=3", "dark", None, "s"),
)


def main() -> None:
    """Take every picture and say how large it is."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with served() as address, chromium() as browser:
        for name, path, scheme, node, key in SHOTS:
            picture = take(browser, f"{address}/{path}", IMAGES / name, scheme, node, key)
            print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size / 1000:.0f} kB")
            if picture.stat().st_size > MOST:
                raise SystemExit(f"{name} is larger than {MOST / 1000:.0f} kB.")


def take(browser: Browser, url: str, picture: Path, scheme: str, node: str | None, key: str | None) -> Path:
    """Take one picture of a page at rest."""
    page = open_page(browser, color_scheme=scheme, reduced_motion="reduce")
    page.goto(url)
    stage = page.get_by_test_id("stage")
    stage.locator("[data-node]").first.wait_for(state="attached", timeout=90_000)
    if node:
        stage.locator(f'[data-node="{node}"]').click()
        page.mouse.move(0, 0)
    if key:
        page.keyboard.press(key)
    page.wait_for_timeout(4000)  # fonts, the last layout, Streamlit's fade-in
    page.screenshot(path=picture)
    page.context.close()
    return picture


if __name__ == "__main__":
    main()
