"""The evaluation from Python, for notebooks and training loops: `evaluate` runs it, `load_run` reads a run folder back.

import intergeneval

run = intergeneval.evaluate("out/my-model", bench="clips")
run.scores[["sample_id", "if", "status"]]
run.answers.query("value != 'yes'")
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intergeneval.config import read_config
from intergeneval.errors import ConfigError
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
from intergeneval.run.run import Run
from intergeneval.store import RunStore

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
        latest = {(item.sample_id, item.seed): item for item in self.store.read("tracks", Tracks)}
        rows = [
            {
                "sample_id": item.sample_id,
                "seed": item.seed,
                "instance_id": track.instance_id,
                "frame": frame,
                "state": track.states[frame].value,
                "box": track.boxes[frame],
                "area": track.areas[frame],
                "confidence": track.confidence[frame],
                **_health(track, frame, checks.get((item.sample_id, item.seed))),
                "mask": track.masks[frame],
                "height": item.size[0],
                "width": item.size[1],
            }
            for item in latest.values()
            for track in item.tracks
            for frame in range(len(track.states))
        ]
        return _frame(rows)

    @property
    def videos(self) -> pd.DataFrame:
        """One row a video as it was decoded, or the reason why it was not."""
        return _latest_frame(self.store.read("videos", Video))

    @property
    def consistency(self) -> pd.DataFrame:
        """One row a video: states, disappearance and emergence at the sampled frames, and diagnostics."""
        return _latest_frame(self.store.read("consistency", Consistency))

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
    result = Run(read_config(Path(config) if config else None, changes)).execute()
    return LoadedRun(store=result.store, complete=result.complete, waiting=result.waiting)


def load_run(path: str | Path) -> LoadedRun:
    """Open a run folder. Raises UsageError when the path is none."""
    return LoadedRun(store=RunStore.open(Path(path)))


def _latest_frame(records: list[Video] | list[Consistency]) -> pd.DataFrame:
    return _frame([item.to_json() for item in {(item.sample_id, item.seed): item for item in records}.values()])


def _health(track: Track, frame: int, check: Consistency | None) -> dict[str, Any]:
    """Return the diagnostics that speak of one frame of a track; None where nobody looked."""
    given = track.areas[0] if track.areas else 0
    found = next((item for item in check.diagnostics if item.instance_id == track.instance_id), None) if check else None
    if found is None:
        nothing: dict[str, Any] = dict.fromkeys(("swallowed_by", "teleport", "area_jump", "regained_elsewhere"))
        return {"growth": track.areas[frame] / given if given else None, **nothing}
    return {
        "growth": track.areas[frame] / given if given else None,
        "swallowed_by": found.swallowed_by if frame in found.swallowed else "",
        "teleport": frame in found.teleports,
        "area_jump": frame in found.area_jumps,
        "regained_elsewhere": frame in found.regained_elsewhere,
    }


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows)
