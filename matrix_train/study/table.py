"""The study's table as Markdown and as rows for CSV. Pure; numbers in Markdown are rounded, those in CSV are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from intergeneval.records import Estimate, RunHeader
from intergeneval.stats import PRIMARY, THIN, metric_name
from matrix_train.study.leaderboard import COLUMNS, Board, Row
from matrix_train.study.plan import FEWEST_SEEDS, StudyPlan
from matrix_train.study.rule import MOST_UNSCORED, Order, Verdict

DASH = "–"


def markdown(plan: StudyPlan, board: Board, header: RunHeader) -> str:
    """Return the study's page: setting, table of arms, orders, control, labels, and how to read them."""
    parts = [f"# {board.title}", _setting(plan, header), *_warnings(plan, board), _arms(board)]
    if board.orders:
        parts += ["## Orders", _orders([*board.orders]), _claims(board)]
    if board.control is not None:
        parts += ["## Control of the layers", _orders([board.control]), _control(plan, board)]
    parts += ["## The judge on blind labels", _labels(board), "## How to read it", _reading()]
    return "\n\n".join(parts) + "\n"


def _setting(plan: StudyPlan, header: RunHeader) -> str:
    key, noises = header.comparability, plan.bench.noise_seeds
    shape = f"{plan.shape.frames}x{plan.shape.height}x{plan.shape.width}"
    seeds = ", ".join(map(str, plan.seeds))
    return (
        f"{header.samples} scenes of {header.bench} at {shape}, {len(noises)} noise seed{'s' if len(noises) > 1 else ''} each; "
        f"training seeds {seeds}; judge {key.judge} (revision {key.judge_revision}), tracker {key.tracker}, "
        f"detector {key.detector}, profile {key.profile.value}."
    )


def _warnings(plan: StudyPlan, board: Board) -> list[str]:
    found = []
    if plan.bench.scenes < THIN:
        found.append(f"**{plan.bench.scenes} scenes show that the machinery works; the numbers are no findings.**")
    if board.partial:
        found.append(f"Not assessed: {', '.join(board.partial)}. KISA, SGI and IF are upper bounds, for all arms alike.")
    return found


def _arms(board: Board) -> str:
    head = ["", "arm", *(metric_name(name) for name in COLUMNS), "group", "IF by training seed", "without a score", "judge right"]
    rows = [[row.label or "", row.arm, *(_figure(row.estimates[name]) for name in COLUMNS), *_rest(row)] for row in board.rows]
    return markdown_table(head, rows)


def _rest(row: Row) -> list[str]:
    seeds = ", ".join(_number(value) for value in row.by_seed.values()) if "-" not in row.by_seed else "not trained"
    return [DASH if row.group is None else str(row.group), seeds, f"{row.unscored:.1%} of {row.videos}", _accuracy(row)]


def _accuracy(row: Row) -> str:
    found = row.accuracy
    if found is None or found.accuracy is None:
        return DASH
    return f"{found.accuracy:.3f} {_interval(found.low, found.high)}"


def _figure(item: Estimate) -> str:
    bound = "<= " if item.partial else ""
    return f"{bound}{_number(item.mean)} {_interval(item.low, item.high)}" if item.mean is not None else DASH


def _orders(orders: Sequence[Order]) -> str:
    head = [
        "order",
        "difference of IF",
        "scenes scored in both",
        "by training seed",
        "p",
        "after Holm",
        "verdict",
        "scenes it would take",
    ]
    rows = []
    for item in orders:
        mean = item.mean
        rows.append(
            [
                f"{item.better} > {item.worse}",
                f"{_signed(mean.difference)} {_interval(mean.low, mean.high, sign=True)}",
                f"{mean.scored} of {mean.prompts_total}",
                ", ".join(_signed(part.comparison.difference) for part in item.seeds),
                DASH if mean.p is None else f"{mean.p:.4f}",
                DASH if mean.p_adjusted is None else f"{mean.p_adjusted:.4f}",
                f"**{item.verdict}**: {item.reason}",
                _needed(item),
            ]
        )
    return markdown_table(head, rows)


def _needed(item: Order) -> str:
    if item.scenes_needed is None:
        return DASH
    reverse = item.mean.difference is not None and item.mean.difference < 0
    return f"{item.scenes_needed}, for the opposite order" if reverse else str(item.scenes_needed)


