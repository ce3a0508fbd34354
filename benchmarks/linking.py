"""Our linking of firms by name beside Splink 5 on DuckDB: the same noisy records, the same blocks, in the same run.

Prints one JSON line. Two lists of ``--rows`` firms each are made up from a seed: three in four firms of the second list
are in the first, written as clerks write them; the others are new, many of them near to a firm of the first in the way
that real firms are (another trade, another city, a branch, one character). Ours reads raw names; Splink is handed the
columns and blocking keys that our reader made of them, so its time leaves reading out, and ours doesn't. ``ratio`` is
Splink's training and prediction over all of ours, the median of rounds run by turns; ``predict_ratio`` its prediction alone.

Quality is compared where Splink is free to choose: its best recall at no lower precision than ours has, and its best F1,
over all thresholds, by the truth. Ours stands at the thresholds of ``scores.yaml``.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SEED = 20261123
IN_BOTH = 0.75
COUNTED = 100_000  # up to so many rows Splink's pairs are counted, too
PLACES = "北京 上海 天津 重庆 广州 深圳 杭州 南京 武汉 成都 西安 苏州 青岛 长沙 郑州 厦门 合肥 济南 宁波 福州".split()
FIRST = (
    "华 中 金 天 东 新 国 科 海 京 恒 盛 泰 鑫 瑞 博 宏 嘉 联 安 信 众 创 智 云 星 光 龙 福 德 润 佳 永 兴 建 世 正 万 三 大 "
    "北 南 远 凯 航 普 聚 汇 合 华 鼎 卓 同 益 君 伟 腾 蓝 绿 红 晨 旭 昊 宇 启 亿 百 千 易 优 美 乐 爱 思 慧 数 讯 迅 捷 驰"
).split()
SECOND = (
    "达 通 盛 源 泰 信 诚 业 和 联 创 鑫 隆 康 安 宇 宏 远 丰 利 成 祥 瑞 腾 辉 洋 博 飞 翔 阳 峰 力 方 圆 城 基 图 维 纳 特 "
    "迪 思 美 乐 佳 润 恒 嘉 兴 顺 发 旺 胜 凯 悦 欣 晟 泽 坤 铭 睿 翼 川 江 湖 海 山 林 森 木 石 玉 月 星 辰 云 天 地 元 亨 一 未"
).split()
RARE = [chr(code) for code in range(0x4E10, 0x6C00, 37)]
TRADES = (
    "科技 科技发展 信息技术 文化传媒 文化发展 商贸 建筑工程 建设工程 装饰工程 教育科技 网络科技 餐饮管理 企业管理 贸易 广告 "
    "物流 投资管理 房地产开发 劳务服务 汽车租赁 汽车服务 电子商务 医疗器械 生物科技 环保科技 新能源科技 物业管理 酒店管理 "
    "旅行社 印刷 图书 机械设备 化工 食品 服装 家具 农业科技 园林绿化 供应链管理 人力资源 检测技术 软件 智能科技 电力工程"
).split()
ALIKE = {
    "文化传媒": "文化传播",
    "文化发展": "文化传播",
    "科技发展": "科技",
    "建筑工程": "建设工程",
    "信息技术": "信息科技",
}
SHOPS = ["旗舰店-京东", "图书专营店-天猫", "旗舰店-拼多多", "微店", "官方店-抖音"]
SLIP, RENAMED = 0.03, 0.015  # of the records of one firm in both lists, as among published tables


class Maker:
    """Makes firms up, and writes their names as clerks do."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def brand(self) -> str:
        """A trade name of two to four characters, from characters as unevenly used as in life."""
        chance, pick = self.random.random(), self.random.choice
        if chance < 0.12:
            return pick(FIRST) + pick(SECOND)
        if chance < 0.35:
            return pick(FIRST) + pick(SECOND) + pick(RARE)
        return pick(FIRST) + pick(SECOND) + pick(FIRST if chance < 0.8 else RARE) + pick(SECOND)

    def firm(self) -> tuple[str, str, str, str]:
        """Place, trade name, trade, legal form."""
        place = PLACES[min(int(self.random.expovariate(0.35)), len(PLACES) - 1)]
        form = self.random.choices(["有限公司", "有限责任公司", "股份有限公司"], [85, 10, 5])[0]
        return place, self.brand(), self.random.choice(TRADES), form

    def near(self, firm: tuple[str, str, str, str]) -> tuple[str, str, str, str]:
        """Another firm whose name is near to this one's."""
        place, brand, trade, form = firm
        chance = self.random.random()
        if chance < 0.3:
            return place, brand, self.random.choice([one for one in TRADES if one != trade]), form
        if chance < 0.5:
            return self.random.choice([one for one in PLACES if one != place]), brand, trade, form
        if chance < 0.65:
            branch = self.random.choice(PLACES) + self.random.choice(["", "第一", "第二"]) + "分公司"
            return place, brand, trade, form + branch
        spot = self.random.randrange(len(brand))
        return place, brand[:spot] + self.random.choice(FIRST + SECOND) + brand[spot + 1 :], trade, form

    def plain(self, firm: tuple[str, str, str, str]) -> str:
        """A name as registered."""
        place, brand, trade, form = firm
        return f"{place}{brand}{trade}{form}" if self.random.random() < 0.7 else f"{brand}（{place}）{trade}{form}"

    def noisy(self, firm: tuple[str, str, str, str]) -> str:
        """The same firm's name as somebody wrote it down."""
        place, brand, trade, form = firm
        chance = self.random.random
        if chance() < RENAMED:
            return self.plain(self.firm())
        if chance() < SLIP:
            brand = self.slipped(brand)
        if chance() < 0.015:
            trade = ALIKE.get(trade, trade)
        if chance() < 0.06 and "分公司" not in form:
            form = "有限责任公司" if form == "有限公司" else "有限公司"
        name = self.plain(("" if chance() < 0.04 else place, brand, trade, form)).replace("（）", "")
        if chance() < 0.2:
            name = name.replace("（", "(").replace("）", ")")
        if chance() < 0.04:
            name = name.replace(place, place + "市", 1)
        if chance() < 0.08:
            name += f"({brand}{self.random.choice(SHOPS)})"
        if chance() < 0.02:
            name = "(白名单)" + name
        if chance() < 0.03:
            spot = self.random.randrange(len(name))
            name = f"{name[:spot]} {name[spot:]}"
        return name + ("。" if chance() < 0.01 else "")

    def slipped(self, text: str) -> str:
        """One character changed, left out, or swapped with the next."""
        spot, chance = self.random.randrange(len(text)), self.random.random()
        if chance < 0.7:
            return text[:spot] + self.random.choice(FIRST + SECOND + RARE) + text[spot + 1 :]
        if chance < 0.85 and len(text) > 2:
            return text[:spot] + text[spot + 1 :]
        return text[:spot] + text[spot : spot + 2][::-1] + text[spot + 2 :]


