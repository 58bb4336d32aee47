"""From finished runs to what is read: the blind sheet, the table, the pictures side by side, and the HTML report."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from intergeneval import bench
from intergeneval.errors import ComparabilityError
from intergeneval.ids import sha256_json
from intergeneval.records import Answer, Sample, Score
from intergeneval.records.disk import read_text
from intergeneval.report import ReportOptions, write_report
from intergeneval.stats import clusters_of, contrast, estimate
from intergeneval.store import RunStore, write_atomically
from matrix_train.study import harness
from matrix_train.study.accuracy import ArmAccuracy, accuracy_of
from matrix_train.study.contact_sheets import arms_side_by_side, twins_side_by_side
from matrix_train.study.draw import Pool
from matrix_train.study.harness import ModelView, agreements
from matrix_train.study.labels import LabelBook
from matrix_train.study.leaderboard import Board, board
from matrix_train.study.ledger import made_of
from matrix_train.study.made import Made, Say
from matrix_train.study.pieces import Kind, Piece
from matrix_train.study.plan import StudyPlan
from matrix_train.study.rule import ArmScores
from matrix_train.study.table import csv_rows, markdown
from matrix_train.study.work import Workshop

RESULT = "result"
"""Folder of table and pictures."""
SHOWN_SCENES = 8
"""Scenes whose videos are shown side by side, evenly spread over the benchmark."""


class Results:
    """The finished runs of a study and what is made from them."""

    def __init__(self, plan: StudyPlan, folder: Path, runs: Sequence[Piece]) -> None:
        self._plan, self._folder, self._runs = plan, folder, runs
        self._stores = {(piece.arm, piece.seed): RunStore.open(folder / piece.name) for piece in runs}
        self._check_alike()

    def _check_alike(self) -> None:
        """Raise ComparabilityError where the runs were not made alike: a judge of another version, say, between two sittings."""
        first = next(iter(self._stores.values()))
        for store in self._stores.values():
            differing = first.header.comparability.differences(store.header.comparability)
            if differing:
                raise ComparabilityError(f"{first.folder} and {store.folder} were not made alike: {', '.join(differing)}")

    def arms(self) -> list[ArmScores]:
        """Return the scores of all arms by training seed."""
        seeds: dict[str, dict[int | None, Sequence[Score]]] = {}
        for (arm, seed), store in self._stores.items():
            seeds.setdefault(arm, {})[seed] = store.read("scores", Score)
        return [ArmScores(name=arm.name, seeds=seeds[arm.name]) for arm in self._plan.arms]

    def clusters(self) -> Mapping[str, str]:
        """Return each sample's cluster."""
        return clusters_of(next(iter(self._stores.values())).read("samples", Sample))

    def sheet(self, say: Say) -> Made:
        """Draw the blind sheet and write its page and pictures."""
        book = LabelBook(self._folder)
        benchmark = bench.load(Workshop(self._plan, self._folder, say).bench)
        key = book.draw(self._plan, Pool(self._stores), benchmark)
        say(f"labels: {len(key.clips)} clips to label in {book.page}; the key in {book.key_file} stays closed until then")
        return Made(digest=made_of(key.sheet), units=len(key.clips), notes={"clips": len(key.clips)})

    def table(self, say: Say) -> Made:
        """Compare the arms and write table and pictures."""
        accuracies, labelled = self.accuracies(say)
        found = board(self._plan, self.arms(), self.clusters(), accuracies, labelled)
        folder = self._folder / RESULT
        folder.mkdir(exist_ok=True)
        header = next(iter(self._stores.values())).header
        text = markdown(self._plan, found, header)
        files = {
            "table.md": text,
            "table.csv": _csv(found),
            "study.json": _json(self._plan, found, header.comparability.to_json()),
        }
        for name, content in files.items():
            write_atomically(folder / name, content)
        arms_side_by_side(self._stores, [arm.name for arm in self._plan.arms], folder / "side-by-side", SHOWN_SCENES)
        for item in found.orders:
            say(f"table: {item.better} above {item.worse}: {item.verdict}: {item.reason}")
        return Made(digest=made_of(sha256_json(files)), units=1, notes={"labelled": labelled})

    def accuracies(self, say: Say) -> tuple[dict[str, ArmAccuracy], int]:
        """Return the judge's accuracy on each arm's labelled clips, and how many clips are labelled."""
        labelled, clips = LabelBook(self._folder).labelled(Pool(self._stores), self.clusters(), say)
        names = sorted({item.arm for item in labelled})
        return {name: accuracy_of([item for item in labelled if item.arm == name]) for name in names}, clips

    def harness(self, say: Say, place: str = RESULT) -> Made:
        """Hold the harness's scores against binding, model by model, and write page, numbers and pairs of videos."""
        models = [self._view(piece) for piece in self._runs]
        found = agreements(models)
        files = {
            "harness.md": harness.markdown(self._plan.title or self._plan.name, models, found),
            "harness.json": json.dumps(
                {"models": [item.to_json() for item in models], "agreements": [item.to_json() for item in found]},
                indent=1,
                allow_nan=False,
            )
            + "\n",
        }
        folder = self._folder / place
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            write_atomically(folder / name, content)
        samples = next(iter(self._stores.values())).read("samples", Sample)
        twins = [(item.id, item.interactions[0].twin_of or "") for item in samples]
        pairs = [(first, second) for first, second in twins if first < second]
        every = max(1, len(pairs) // SHOWN_SCENES)
        arms = [arm.name for arm in self._plan.arms if any(arm.name == name for name, _ in self._stores)]
        twins_side_by_side(self._stores, arms, folder / "twins", pairs[::every][:SHOWN_SCENES])
        say(f"harness: {folder / 'harness.md'}")
        return Made(digest=made_of(sha256_json(files)), units=1, notes={})

    def _view(self, piece: Piece) -> ModelView:
        from matrix_train.binding.measure import Measured
        from matrix_train.study.binding import MEASURED

        store = self._stores[piece.arm, piece.seed]
        scores = store.read("scores", Score)
        profile = self._plan.scoring.profile
        twins = contrast(store.read("samples", Sample), store.read("answers", Answer), scores=scores, profile=profile)
        whole = estimate(scores, self.clusters(), profile=profile).mean
        path = self._folder / f"{Kind.MEASURE}{piece.name.removeprefix(Kind.RUN)}" / MEASURED
        measured = Measured.from_line(read_text(path), where=str(path))
        return ModelView(arm=piece.arm, seed=piece.seed, object=measured.object, scores={"if": whole, "contrast": twins.contrast})

    def report(self) -> Made:
        """Write the HTML report over all runs."""
        folders = [self._folder / piece.name for piece in self._runs]
        # Differences are taken to what is not trained, where there is such an arm.
        reference = next((arm for arm, seed in self._stores if seed is None), "")
        options = ReportOptions(title=self._plan.title or self._plan.name, reference=reference)
        written = write_report(folders, self._folder / "report", options)
        return Made(digest=made_of(written.path.name, written.pages), units=1, notes={"pages": written.pages})


def _csv(found: Board) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(csv_rows(found))
    return stream.getvalue()


def _json(plan: StudyPlan, found: Board, comparability: Mapping[str, object]) -> str:
    whole = {
        "plan": plan.to_json(),
        "comparability": comparability,
        "board": found.to_json(),
        "examined": found.examined,
        "claims": [f"{item.better} above {item.worse}" for item in found.claims],
        "layers_claim": found.layers_claim,
    }
    return json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n"