def _claims(board: Board) -> str:
    resolved = [item for item in board.orders if item.verdict is Verdict.RESOLVED]
    if not resolved:
        return "No order is claimed: none is resolved."
    named = ", ".join(f"{item.better} > {item.worse}" for item in resolved)
    if not board.examined:
        return (
            f"No order is claimed yet, though {named} {'is' if len(resolved) == 1 else 'are'} resolved: "
            f"{board.labelled} of {board.labels_wanted} clips are labelled blind."
        )
    return f"Claimed: {named}."


def _control(plan: StudyPlan, board: Board) -> str:
    assert plan.control is not None
    if board.layers_claim:
        return (
            f"The control does worse: aligning the layers of {plan.control.of} and not those of {plan.control.arm} matters here."
        )
    return (
        f"**The claim about layers is dropped**: aligning the wrong layers ({plan.control.arm}) is not shown to be worse than "
        f"{plan.control.of}."
    )


def _labels(board: Board) -> str:
    rows = []
    for row in board.rows:
        found = row.accuracy
        if found is None:
            continue
        shares = [found.answered, found.judge_yes, found.label_yes]
        rows.append(
            [
                row.arm,
                str(found.questions),
                str(found.unsure),
                *(DASH if value is None else f"{value:.1%}" for value in shares),
                _accuracy(row),
                _number(found.kappa),
            ]
        )
    said = f"{board.labelled} of {board.labels_wanted} clips are labelled."
    head = [
        "arm",
        "questions",
        "could not tell",
        "answered by the judge",
        "yes by the judge",
        "yes by the labeller",
        "judge right",
        "kappa",
    ]
    return f"{said}\n\n{markdown_table(head, rows)}" if rows else f"{said} Nothing is claimed before."


def _reading() -> str:
    points = f"{100 * MOST_UNSCORED:.0f} points"
    lines = [
        "Numbers in brackets are 95 % intervals, clustered by scene. An arm's score is the mean over scenes of the mean over its "
        "training and noise seeds.",
        "Arms are paired by scene, noise seed and training seed; an arm that is not trained is paired with every training seed.",
        f"An order is resolved when the interval of the seed mean excludes 0 and all training seeds, at least {FEWEST_SEEDS}, "
        "agree in sign. Arms in one group are not told apart from its first by that rule.",
        f"Nothing is said of two arms whose shares of videos without a score differ by over {points}.",
        "Scenes compared: those of which a video has a score in both arms, for the same training and noise seed.",
        "Scenes it would take: with a difference, a spread and a share without a score as seen, 80 % of repeats with so many "
        "would find the order that the difference has.",
        "Training seeds are few: the interval says how sure the order of these trainings is over further scenes, the agreement "
        "of the seeds how far it holds for further trainings.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def csv_rows(board: Board) -> list[list[Any]]:
    """Return head and one row an arm and metric, unrounded."""
    head = ["arm", "label", "metric", "mean", "low", "high", "se", "prompts", "group", "videos", "unscored"]
    rows: list[list[Any]] = [[*head, "judge_accuracy", "judge_accuracy_low", "judge_accuracy_high", "labelled_questions"]]
    for row in board.rows:
        found = row.accuracy
        judge = [found.accuracy, found.low, found.high, found.questions] if found else [None, None, None, 0]
        for metric in COLUMNS:
            item = row.estimates[metric]
            figures = [item.mean, item.low, item.high, item.se, item.prompts]
            rows.append([row.arm, row.label, metric, *figures, row.group, row.videos, row.unscored, *judge])
        rows += [
            [row.arm, row.label, f"{PRIMARY}, training seed {seed}", value, *[None] * 11]
            for seed, value in row.by_seed.items()
            if seed != "-"
        ]
    return rows


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells as Markdown. Raises ValueError for a row that has not as many cells as the head."""
    if any(len(row) != len(head) for row in rows):
        raise ValueError(f"a row has not as many cells as the head: {head}")
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:.3f}"


def _signed(value: float | None) -> str:
    return DASH if value is None else f"{value:+.3f}"


def _interval(low: float | None, high: float | None, *, sign: bool = False) -> str:
    if low is None or high is None:
        return "no interval"
    return f"[{_signed(low)}, {_signed(high)}]" if sign else f"[{_number(low)}, {_number(high)}]"