def make(rows: int, folder: Path) -> None:
    """Both lists and the truth: ``truth[row of B]`` is its row in A, -1 for none."""
    maker = Maker(SEED)
    firms = list(dict.fromkeys(maker.firm() for _ in range(int(rows * 1.2))))[:rows]
    known = set(firms)
    a = [maker.plain(firm) for firm in firms]
    chosen = maker.random.sample(range(len(firms)), int(len(firms) * IN_BOTH))
    b = [(row, maker.noisy(firms[row])) for row in chosen]
    while len(b) < rows:
        firm = maker.near(maker.random.choice(firms)) if maker.random.random() < 0.5 else maker.firm()
        if firm not in known:
            known.add(firm)
            b.append((-1, maker.noisy(firm)))
    maker.random.shuffle(b)
    pq.write_table(pa.table({"name": a}), folder / "a.parquet")
    pq.write_table(pa.table({"name": [name for _, name in b], "truth": [row for row, _ in b]}), folder / "b.parquet")


# ---------------------------------------------------------------- ours


def ours(folder: Path) -> dict[str, Any]:
    """Everything from raw names to decided pairs of rows, in this process; compiling is told apart."""
    from jinmai.foundation.intake.linking.keys import Columns, read_keys
    from jinmai.foundation.intake.linking.linking import link_tables
    from jinmai.foundation.intake.linking.packing import read_names_compiled
    from jinmai.foundation.intake.tables import read_table

    tables = [read_table(folder / f"{side}.parquet") for side in "ab"]
    started = time.perf_counter()
    link_tables(*(read_keys(table_of(table, 3000), Columns("name")) for table in tables))  # loads what was compiled
    read_names_compiled(["金脉科技有限公司"])
    warm = time.perf_counter() - started
    started = time.perf_counter()
    links = link_tables(*(read_keys(table, Columns("name")) for table in tables))
    seconds = time.perf_counter() - started
    np.savez(folder / "ours.npz", a=links.row_a, b=links.row_b, score=links.points, decision=links.decision)
    return {"seconds": seconds, "warm": warm, "compared": links.compared}


