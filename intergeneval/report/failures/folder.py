"""Cards of failures into a folder: pictures, clips, and a list of them in Markdown that can be pasted into a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from intergeneval.errors import StoreError, UsageError
from intergeneval.gate.writing import markdown_text
from intergeneval.ids import canonical_json
from intergeneval.records import Score
from intergeneval.records.disk import growing_folder, write_new
from intergeneval.report.card_links import CardLink
from intergeneval.report.failures.drawing import Drawn, Side, draw
from intergeneval.report.failures.losses import Kind, Loss, losses_of, named_frame, worse
from intergeneval.report.failures.moments import Seen, look
from intergeneval.report.formats import answer_word, shorten
from intergeneval.report.load import LoadedRun, Take, load_runs
from intergeneval.report.media import MediaFolder
from intergeneval.report.names import file_names

MOST_CARDS = 40
"""Cards of a folder unless asked otherwise; what else was lost is listed by name."""
MOST_LISTED = 200
"""Losses without a card that are listed."""
LIST, DATA = "index.md", "cards.json"
"""The list of the cards, for people and for programs. A folder with the second is one of cards and may be replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFolder:
    """What was written."""

    path: Path
    """The folder."""
    cards: int
    """Cards in it."""
    listed: int
    """Losses that are named without a card."""
    notes: tuple[str, ...]
    """What cards lack and why, such as a video that is not there, one sentence each."""
    links: tuple[CardLink, ...]
    """Where each card lies, in the folder's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A failure that may get a card."""

    loss: Loss
    """What was lost."""
    run: LoadedRun
    """The run that lost it."""
    before: LoadedRun | None
    """The run that did not; None where there is none, or it is stored without its answers."""
    rank: int
    """Place among the losses of its video, from 0 for the costliest."""

    @property
    def key(self) -> tuple[str, int]:
        """Sample id and seed."""
        return self.loss.sample.id, self.loss.seed

    @property
    def order(self) -> tuple[Any, ...]:
        """Each video's costliest loss comes first, then the second, so that one bad video does not fill the folder."""
        unknown = self.loss.cost is None and self.loss.kind is not Kind.VIDEO
        return self.rank, unknown, -(self.loss.cost or 0.0), self.key, self.run.label, self.loss.place


def write_gate_cards(  # two runs with their names, what is asked, and where it goes
    folder: Path,
    baseline: Path | Sequence[Score],
    out: Path,
    *,
    named: str = "the baseline",
    media: Sequence[Path] = (),
    most: int = MOST_CARDS,
) -> CardFolder:
    """Write a card for each loss of a run that its baseline did not have, the videos of both below each other.

    `baseline` is a run folder, or the scores of a stored baseline, which has neither answers nor videos; `named` is what it is
    called then. Raises UsageError for an `out` that holds something else, RecordError for damaged lines, StoreError.
    """
    before: LoadedRun | None = None
    if isinstance(baseline, Path):
        same = baseline.resolve() == folder.resolve()
        runs = load_runs([folder] if same else [baseline, folder])
        before, after = runs[0], runs[-1]
        found = worse(before, after)
    else:
        [after] = load_runs([folder])
        found = worse({(score.sample_id, score.seed): score for score in baseline}, after)
    cases = _cases((item for item, _ in found), after, before)
    against = before.label if before is not None else named
    notes = [] if before is not None else [f"{named} is stored without its answers and videos, so that only the run is shown"]
    if before is not None and (gone := [key for key in before.takes if key not in after.takes]):
        notes.append(f"{len(gone)} of the videos of {against} are not in the run, which is no failure of what it shows")
    title = f"What {after.label} lost against {against}"
    return _write(cases, out, title, media, most, notes)


def write_run_cards(
    runs: Sequence[LoadedRun], out: Path, *, media: Sequence[Path] = (), most: int = MOST_CARDS, growing: bool = False
) -> CardFolder:
    """Write a card for each loss of some runs; with `growing` into a folder that is there and part of one that grows.

    Errors as in `write_gate_cards`.
    """
    cases = [
        case
        for run in runs
        for case in _cases(
            (
                loss
                for (name, _), take in run.takes.items()
                for loss in losses_of(take, run.samples[name], run.questions.get(name, ()))
            ),
            run,
            None,
        )
    ]
    title = f"What {' and '.join(run.label for run in runs)} lost"
    return _write(cases, out, title, media, most, [], growing=growing)


def _cases(losses: Iterable[Loss], run: LoadedRun, before: LoadedRun | None) -> list[_Case]:
    by_video: dict[tuple[str, int], list[Loss]] = {}
    for loss in losses:
        by_video.setdefault((loss.sample.id, loss.seed), []).append(loss)
    return [
        _Case(loss=loss, run=run, before=before, rank=rank)
        for mine in by_video.values()
        for rank, loss in enumerate(sorted(mine, key=lambda item: (-(item.cost or 0.0), item.place)))
    ]


