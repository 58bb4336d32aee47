"""Between prompt and boxes: first frames are painted from text, one picture for all rows with that text, twins among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from intergeneval.build.folder import BuildFolder
from intergeneval.build.pictures import write_png
from intergeneval.build.records import Painting, Placing, Scene
from intergeneval.build.source import Item, painted_together
from intergeneval.build.standing import standing
from intergeneval.ids import sha256_file, sha256_json
from intergeneval.run.attempt import Failure, attempt
from intergeneval.sources.painting import Painter


def lacks_picture(folder: BuildFolder, item: Item) -> str:
    """Return why the picture that an item starts from is not there; empty where it is, or need not be painted."""
    if not item.painted:
        return ""
    found = folder.latest(Painting, item.id)
    if found is None:
        return "its first frame is not painted yet; the same command goes on"
    return found.reason if found.status != "ok" else ""


def painted_by(folder: BuildFolder, item: Item) -> Painting | None:
    """Return the line of an item's painted picture; None where none was painted for it."""
    found = folder.latest(Painting, item.id) if item.painted else None
    return found if found is not None and found.status == "ok" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintStep:
    """Paints first frames."""

    folder: BuildFolder
    """Where lines and pictures go."""
    painter: Painter
    """Who paints."""
    items: Sequence[Item]
    """All items of the build."""
    seed: int
    """Seed of rows that name none."""
    tries: int = 1
    """Most pictures that are painted from a text until one shows all instances."""

    def _first(self, item: Item) -> int:
        """Return the first seed to try: the row's or the build's, or the one after the last that a person rejected."""
        group = [item, *painted_together(item, self.items)]
        wished = self.seed if item.row.image_seed is None else item.row.image_seed
        return max(wished, *(standing(self.folder.decided(one.id)).first_seed for one in group))

    def _start(self, item: Item) -> str:
        return sha256_json(["start", self._text(item), self._first(item), dict(self.painter.describe())])

    def _tried(self, item: Item) -> tuple[int, ...]:
        line = self.folder.latest(Painting, item.id)
        return line.tried if line is not None and line.start == self._start(item) else ()

    def seed_of(self, item: Item) -> int:
        """Return the seed of an item's picture: the next to be tried, or when all were, the first of those that showed most."""
        tried = self._tried(item)
        return self._first(item) + (len(tried) if len(tried) < self.tries else tried.index(max(tried)))

    def _text(self, item: Item) -> str:
        return " ".join(item.row.image_prompt.split())

    def wanted(self, item: Item) -> str:
        """Return the hash of what an item's picture is painted from."""
        return sha256_json([self._text(item), self.seed_of(item), dict(self.painter.describe())])

    def open(self, item: Item) -> bool:
        """Whether an item's picture is still to be painted: it is asked about, and line or picture is missing or old."""
        scene = self.folder.latest(Scene, item.id)
        if not item.painted or scene is None or scene.status != "ok" or not scene.interactions:
            return False
        if standing(self.folder.decided(item.id)).dropped is not None:
            return False
        return not self._stands(item, self.wanted(item))

    def try_others(self) -> bool:
        """Note which pictures do not show all instances, now that these were looked for; return whether others are to be painted.

        Not where a person has decided about a picture, or where looking failed.
        """
        seen: set[Path | None] = set()
        more = False
        for item in self.items:
            if item.painted and item.media not in seen:
                seen.add(item.media)
                more |= self._try_another([item, *painted_together(item, self.items)])
        return more

    def _try_another(self, group: Sequence[Item]) -> bool:
        shown, lacking, lines = 0, False, list[Painting]()
        for item in group:
            now, line = standing(self.folder.decided(item.id)), self.folder.line(Painting, item.id, self.wanted(item))
            if now.dropped is not None:
                continue
            placing = self.folder.latest(Placing, item.id)
            if line is None or placing is None or placing.status != "ok" or now.boxes or now.gone or now.kept:
                return False
            lines.append(line)
            shown += sum(place.box is not None for place in placing.grounding.places)
            lacking |= any(place.box is None for place in placing.grounding.places)
        if not lacking or len(lines[0].tried) >= self.tries or self.tries == 1:
            return False
        for line in lines:
            self.folder.add(replace(line, tried=(*line.tried, shown)))
        return any(self.seed_of(item) != lines[0].seed for item in group if item.id == lines[0].sample_id)

    def _stands(self, item: Item, wanted: str) -> bool:
        assert item.media is not None
        line = self.folder.line(Painting, item.id, wanted)
        return line is not None and item.media.is_file() and sha256_file(item.media) == line.sha256

    def make(self, item: Item) -> None:
        """Paint, or take what was painted for another item from the same text, and append the item's line. Raises StoreError."""
        assert item.media is not None
        wanted, place = self.wanted(item), item.media
        for other in painted_together(item, self.items):
            line = self.folder.line(Painting, other.id, wanted)
            if line is not None and self._stands(other, wanted):
                self.folder.add(replace(line, sample_id=item.id))
                return
        seed = self.seed_of(item)
        blank = Painting(
            sample_id=item.id, input=wanted, by=self.painter.id, seed=seed, start=self._start(item), tried=self._tried(item)
        )
        made = attempt(lambda: self.painter.paint(self._text(item), seed))
        if isinstance(made, Failure):
            reason = f"{self.painter.id} painted no first frame: {made}"
            self.folder.add(replace(blank, status="failed", reason=reason))
            return
        write_png(place, made)
        self.folder.add(replace(blank, sha256=sha256_file(place)))