def table_of(table: Any, rows: int) -> Any:
    """A table's first rows."""
    from jinmai.foundation.intake.tables import Table

    return Table(
        table.names, {name: column.slice(0, rows) for name, column in table.columns.items()}, min(rows, table.rows)
    )


# ---------------------------------------------------------------- Splink


def prepare(folder: Path) -> None:
    """What Splink is handed: the parts of each name and the keys it is found by, crowded keys left out as ours are."""
    from jinmai.foundation.intake.linking import kernel
    from jinmai.foundation.intake.linking.packing import read_names_compiled
    from jinmai.foundation.intake.linking.words import declared

    sides = [read_names_compiled(pq.read_table(folder / f"{side}.parquet")["name"].to_pylist())[0] for side in "ab"]
    most = declared("scores")["most_pairs_in_block"]
    kept = []
    for key in range(kernel.KEYS):
        (one, one_count), (other, other_count) = (np.unique(names.keys[key], return_counts=True) for names in sides)
        both, in_one, in_other = np.intersect1d(one, other, return_indices=True)
        crowded = (one_count[in_one] * other_count[in_other] > most) & (key > 0) | (both == 0)
        kept.append(np.append(both[crowded], 0))
    for side, names in zip("ab", sides, strict=True):
        parts, chars = names.parts, names.chars.tobytes().decode("utf-32-le")
        cores = [
            chars[start : start + length]
            for start, length in parts[:, [kernel.CORE_START, kernel.CORE_LENGTH]].tolist()
        ]
        brands = [core[:length] for core, length in zip(cores, parts[:, kernel.BRAND_LENGTH].tolist(), strict=True)]
        starts = parts[:, [kernel.BRANCH_START, kernel.BRANCH_LENGTH]].tolist()
        place = parts[:, kernel.PROVINCE] * 10_000 + parts[:, kernel.CITY]
        columns: dict[str, Any] = {
            "unique_id": np.arange(len(cores)),
            "core": cores,
            "brand": brands,
            "kind": [core[len(brand) :] for core, brand in zip(cores, brands, strict=True)],
            "branch": [chars[start : start + length] for start, length in starts],
            "place": pa.array(place, mask=place == 0),
            "form": pa.array(parts[:, kernel.FORM], mask=parts[:, kernel.FORM] == 0),
        }
        for key in range(kernel.KEYS):
            columns[f"k{key}"] = pa.array(names.keys[key], mask=np.isin(names.keys[key], kept[key]))
        pq.write_table(pa.table(columns), folder / f"splink_{side}.parquet")


def splink(folder: Path) -> dict[str, Any]:
    """Splink's training and prediction, in this process."""
    import duckdb
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    con = duckdb.connect(str(folder / f"splink-{time.time_ns()}.duckdb"))
    con.execute("SET threads=2")
    for side in "ab":
        con.execute(f"CREATE TABLE {side} AS SELECT * FROM read_parquet('{folder}/splink_{side}.parquet')")
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            cl.LevenshteinAtThresholds("brand", [1]),
            cl.ExactMatch("kind"),
            cl.ExactMatch("place"),
            cl.ExactMatch("form"),
            cl.ExactMatch("branch"),
        ],
        blocking_rules_to_generate_predictions=[block_on(f"k{key}") for key in range(5)],
        retain_intermediate_calculation_columns=False,
        retain_matching_columns=False,
    )
    started = time.perf_counter()
    api = DuckDBAPI(connection=con)
    linker = Linker([api.register(side, dataset_display_name=side) for side in "ab"], settings)
    linker.training.estimate_probability_two_random_records_match([block_on("k0")], recall=0.9)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=SEED)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("k1"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("k2"))
    trained = time.perf_counter() - started
    found = linker.inference.predict(threshold_match_probability=0.01)
    seconds = time.perf_counter() - started
    rows = con.execute(
        f"SELECT CASE WHEN source_dataset_l = 'a' THEN unique_id_l ELSE unique_id_r END, "
        f"CASE WHEN source_dataset_l = 'a' THEN unique_id_r ELSE unique_id_l END, match_weight FROM {found.physical_name}"
    ).fetchnumpy()
    a, b, score = rows.values()
    np.savez(folder / "splink.npz", a=a, b=b, score=score)
    compared = None
    if (
        con.execute("SELECT count(*) FROM a").fetchall()[0][0] <= COUNTED
    ):  # outside the time: how many pairs the blocks bring
        everything = linker.inference.predict()
        compared = con.execute(f"SELECT count(*) FROM {everything.physical_name}").fetchall()[0][0]
    return {"seconds": seconds, "trained": trained, "pairs": len(a), "compared": compared}


