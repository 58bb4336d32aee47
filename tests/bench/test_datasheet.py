"""The numbers of the datasheet of `whodoes` are those of the files and of `power`."""

import re
from pathlib import Path

import pytest

from intergeneval import bench
from intergeneval.cli.power import ASSUMED, ASSUMED_CONTRAST, PAIRS
from intergeneval.stats import minimum_detectable

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/benchmarks/whodoes.md").read_text(encoding="utf-8")
NAMES = ("whodoes", "whodoes-lite")


def table(head):
    """The cells of the table that begins with a line."""
    rows = TEXT.partition(head)[2].partition("\n\n")[0].strip().splitlines()[1:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_table_of_balance_counts_the_pairs_of_both_sets():
    rows = table("| | pairs | share | lite | share |")
    assert len(rows) == 22
    found = [bench.check_suite(bench.load(ROOT / "benchmarks" / name), bench.Suite()) for name in NAMES]
    for label, *cells in rows:
        counted = [(report.counts[label] / 2, report.counts[label] / report.samples) for report in found]
        told = [(float(cells[place]), float(cells[place + 1])) for place in (0, 2)]
        for (pairs, share), (said, part) in zip(counted, told, strict=True):
            assert pairs == said, label
            assert share == pytest.approx(part, abs=0.0006), label


def test_the_table_of_detectable_differences_is_what_power_says_of_60_and_160_pairs():
    rows = table("| sd of differences | 60 pairs | 160 pairs |")
    wanted = [("IF", sd) for sd in ASSUMED] + [("contrast", sd) for sd in ASSUMED_CONTRAST]
    assert [row[0] for row in rows] == [f"{name} {sd:.1f}".replace("0.", ".") for name, sd in wanted]
    assert PAIRS == (60, 160)
    for (_, sd), (_, *cells) in zip(wanted, rows, strict=True):
        assert [float(cell) for cell in cells] == [pytest.approx(minimum_detectable(sd, pairs), abs=0.0005) for pairs in PAIRS]


def test_the_pairs_that_a_reader_marked_are_there():
    known = {sample.scene for sample in bench.load(ROOT / "benchmarks/whodoes").samples}
    marked = [name for row in table("| mark | pairs |") for name in re.findall(r"`([\w-]+)`", row[1])]
    again = [name for row in table("| mark of the fourth reading | pairs |") for name in re.findall(r"`([\w-]+)`", row[1])]
    fifth = [name for row in table("| mended after the fifth reading | pairs |") for name in re.findall(r"`([\w-]+)`", row[1])]
    assert len(marked) == len(set(marked)) == 17
    assert len(again) == len(set(again)) == 27
    assert len(fifth) == len(set(fifth)) == 15
    assert {*marked, *again} <= known
    assert set(fifth) <= set(again)


def test_the_page_quotes_a_pair_as_it_is_and_tells_how_alike_the_closest_prompts_are():
    found = bench.load(ROOT / "benchmarks/whodoes")
    prompts = [sample.prompt for sample in found.samples if sample.scene == "doctors-examine"]
    assert re.findall(r"^> (.+)$", TEXT, re.M) == prompts
    closest = bench.check_suite(found, bench.Suite()).closest[0].share
    assert f"share {100 * closest:.0f} % of their words" in TEXT