def _write(  # what is drawn, where it goes, how it is called, and what is said besides
    cases: Sequence[_Case],
    out: Path,
    title: str,
    media: Sequence[Path],
    most: int,
    notes: Sequence[str],
    *,
    growing: bool = False,
) -> CardFolder:
    ordered = sorted(cases, key=lambda case: case.order)
    chosen, rest = ordered[:most], ordered[most:]
    try:
        if growing:
            out.mkdir()
            links, told = _fill(out, chosen, rest, title, media, notes)
        else:
            out = out.resolve()
            if out.exists() and not (out / DATA).is_file() and (not out.is_dir() or any(out.iterdir())):
                raise UsageError(f"--cards {out}: holds something that is no folder of cards; name a new one")
            out.parent.mkdir(parents=True, exist_ok=True)
            with growing_folder(out) as made:
                links, told = _fill(made, chosen, rest, title, media, notes)
    except OSError as error:
        raise StoreError(f"{out}: cannot be written ({error.strerror or error})") from None
    return CardFolder(path=out / LIST, cards=len(chosen), listed=len(rest), notes=told, links=links)


def _fill(  # as above
    folder: Path, chosen: Sequence[_Case], rest: Sequence[_Case], title: str, media: Sequence[Path], notes: Sequence[str]
) -> tuple[tuple[CardLink, ...], tuple[str, ...]]:
    names = _names(chosen)
    made: dict[int, tuple[Drawn, Sequence[Side]]] = {}
    for place, drawn, sides in _drawn(chosen, MediaFolder(None, media)):
        write_new(folder / f"{names[place]}.png", drawn.png)
        if drawn.clip:
            write_new(folder / f"{names[place]}.mp4", drawn.clip)
        # The pictures are on the disk; what they lack is kept to be told.
        made[place] = (replace(drawn, png=b"", clip=drawn.clip[:1]), sides)
    entries = [(names[place], case, *made[place]) for place, case in enumerate(chosen)]
    write_new(folder / LIST, _list(title, entries, rest, notes).encode("utf-8", "replace"))
    write_new(folder / DATA, (canonical_json({"schema": 1, "cards": [_data(*entry) for entry in entries]}) + "\n").encode())
    links = tuple(_link(name, case, drawn) for name, case, drawn, _ in entries)
    return links, (*notes, *dict.fromkeys(note for _, case, drawn, _ in entries for note in _told(case, drawn)))


def _link(name: str, case: _Case, drawn: Drawn) -> CardLink:
    loss = case.loss
    return CardLink(
        label=case.run.label,
        sample_id=loss.sample.id,
        seed=loss.seed,
        text=f"{loss.name}: {loss.answer}, {loss.cost_text}",
        picture=f"{name}.png",
        clip=f"{name}.mp4" if drawn.clip else "",
    )


def _told(case: _Case, drawn: Drawn) -> list[str]:
    return [f"{case.loss.sample.id}, seed {case.loss.seed}: {note}" for note in drawn.notes if "no single frame" not in note]


def _names(chosen: Sequence[_Case]) -> dict[int, str]:
    """Return the file names of cards: their place, the sample, and what was lost."""
    digits = max(2, len(str(len(chosen))))
    files = file_names(case.loss.sample.id for case in chosen)
    return {
        place: f"{place + 1:0{digits}}-{files[case.loss.sample.id]}-{case.loss.seed}-{'-'.join(map(str, case.loss.place))}"
        for place, case in enumerate(chosen)
    }


def _drawn(chosen: Sequence[_Case], media: MediaFolder) -> Iterable[tuple[int, Drawn, Sequence[Side]]]:
    """Draw the cards video by video, so that each is decoded once however much it lost."""
    by_video: dict[tuple[int, tuple[str, int]], list[int]] = {}
    for place, case in enumerate(chosen):
        by_video.setdefault((id(case.run), case.key), []).append(place)
    for places in by_video.values():
        cases = [chosen[place] for place in places]
        now = _sides(cases, cases[0].run, media, "now" if cases[0].before is not None else "")
        before = _sides(cases, cases[0].before, media, "before") if cases[0].before is not None else None
        for number, place in enumerate(places):
            sides = [now[number]] if before is None else [before[number], now[number]]
            yield place, draw(chosen[place].loss, sides), sides


