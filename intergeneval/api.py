"""The evaluation from Python, for notebooks and training loops: `evaluate` runs it, `load_run` reads a run folder back.

import intergeneval

run = intergeneval.evaluate("out/my-model", bench="clips")
run.scores[["sample_id", "if", "status"]]
run.answers.query("value != 'yes'")
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intergeneval.errors import ConfigError, RecordError
from intergeneval.gate.run_scores import score_run
from intergeneval.records import (
    Answer,
    Consistency,
    Contrast,
    Interaction,
    Profile,
    Question,
    RunHeader,
    Sample,
    Track,
    Tracks,
    Video,
)
from intergeneval.store import RunStore, read_doubts

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRun:
    """A run folder as tables; every table is read from disk when asked for, in the folder's own units."""

    store: RunStore
    """The run folder."""
    complete: bool | None = None
    """Whether the unscored share was within what is allowed; None for a folder that was only read."""
    waiting: str = ""
    """What a judge that replies later was asked, and when to call again; empty where nothing is under way."""

    @property
    def header(self) -> RunHeader:
        """How the run was made."""
        return self.store.header

    @property
    def folder(self) -> Path:
        """The run folder's path."""
        return self.store.folder

    @property
    def scores(self) -> pd.DataFrame:
        """One row a video, columns as in ``scores.jsonl`` (``if`` is a column name: ``run.scores["if"]``)."""
        return self.scores_under(self.header.comparability.profile)

    def scores_under(self, profile: Profile | str) -> pd.DataFrame:
        """Return the scores under a profile (``bounded``, ``paper``, ``informative``), computed anew. Raises ConfigError."""
        try:
            chosen = Profile(profile)
        except ValueError:
            raise ConfigError(f"profile {profile!r} is none of {', '.join(item.value for item in Profile)}") from None
        return _frame([score.to_json() for score in score_run(self.store, profile=chosen)])

    @property
    def answers(self) -> pd.DataFrame:
        """One row an answer: value, decisive frame and reason, with the question's text and stage beside it.

        ``twin`` names the sample whose interaction was asked about with the roles exchanged; such answers count for `contrast`
        and for no score. It is empty for the sample's own.
        """
        asked = {(item.sample_id, item.interaction, item.question_id): item for item in self.store.read("questions", Question)}
        versions = {(item.sample_id, item.seed): item.sha256 for item in self.store.read("videos", Video)}
        latest = {
            (item.sample_id, item.seed, item.interaction, item.question_id, item.repeat): item
            for item in self.store.read("answers", Answer)
            if versions.get((item.sample_id, item.seed)) == item.video
        }
        rows = []
        for answer in latest.values():
            question = asked.get((answer.sample_id, answer.interaction, answer.question_id))
            beside = {"text": question and question.text, "stage": question and question.stage.value}
            rows.append({**answer.to_json(), **beside, "twin": question.twin if question is not None else ""})
        return _frame(rows)

    @property
    def tracks(self) -> pd.DataFrame:
        """One row an instance and frame: state, box (x0, y0, x1, y1 in pixels), area, confidence and run-length mask counts.

        Besides: `growth`, the area over that in frame 0, and the diagnostics that speak of that frame: `swallowed_by`, the
        instance whose mask shows its look (empty: none), `teleport`, `area_jump` and `regained_elsewhere`.
        """
        checks = {(item.sample_id, item.seed): item for item in self.store.read("consistency", Consistency)}
        index = self.store.index("tracks", Tracks)
        columns: dict[str, list[Any]] = {name: [] for name in _FRAME_COLUMNS}
        for key in index:
            # Of several lines about one video the last counts; the others are read to be checked.
            *_, latest = index.read(key)
            for track in latest.tracks:
                for name, values in _frames_of(latest, track, checks.get(key)).items():
                    columns[name].extend(values)
        return _frame(columns if columns["frame"] else [])

    @property
    def videos(self) -> pd.DataFrame:
        """One row a video as it was decoded, or the reason why it was not."""
        return _latest_frame(self.store.read("videos", Video))

    @property
    def consistency(self) -> pd.DataFrame:
        """One row a video: states, disappearance and emergence at the sampled frames, and diagnostics."""
        return _latest_frame(self.store.read("consistency", Consistency))

    @property
    def doubts(self) -> pd.DataFrame:
        """One row a reason to look again at a first-frame mask (`kind`, `problem` in words); empty where nothing is doubted."""
        return _frame([item.to_json() for item in read_doubts(self.store.folder)])

    @property
    def samples(self) -> pd.DataFrame:
        """One row a sample of the benchmark."""
        return _frame([item.to_json() for item in {item.id: item for item in self.store.read("samples", Sample)}.values()])

    @property
    def interactions(self) -> pd.DataFrame:
        """One row a key interaction of the benchmark, with every field, also those that say nothing."""
        names = [field.name for field in dataclasses.fields(Interaction)]
        samples = {item.id: item for item in self.store.read("samples", Sample)}.values()
        table = _frame(
            [
                {"sample_id": sample.id, "interaction": index, **{name: getattr(item, name) for name in names}}
                for sample in samples
                for index, item in enumerate(sample.interactions)
            ]
        )
        # A column with gaps would turn whole numbers into fractions.
        return table.astype({"after": "Int64"}) if len(table) else table

    def contrast(self, level: float = 0.95) -> Contrast:
        """Return whether the model keeps apart who does it and to whom it is done, over the twins of the run."""
        from intergeneval.gate.run_scores import written_scores
        from intergeneval.stats import contrast

        versions = {(item.sample_id, item.seed): item.sha256 for item in self.store.read("videos", Video)}
        answers = [item for item in self.store.read("answers", Answer) if versions.get((item.sample_id, item.seed)) == item.video]
        scores, header = written_scores(self.store)
        return contrast(self.store.read("samples", Sample), answers, level, scores, header.comparability.profile)


