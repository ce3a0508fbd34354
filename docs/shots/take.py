"""Pictures of the main pages, each as its role, on a 1366×768 screen and on a phone: `make shots`.

    python docs/shots/take.py [--home DIR] [--into docs/shots] [--only NAME …]

Builds the example city where the home holds none, serves it, signs in as the cast and writes NAME.png and
NAME-phone.png. Says on one JSON line how many were taken and which pages complained: an answer that is no 200, an
error in the browser's console, a page wider than its screen.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
SCREENS = {"": (1366, 768), "-phone": (390, 844)}


@contextmanager
def _serve(home: Path) -> Iterator[str]:
    from jinmai.site.check import free_port, start_server
    from jinmai.site.demo.commands import prepare

    prepare(home)
    port = free_port()
    server = start_server(home, port)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def _passwords(home: Path) -> dict[str, str]:
    lines = (home / "logins.txt").read_text(encoding="utf-8").splitlines()
    return {username: password for username, _, password in (line.split("\t") for line in lines)}


class Camera:
    """One browser; a context for each person, language and screen."""

    def __init__(self, browser: Any, base: str, passwords: dict[str, str], into: Path) -> None:
        self.browser, self.base, self.passwords, self.into = browser, base, passwords, into
        self.contexts: dict[tuple[str, str, str], Any] = {}
        self.complaints: list[str] = []

    def page(self, who: str, language: str, screen: str) -> Any:
        """A signed-in page; people sign in once a screen."""
        key = (who, language, screen)
        if key not in self.contexts:
            width, height = SCREENS[screen]
            context = self.browser.new_context(locale="zh-CN", viewport={"width": width, "height": height})
            context.set_default_timeout(20_000)
            page = context.new_page()
            if who:
                page.goto(f"{self.base}/login/")
                page.fill("input[name=username]", who)
                page.fill("input[name=password]", self.passwords[who])
                page.press("input[name=password]", "Enter")
                page.wait_for_url(lambda url: "/login/" not in url, wait_until="commit")
            if language:
                context.add_cookies([{"name": "django_language", "value": language, "url": self.base}])
            self.contexts[key] = page
        return self.contexts[key]

    def take(self, wanted: dict[str, str], screen: str) -> None:
        """One picture of the whole page, at most three screens long."""
        name = f"{wanted['name']}{screen}"
        page = self.page(wanted.get("who", ""), wanted.get("language", ""), screen)
        errors: list[str] = []
        listen = lambda said: errors.append(said.text) if said.type == "error" else None  # noqa: E731
        page.on("console", listen)
        answer = page.goto(self.base + wanted["path"])
        for step in ("follow", "then"):
            if step in wanted and answer.ok:
                links = page.eval_on_selector_all("main a[href]", "all => all.map(one => one.getAttribute('href'))")
                link = next((link for link in links if re.search(wanted[step], link)), None)
                if link is None:
                    self.complaints.append(f"{name}: no link like {wanted[step]}")
                    break
                answer = page.goto(self.base + link)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(250)
        width, height = SCREENS[screen]
        wide, tall = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        if not answer.ok:
            self.complaints.append(f"{name}: {answer.status}")
        if wide > width:
            self.complaints.append(f"{name}: {wide - width} px too wide")
        self.complaints += [f"{name}: {error}" for error in errors]
        page.remove_listener("console", listen)
        clip = {"x": 0, "y": 0, "width": width, "height": min(tall, 3 * height)}
        self._keep(page.screenshot(full_page=True, clip=clip), self.into / f"{name}.png")

    @staticmethod
    def _keep(content: bytes, path: Path) -> None:
        """In 128 colours: a third of the size, and nothing that anybody would see."""
        from PIL import Image

        picture = Image.open(io.BytesIO(content)).convert("RGB").quantize(128, method=Image.Quantize.MEDIANCUT)
        picture.save(path, optimize=True)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--home", type=Path)
    options.add_argument("--into", type=Path, default=HERE)
    options.add_argument("--only", nargs="*")
    given = options.parse_args()
    from playwright.sync_api import sync_playwright

    folder = Path(tempfile.mkdtemp(prefix="jinmai-shots-"))
    home = given.home or folder / "home"
    given.into.mkdir(parents=True, exist_ok=True)
    wanted = yaml.safe_load((HERE / "pages.yaml").read_text(encoding="utf-8"))
    wanted = [one for one in wanted if not given.only or one["name"] in given.only]
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        with _serve(home) as base, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            camera = Camera(browser, base, _passwords(home), given.into)
            for one in wanted:
                for screen in SCREENS:
                    try:
                        camera.take(one, screen)
                    except Exception as problem:  # the other pages are taken all the same
                        camera.complaints.append(f"{one['name']}{screen}: {type(problem).__name__} {problem}"[:300])
            browser.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps({"pages": len(wanted), "pictures": 2 * len(wanted), "complaints": camera.complaints}, ensure_ascii=False))
    return 1 if camera.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
