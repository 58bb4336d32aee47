"""The grid of the first page: every sample by every model, with picture, score, answers and marks."""

from __future__ import annotations

import base64
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from intergeneval.records import CONTROL_ID, Answer, AnswerStatus, AnswerValue, Sample, ScoreStatus
from intergeneval.report.calling import called, declared, level_order, with_levels
from intergeneval.report.formats import shorten
from intergeneval.report.leaderboard import Group, Row
from intergeneval.report.marks import MarkKind
from intergeneval.report.sample import SampleView, TakeView
from intergeneval.report.shots import Glimpse, Shot, Tile

SHOWN = 24
"""Samples whose cards stand in the page itself; the script makes those of the others when they are asked for."""
WORDS = 400
"""Characters of a prompt on a card."""
WORDS_APART = 120
"""... on one that the script makes."""
SAME = 1e-3
"""Difference of shares that a page does not show."""
_LETTERS = {AnswerValue.YES: "y", AnswerValue.NO: "n", AnswerValue.IMPLAUSIBLE: "o"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """The grid of one group."""

    shots: tuple[Shot, ...]
    """All samples, those called worst, best and most disputed first, then in the benchmark's order."""
    pictures: bool
    """Whether any video has a poster."""
    categories: tuple[str, ...]
    """What can be filtered by: kinds."""
    verbs: tuple[str, ...]
    """Verbs."""
    levels: tuple[str, ...]
    """Difficulties."""
    statuses: tuple[str, ...]
    """Statuses of scores."""
    single: bool
    """Whether everything is in one file."""
    names: tuple[str, ...]
    """Models, in leaderboard order."""
    sizes: tuple[int, ...]
    """Height and width of most posters and of most strips, in pixels."""
    videos: Mapping[str, tuple[Glimpse, ...]]
    """Model name -> all its videos."""

    @property
    def letters(self) -> dict[str, list[str]]:
        """Model name -> the answers about each of its videos, a letter a question."""
        return {label: [item.letters for item in items] for label, items in self.videos.items()}

    def marked(self, label: str) -> tuple[tuple[str, int], ...]:
        """Return (what stands beside a model's scores, videos it stands beside), such as (``emergence``, 3)."""
        found = Counter(kind for item in self.videos[label] for kind in {mark.kind for mark in item.marks})
        return tuple((kind.value, found[kind]) for kind in MarkKind if found[kind])

    @property
    def called(self) -> bool:
        """Whether any sample stands out as worst, best or most disputed."""
        return any(shot.badge for shot in self.shots)

    @property
    def standing(self) -> tuple[Shot, ...]:
        """The samples whose cards stand in the page: all of one file, else the first."""
        return self.shots if self.single else self.shots[:SHOWN]

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script needs to filter, sort and make the other cards: compact, since it is most of the page."""
        return {
            "categories": list(self.categories),
            "verbs": list(self.verbs),
            "levels": list(self.levels),
            "statuses": list(self.statuses),
            "pictures": self.pictures,
            "sizes": list(self.sizes),
            "shots": [self._shot(shot, written=rank < len(self.standing)) for rank, shot in enumerate(self.shots)],
        }

    def _shot(self, shot: Shot, *, written: bool) -> list[Any]:
        tiles = {tile.place: tile for tile in shot.tiles}
        return [
            shot.place,
            "" if written else shot.name,
            "" if written or shot.id == shot.name else shot.id,
            "" if written else shorten(shot.prompt, WORDS_APART),
            [self.categories.index(item) for item in shot.categories],
            [self.verbs.index(item) for item in shot.verbs],
            self.levels.index(shot.level) if shot.level else -1,
            _whole(shot.mean),
            _whole(shot.spread),
            [self._tile(tiles[place], written=written) if place in tiles else 0 for place in range(len(self.names))],
        ]

    def _tile(self, tile: Tile, *, written: bool) -> list[Any]:
        """Return score, letters and video of one model, and after them what is not as it mostly is."""
        glimpse = tile.glimpse
        other: dict[str, Any] = {"status": self.statuses.index(tile.status)} if tile.status != self.statuses[0] else {}
        if not written:
            number = int(glimpse.anchor.rpartition("-t")[2])
            sizes = glimpse.still.poster_size + glimpse.still.strip_size
            other |= {"number": number} if number != tile.place + 1 else {}
            other |= {"seeds": tile.seeds} if tile.seeds > 1 else {}
            other |= {"sizes": list(sizes) if glimpse.still.poster else 0} if sizes != self.sizes else {}
            other |= {"marks": [mark.short for mark in tile.marks]} if tile.marks else {}
            other |= _factors(tile)
        row: list[Any] = [_whole(tile.value), glimpse.letters]
        video = "" if written else packed(glimpse.video)
        return [*row, video, other] if other else [*row, video] if video else row


def _factors(tile: Tile) -> dict[str, Any]:
    """Return what the script cannot read off a model's answers of how its IF came about: nothing where SPI is 1."""
    score, letters = tile.glimpse.score, tile.glimpse.letters
    if not tile.product or score.kisa_raw is None or score.sgi_raw is None:
        return {"product": 0} if letters and tile.value is not None and tile.seeds == 1 else {}
    told: dict[str, Any] = {} if score.spi == 1 else {"spi": _whole(score.spi)}
    raw = (score.kisa_raw, score.sgi_raw)
    same = all(abs(mine - shown) < SAME for mine, shown in zip(raw, _raw(letters), strict=True))
    told |= {} if same else {"raw": [_whole(value) for value in raw]}
    return told | ({} if score.plausibility is None else {"plausible": _whole(score.plausibility)})


def _raw(letters: str) -> tuple[float, float]:
    """Return the share of yes among the first six and the last four of each ten letters, as the script computes it."""
    tens = [letters[start : start + 10] for start in range(0, len(letters), 10)]
    return _mean_share([ten[:6] for ten in tens]), _mean_share([ten[6:] for ten in tens])


def _mean_share(parts: Sequence[str]) -> float:
    shares = [part.count("y") / max(sum(letter in "yno" for letter in part), 1) for part in parts]
    return sum(shares) / max(len(shares), 1)


def glimpses(view: SampleView, *, single: bool) -> tuple[Glimpse, ...]:
    """Return what the grid keeps of a sample's videos."""
    return tuple(
        Glimpse(
            label=take.label,
            anchor=take.anchor,
            seed=take.seed,
            still=take.still,
            video="" if single else take.shown.href,
            letters=_letters(take, view.sample),
            marks=take.marks,
            score=take.score,
            product=take.product,
        )
        for take in view.takes
    )


def make_gallery(
    group: Group, samples: Mapping[str, tuple[Sample, str, str]], seen: Mapping[str, Sequence[Glimpse]], *, single: bool
) -> Gallery:
    """Return the grid of a group; `samples` maps its sample ids to sample, file name and address, `seen` to their videos."""
    rows = {row.label: (place, row) for place, row in enumerate(group.rows)}
    by_sample = [[item for item in seen.get(sample_id, ()) if item.label in rows] for sample_id in group.sample_ids]
    videos: dict[str, list[Glimpse]] = {label: [] for label in rows}
    for item in itertools.chain.from_iterable(by_sample):
        videos[item.label].append(item)
    shots = [_shot(place, samples[sample_id], rows, by_sample[place]) for place, sample_id in enumerate(group.sample_ids)]
    shots = with_levels(shots)
    ordered = called(shots)
    tiles = [tile for shot in shots for tile in shot.tiles]
    return Gallery(
        shots=tuple(ordered),
        pictures=any(tile.glimpse.still.poster for tile in tiles),
        categories=tuple(sorted({item for shot in shots for item in shot.categories})),
        verbs=tuple(sorted({item for shot in shots for item in shot.verbs})),
        levels=tuple(dict.fromkeys(sorted({shot.level for shot in shots if shot.level}, key=level_order))),
        statuses=tuple(sorted({tile.status for tile in tiles}, key=lambda status: (status != ScoreStatus.OK, status))),
        single=single,
        names=tuple(rows),
        sizes=Counter(tile.glimpse.still.poster_size + tile.glimpse.still.strip_size for tile in tiles).most_common(1)[0][0]
        if tiles
        else (0, 0, 0, 0),
        videos={label: tuple(items) for label, items in videos.items()},
    )


def _shot(place: int, named: tuple[Sample, str, str], rows: Mapping[str, tuple[int, Row]], found: Sequence[Glimpse]) -> Shot:
    sample, name, href = named
    by_label: dict[str, list[Glimpse]] = {}
    for item in found:
        by_label.setdefault(item.label, []).append(item)
    tiles = tuple(
        sorted((_tile(*rows[label], sample.id, items) for label, items in by_label.items()), key=lambda tile: tile.place)
    )
    values = [tile.value for tile in tiles if tile.value is not None]
    return Shot(
        place=place,
        name=name,
        id=sample.id,
        href=href,
        prompt=shorten(sample.prompt, WORDS),
        categories=tuple(dict.fromkeys(item.category.value for item in sample.interactions if item.category)),
        verbs=tuple(dict.fromkeys(shorten(item.verb, 40) for item in sample.interactions if item.verb)),
        level=declared(sample.tags),
        mean=sum(values) / len(values) if values else None,
        spread=_spread(values, found),
        tiles=tiles,
    )


def _tile(place: int, row: Row, sample_id: str, items: Sequence[Glimpse]) -> Tile:
    shown = next((item for item in items if item.still.poster), items[0])
    return Tile(
        label=row.label,
        place=place,
        value=row.prompts.get(sample_id),
        seeds=len(items),
        status=shown.score.status.value,
        glimpse=shown,
    )


def _spread(values: Sequence[float], found: Sequence[Glimpse]) -> float | None:
    if len(values) > 1:
        return max(values) - min(values)
    own = [item.score.if_ for item in found if item.score.if_ is not None]
    if len(own) > 1:
        return max(own) - min(own)
    bounds = [item.score.if_bounds for item in found if item.score.if_bounds is not None]
    return max((high - low for low, high in bounds), default=None)


def _letters(take: TakeView, sample: Sample) -> str:
    """Return one letter a question of the sample's own interactions, ten each; empty where nothing was asked of the video."""
    by_id = {(item.interaction, item.question_id): item for item in take.answers}
    if not by_id:
        return ""
    asked = [(place, number) for place in range(len(sample.interactions)) for number in range(1, 11) if number != CONTROL_ID]
    return "".join(_letter(by_id.get(key)) for key in asked)


def _letter(answer: Answer | None) -> str:
    if answer is None:
        return "-"
    if answer.verdict is not None:
        return _LETTERS[answer.verdict]
    return "u" if answer.status is AnswerStatus.UNANSWERABLE else "f"


def _whole(value: float | None) -> int | None:
    """Return a score in thousandths: what a page shows of it."""
    return None if value is None else round(value * 1000)


def packed(href: str) -> str:
    """Return a video's address as the script unpacks it: its name's hex digits in base64; other addresses as they are."""
    path = PurePosixPath(href)
    try:
        short = base64.urlsafe_b64encode(bytes.fromhex(path.stem)).decode("ascii").rstrip("=")
    except ValueError:
        return href
    return short + ("" if path.suffix == ".mp4" else path.suffix)
