"""``jinmai demo``: the example city, built once and served; ``--check`` walks it as each of the cast."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from jinmai.foundation.kernel.commandline import JsonOption
from jinmai.foundation.kernel.errors import Broken, Refusal

DEFAULT = ".demo"


def register(app: typer.Typer) -> None:
    """Put ``demo`` among the commands."""

    @app.command("demo")
    def demo(
        home: Annotated[str | None, typer.Option("--home", help="示例城市的数据目录", metavar="DIR")] = None,
        port: Annotated[int, typer.Option("--port", help="端口")] = 8000,
        serve: Annotated[bool, typer.Option("--serve/--no-serve", help="建成后启动网站")] = True,
        check: Annotated[
            bool, typer.Option("--check", help="以每个角色走一遍全部页面；未指定 --home 时另建一座城市")
        ] = False,
        erase: Annotated[bool, typer.Option("--erase", help="删除示例城市，不留任何文件")] = False,
        size: Annotated[str, typer.Option("--size", help="full 全市；small 几十家企业，供测试")] = "full",
        lang: Annotated[str, typer.Option("--lang", help="与 --check 同用：zh-hans 或 en")] = "zh-hans",
        as_json: JsonOption = False,
    ) -> None:
        """示例城市：首次运行时建成，然后启动网站并打印每个角色的登录口令。"""
        try:
            if erase:
                _finish(_erase(Path(home or DEFAULT)), as_json)
            elif check:
                found = _check(home, size, lang)
                _finish(found, as_json)
                raise typer.Exit(1 if found["errors"] else 0)
            else:
                _open(Path(home or DEFAULT), port, serve, as_json, size)
        except (Refusal, Broken, OSError) as problem:
            print(f"jinmai: {problem}", file=sys.stderr)
            if as_json:
                print(json.dumps({"error": str(problem)}, ensure_ascii=False))
            raise typer.Exit(2) from None


def _finish(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(found, ensure_ascii=False), flush=True)
    else:
        for name, value in found.items():
            print(f"{name}: {value}")


def _erase(home: Path) -> dict[str, Any]:
    """Remove a demo home; refuses a folder that is none."""
    if home.exists():
        _require_demo(home)
        shutil.rmtree(home)
    return {"erased": home.name}


def _require_demo(home: Path) -> None:
    from jinmai.foundation.kernel.home import open_home

    if any(home.iterdir()) and not (home / "jinmai.toml").exists():
        raise Broken(f"{home.name} holds other files and is no demo home: nothing was removed")
    if (home / "jinmai.toml").exists() and open_home(home).profile != "demo":
        raise Broken(f"{home.name} is no demo home: nothing was removed")


def prepare(home: Path, size: str = "full") -> dict[str, Any]:
    """Open the demo home, building the city when it is absent; half a city is removed and built again."""
    from jinmai.foundation.kernel.home import boot

    half = home / "jinmai.toml"
    marker = home / "demo-built.txt"
    if half.exists() and not marker.exists():
        print("jinmai: 上次没有建完，重新建", file=sys.stderr)
        _require_demo(home)
        shutil.rmtree(home)
    opened = boot(home, profile="demo")
    if opened.profile != "demo":
        raise Broken(f"{home.name} is no demo home")
    from jinmai.site.demo.build import build, is_built

    if is_built(home):
        return {"built": False}
    return {"built": True, **_with_progress(lambda tell: build(opened, tell, size))}


def _with_progress(work: Any) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=False) as bar:
        task = bar.add_task("建示例城市", total=1.0)
        return work(lambda words, share: bar.update(task, description=words, completed=share))


def _open(home: Path, port: int, serve: bool, as_json: bool, size: str) -> None:
    from jinmai.site import serve as server

    if serve:
        server.refuse_used_port("127.0.0.1", port)  # before minutes of building, not after
    found = prepare(home, size)
    from jinmai.site.demo.build import read_logins

    logins = read_logins(home)
    if as_json:
        _finish(found | {"port": port, "roles": len(logins)}, True)
    else:
        _print_logins(home, logins, port)
    if serve:
        from jinmai.site.demo.licence import stand_beside
        from jinmai.site.startup import check

        check()
        stand_beside(home)
        server.run("127.0.0.1", port, 2)


def _print_logins(home: Path, logins: list[tuple[str, str, str]], port: int) -> None:
    from rich.console import Console
    from rich.table import Table

    from jinmai.foundation.kernel.access.models import Membership

    posts = {
        row.user.username: (row.organisation.name, row.role_label)
        for row in Membership.objects.filter(delegated_from=None).select_related("user", "organisation")
    }
    table = Table(title=f"示例城市（全部虚构）  http://127.0.0.1:{port}/")
    for head in ("姓名", "单位", "岗位", "账号", "口令"):
        table.add_column(head)
    for username, name, password in logins:
        table.add_row(name, *posts[username], username, password)
    Console().print(table)


def _check(home: str | None, size: str, lang: str) -> dict[str, Any]:
    """Walk the city in ``home``, building it when it is absent; without one, a city that is removed afterwards."""
    from jinmai.site.check import LANGUAGES, walk

    if lang not in LANGUAGES:
        raise Broken(f"there are no pages in {lang!r}: {', '.join(LANGUAGES)}")
    if home is not None:
        prepare(Path(home), size)
        return walk(Path(home), lang)
    folder = Path(tempfile.mkdtemp(prefix="jinmai-check-"))
    try:
        prepare(folder / "home", size)
        return walk(folder / "home", lang)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