# ---------------------------------------------------------------- beside each other


def alone(what: str, folder: Path) -> dict[str, Any]:
    """One part in a process of its own."""
    said = subprocess.run(
        [sys.executable, __file__, "--part", what, str(folder)], stdout=subprocess.PIPE, text=True, check=True
    )
    print(f"{what}: {said.stdout.strip()}", file=sys.stderr)
    return dict(json.loads(said.stdout.splitlines()[-1]))


def shares(right: int, said: int, whole: int) -> dict[str, float]:
    """Precision, recall and F1."""
    return {
        "precision": round(right / said, 5),
        "recall": round(right / whole, 5),
        "f1": round(2 * right / (said + whole), 5),
    }


def quality(folder: Path) -> dict[str, Any]:
    """Ours at its thresholds; Splink at the best thresholds it could have been given."""
    truth = np.array(pq.read_table(folder / "b.parquet")["truth"])
    whole = int((truth >= 0).sum())
    mine, peer = np.load(folder / "ours.npz"), np.load(folder / "splink.npz")
    same = truth[mine["b"]] == mine["a"]
    linked = mine["decision"] == 2
    link = shares(int(same[linked].sum()), int(linked.sum()), whole)
    offered = shares(int(same.sum()), len(same), whole)
    order = np.argsort(-peer["score"], kind="stable")
    score, right = peer["score"][order], np.cumsum(truth[peer["b"][order]] == peer["a"][order])
    said = np.arange(1, len(right) + 1)
    ends = np.append(score[1:] != score[:-1], True)  # a threshold takes all of one score or none
    right, said = right[ends], said[ends]
    best = int(np.argmax(2 * right / (said + whole)))
    told = {
        "ours_link": link,
        "ours_link_and_review": offered,
        "splink_best_f1": shares(int(right[best]), int(said[best]), whole),
    }
    for name, mark in (("link", link), ("link_and_review", offered)):
        fits = np.flatnonzero(right / said >= mark["precision"])
        told[f"splink_at_precision_of_{name}"] = (
            shares(int(right[fits[-1]]), int(said[fits[-1]]), whole) if len(fits) else None
        )
    return told


def main() -> None:
    """Run both by turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="firms in each list")
    parser.add_argument("--rounds", type=int, default=2, help="pairs of runs")
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        print(json.dumps({"ours": ours, "splink": splink}[given.part[0]](Path(given.part[1]))))
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make(given.rows, folder)
        prepare(folder)
        runs = [(alone("ours", folder), alone("splink", folder)) for _ in range(given.rounds)]
        median = statistics.median
        told = {
            "benchmark": "linking", "rows": given.rows, "rounds": given.rounds, "seed": SEED,
            "compared": runs[0][0]["compared"], "splink_compared": runs[0][1]["compared"],
            "ours_seconds": [round(mine["seconds"], 2) for mine, _ in runs],
            "splink_seconds": [round(peer["seconds"], 2) for _, peer in runs],
            "splink_predict_seconds": [round(peer["seconds"] - peer["trained"], 2) for _, peer in runs],
            "ratio": round(median(peer["seconds"] / mine["seconds"] for mine, peer in runs), 2),
            "predict_ratio": round(median((peer["seconds"] - peer["trained"]) / mine["seconds"] for mine, peer in runs), 2),
            **quality(folder),
        }  # fmt: skip
        print(json.dumps(told, ensure_ascii=False))


if __name__ == "__main__":
    main()