def evaluate(model: str | Path, *, bench: str | Path = "", config: str | Path | None = None, **settings: Any) -> LoadedRun:
    """Run the evaluation and return its run folder; a run that was stopped goes on.

    `settings` are the fields of `intergeneval.config.RunConfig`, such as ``tracker``, ``judge``, ``out``, ``limit`` or
    ``workers``. Raises UsageError and its kin for what a user can mend; an incomplete run returns with ``complete`` False.
    With more than one worker the calling script needs the usual ``if __name__ == "__main__"`` guard.
    """
    changes = {"model": str(model), **({"bench": str(bench)} if bench else {}), **settings}
    # Only here: whoever reads a run folder back needs neither trackers nor judges.
    from intergeneval.config import read_config
    from intergeneval.run.run import Run

    result = Run(read_config(Path(config) if config else None, changes)).execute()
    return LoadedRun(store=result.store, complete=result.complete, waiting=result.waiting)


def load_run(path: str | Path) -> LoadedRun:
    """Open a run folder. Raises UsageError when the path is none."""
    return LoadedRun(store=RunStore.open(Path(path)))


def _latest_frame(records: list[Video] | list[Consistency]) -> pd.DataFrame:
    return _frame([item.to_json() for item in {(item.sample_id, item.seed): item for item in records}.values()])


_FRAME_COLUMNS = (
    *("sample_id", "seed", "instance_id", "frame", "state", "box", "area", "confidence", "growth"),
    *("swallowed_by", "teleport", "area_jump", "regained_elsewhere", "mask", "height", "width"),
)
"""Columns of the table of tracks."""


def _frames_of(item: Tracks, track: Track, check: Consistency | None) -> dict[str, Sequence[Any]]:
    """Return the columns of one track, an entry a frame. Raises RecordError where it has not as many of one as of another."""
    count = len(track.states)
    lengths = {name: len(getattr(track, name)) for name in ("masks", "boxes", "areas", "confidence")}
    if short := next((name for name, length in lengths.items() if length < count), None):
        where = f"tracks of {item.sample_id}, seed {item.seed}, instance {track.instance_id}"
        raise RecordError(f"{where}: {count} states and {lengths[short]} of {short}; track the video again")
    given = track.areas[0] if track.areas else 0
    return {
        "sample_id": [item.sample_id] * count,
        "seed": [item.seed] * count,
        "instance_id": [track.instance_id] * count,
        "frame": range(count),
        "state": list(map(str, track.states)),
        "box": track.boxes[:count],
        "area": track.areas[:count],
        "confidence": track.confidence[:count],
        "growth": [area / given for area in track.areas[:count]] if given else [None] * count,
        **_health(track, count, check),
        "mask": track.masks[:count],
        "height": [item.size[0]] * count,
        "width": [item.size[1]] * count,
    }


def _health(track: Track, count: int, check: Consistency | None) -> dict[str, list[Any]]:
    """Return the diagnostics that speak of the frames of a track; None where nobody looked."""
    found = next((item for item in check.diagnostics if item.instance_id == track.instance_id), None) if check else None
    if found is None:
        return {name: [None] * count for name in ("swallowed_by", "teleport", "area_jump", "regained_elsewhere")}
    swallowed, jumps = set(found.swallowed), set(found.area_jumps)
    teleports, elsewhere = set(found.teleports), set(found.regained_elsewhere)
    return {
        "swallowed_by": [found.swallowed_by if frame in swallowed else "" for frame in range(count)],
        "teleport": [frame in teleports for frame in range(count)],
        "area_jump": [frame in jumps for frame in range(count)],
        "regained_elsewhere": [frame in elsewhere for frame in range(count)],
    }


def _frame(rows: list[dict[str, Any]] | dict[str, list[Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows)
