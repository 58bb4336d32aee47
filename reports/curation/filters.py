"""Precision and recall of each filter on planted bad clips, among good ones: `python reports/curation/filters.py [CLIPS]`.

Staged clips of 192 x 256 pixels, 17 frames at 8 a second. A clip is planted with one fault; what counts is under which kind it is
left out. Cuts are counted as places: a cut is found where a shot begins at its frame.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from matrix_train.curate.config import CurateConfig
from matrix_train.curate.curation import Curation
from tests.matrix_train import raw_clips
from tests.matrix_train.raw_clips import Raw

SIZE = (192, 256)
LIMIT = 96
"""Pixels below which a clip is too small here."""


def planted(good: list[Raw], share: int) -> Iterator[tuple[str, Raw]]:
    """Give bad clips with what is wrong with them; one of each kind for every `share`-th good one."""
    for number, clip in enumerate(good[::share]):
        other = good[(share * number + 1) % len(good)]
        yield "frozen", raw_clips.frozen(clip)
        yield "dark", raw_clips.dark(clip)
        yield "small", raw_clips.tiny(clip, 64)
        yield "rate", raw_clips.slow(clip, 2 + number % 2)
        yield "text", raw_clips.text(other, number)
        yield "double", raw_clips.double(clip, number)
        yield "cut", raw_clips.joined(clip, other)


def main(count: int) -> None:
    """Plant, curate, and print a table."""
    good = list(raw_clips.painted(count, size=SIZE, seed=raw_clips.SEED))
    # Joined clips would be doubles of those they are made of, so they are made of others.
    apart = list(raw_clips.painted(count, size=SIZE, seed=raw_clips.SEED + 1))
    bad = [(kind, clip) for kind, clip in planted(good, 2) if kind != "cut"]
    cuts = [clip for kind, clip in planted(apart, 2) if kind == "cut"]
    with tempfile.TemporaryDirectory() as folder:
        source = raw_clips.write(Path(folder) / "raw", [*good, *(clip for _, clip in bad), *cuts])
        result = run(source, Path(folder) / "out")
        print(json.dumps(result["made"]))
        kinds = {f"{clip.id}-s0": kind for kind, clip in bad} | {f"{clip.id}-s0": "" for clip in good}
        kinds |= {f"{clip.id}-s{shot}": "" for clip in cuts for shot in range(2)}
        table(kinds, result["dropped"])
        by_form(bad, result["dropped"])
        places(cuts, len(good) + len(bad), Path(folder) / "out")


def run(source: Path, out: Path) -> dict[str, dict[str, object]]:
    """Curate as far as the filters and doubles need; return what was left out by them, by clip."""
    config = {
        "source": str(source),
        "out": str(out),
        "workers": 1,
        "detector": "none",
        "tracker": "flow",
        "form": {"frames": raw_clips.COUNT, "fps": raw_clips.FPS},
        "filters": {"smallest": LIMIT},
        # Nobody is followed: what filters leave out is known before.
        "captions": {"ask": "never"},
    }
    lines = source.read_text().splitlines()
    rows = [{key: value for key, value in json.loads(line).items() if key in ("id", "video")} for line in lines]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = Curation(CurateConfig.from_json(config)).execute()
    return {"dropped": {one.clip: one for one in found.dropped}, "made": dict(found.made)}


def table(kinds: dict[str, str], dropped: dict[str, object]) -> None:
    """Print how many of each planted kind were left out as that, and what else was."""
    said = {name: getattr(dropped.get(name), "kind", "") for name in kinds}
    said = {name: "" if kind == "none" else kind for name, kind in said.items()}
    print("kind    planted  found  recall  wrongly  precision")
    for kind in ("small", "dark", "rate", "frozen", "text", "double"):
        own = [name for name, planted_as in kinds.items() if planted_as == kind]
        hits = sum(said[name] == kind for name in own)
        wrong = [name for name, planted_as in kinds.items() if said[name] == kind and planted_as != kind]
        precision = hits / (hits + len(wrong)) if hits + len(wrong) else float("nan")
        print(f"{kind:7s} {len(own):7d} {hits:6d} {hits / len(own):7.3f} {len(wrong):8d} {precision:10.3f}")
        missed = Counter(said[name] or "kept" for name in own if said[name] != kind)
        if missed or wrong:
            print(f"        missed: {dict(missed)}  wrongly: {dict(Counter(kinds[name] or 'good' for name in wrong))}")
    good = [name for name, planted_as in kinds.items() if not planted_as]
    print(f"good clips left out: {sum(bool(said[name]) for name in good)} of {len(good)}")


def by_form(bad: list[tuple[str, Raw]], dropped: dict[str, object]) -> None:
    """Print the recall of writing and doubles by how they were made."""
    for kind, forms in (
        ("text", ("a line", "two lines", "a banner", "a page")),
        ("double", ("scaled", "lighter", "darker", "cropped", "encoded")),
    ):
        own = [clip for planted_as, clip in bad if planted_as == kind]
        for number, form in enumerate(forms):
            some = own[number :: len(forms)]
            hits = sum(getattr(dropped.get(f"{clip.id}-s0"), "kind", "") == kind for clip in some)
            print(f"{kind}, {form}: {hits} of {len(some)}")


def places(cuts: list[Raw], others: int, out: Path) -> None:
    """Print how many cuts were found at their frame, and how many where there is none."""
    found = {}
    for line in (out / "stages" / "shots" / "all.jsonl").read_text().splitlines():
        row = json.loads(line)
        found[row["clip"]] = [first for first, _ in row["value"]["shots"][1:]]
    planted_in = {clip.id for clip in cuts}
    hits = sum(raw_clips.COUNT in found[name] for name in planted_in)
    wrong = sum(place != raw_clips.COUNT for name in planted_in for place in found[name])
    wrong += sum(len(places_) for name, places_ in found.items() if name not in planted_in)
    precision = hits / (hits + wrong) if hits + wrong else float("nan")
    row = f"cut     {len(cuts):7d} {hits:6d} {hits / len(cuts):7.3f} {wrong:8d} {precision:10.3f}"
    print(f"{row}   (other files: {others})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 80)