def _sides(cases: Sequence[_Case], run: LoadedRun, media: MediaFolder, when: str) -> list[Side]:
    """Return one model's side of several losses of one video."""
    take = run.takes.get(cases[0].key)
    label = f"{when}, {run.label}" if when else run.label
    if take is None:
        missing = "the run has no such video"
        return [Side(label=label, answer="no video", sentence="", cost="", seen=None, missing=missing) for _ in cases]
    told = [_answered(case.loss, run, take, when) for case in cases]
    seen = look(run, take, [frame for *_, frame in told], media)
    return [
        Side(label=label, answer=answer, sentence=sentence, cost=cost, seen=one if one.pictures else None, missing=_why(one))
        for (answer, sentence, cost, _), one in zip(told, seen, strict=True)
    ]


def _why(seen: Seen) -> str:
    return "" if seen.pictures else seen.note or "the video has none of the frames"


def _answered(loss: Loss, run: LoadedRun, take: Take, when: str) -> tuple[str, str, str, int | None]:
    """Return answer, reason, cost in words and named frame of one side."""
    if when != "before":
        return loss.answer, loss.sentence, loss.cost_text, loss.frame
    if loss.kind is Kind.QUESTION:
        answer = next(
            (item for item in take.answers if (item.interaction, item.question_id) == (loss.interaction, loss.question_id)), None
        )
        if answer is None:
            return "not asked", "", "", None
        return answer_word(answer), answer.reason, "", named_frame(answer)
    same = next(
        (item for item in losses_of(take, loss.sample, run.questions.get(loss.sample.id, ())) if item.place == loss.place), None
    )
    if same is not None:
        return same.answer, same.sentence, same.cost_text, same.frame
    scored = "no score" if take.score.if_ is None else f"IF {take.score.if_:.3f}"
    return scored if loss.kind is Kind.VIDEO else "yes", take.score.reason, "", loss.frame


def _list(
    title: str,
    entries: Sequence[tuple[str, _Case, Drawn, Sequence[Side]]],
    rest: Sequence[_Case],
    notes: Sequence[str],
) -> str:
    """Return the list of the cards in GitHub's Markdown."""
    say = markdown_text
    counted = f"{len(entries)} card{'' if len(entries) == 1 else 's'}"
    lines = [f"## {say(title)}", "", f"{counted}, each video's costliest loss first." if entries else "Nothing was lost.", ""]
    lines += [f"- {say(note)}." for note in notes] + ([""] if notes else [])
    for name, case, drawn, sides in entries:
        loss = case.loss
        heading = f"{loss.sample.id}, seed {loss.seed}, {loss.name}: {loss.answer}, {loss.cost_text}"
        lines += [f"### {say(heading)}", "", f"**{say(shorten(loss.question or loss.name, 600))}**", ""]
        lines += [
            f"- {say(side.label)}: {say(side.answer)}{f' ({say(side.cost)})' if side.cost else ''}."
            f" {say(shorten(side.sentence, 600))}".rstrip()
            for side in sides
        ]
        lines += [f"- {say(note)}." for note in drawn.notes]
        lines += ["", f"![{say(heading)}]({name}.png)", ""]
        lines += [f"[Clip]({name}.mp4)", ""] if drawn.clip else []
        lines += [f"Prompt: {say(shorten(loss.sample.prompt, 600))}", ""]
    if rest:
        lines += [f"### {len(rest)} more without a card", ""]
        lines += [f"- {say(_line(case))}" for case in rest[:MOST_LISTED]]
        lines += [f"- and {len(rest) - MOST_LISTED} others" if len(rest) > MOST_LISTED else ""]
    return "\n".join(lines).rstrip() + "\n"


def _line(case: _Case) -> str:
    loss = case.loss
    return f"{case.run.label}: {loss.sample.id}, seed {loss.seed}, {loss.name}: {loss.answer}, {loss.cost_text}"


def _data(name: str, case: _Case, drawn: Drawn, sides: Sequence[Side]) -> Mapping[str, Any]:
    """Return a card as programs read it."""
    loss = case.loss
    return {
        "png": f"{name}.png",
        "clip": f"{name}.mp4" if drawn.clip else None,
        "model": case.run.label,
        "sample_id": loss.sample.id,
        "seed": loss.seed,
        "kind": loss.kind.value,
        "interaction": loss.interaction,
        "question_id": loss.question_id,
        "question": loss.question,
        "answer": loss.answer,
        "reason": loss.sentence,
        "cost": loss.cost,
        "at_most": loss.at_most,
        "sides": [
            {
                "label": side.label,
                "answer": side.answer,
                "frames": list(side.seen.moment.frames) if side.seen else [],
                "marked": side.seen.moment.marked if side.seen else None,
                "missing": side.missing,
            }
            for side in sides
        ],
        "notes": list(drawn.notes),
    }
