"""Contrast and sensitivity through the verbs: compare, gate with a stored baseline, power and report, on run folders by hand."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from intergeneval import load_run
from intergeneval.cli import main
from intergeneval.questions import questions_for
from intergeneval.records import (
    TWIN_IDS,
    Answer,
    AnswerStatus,
    AnswerValue,
    Instance,
    Interaction,
    Sample,
    Score,
    ScoreStatus,
    Video,
    VideoStatus,
)
from intergeneval.store import RunStore
from tests.cli.written_runs import header

PAIRS = 24


def call(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


def sample(number, side):
    roles = ("id1", "id2") if side == "a" else ("id2", "id1")
    return Sample(
        id=f"p{number:02d}-{side}",
        prompt="One pushes the other.",
        instances=tuple(
            Instance(id=name, class_="man", appearance=f"man in {colour}", colour=colour)
            for name, colour in (("id1", "red"), ("id2", "blue"))
        ),
        interactions=(
            Interaction(subject=roles[0], verb="pushes", object=roles[1], twin_of=f"p{number:02d}-{'b' if side == 'a' else 'a'}"),
        ),
        scene=f"p{number:02d}",
    )


def write(folder, right, lost=()):
    """A run whose pair n shows the right roles in both videos with a chance of `right`; those in `lost` have an answer less."""
    rng = np.random.default_rng(int(right * 100))
    store = RunStore.create(folder, header(model=folder.name, samples=2 * PAIRS, allowed=0.1))
    samples = [sample(number, side) for number in range(PAIRS) for side in "ab"]
    with store.writer() as writer:
        writer.append("samples", samples)
        writer.append("questions", [question for item in samples for question in questions_for(item)])
        for item in samples:
            own = rng.random() < right
            video = Video(sample_id=item.id, seed=0, status=VideoStatus.OK, sha256=f"{folder.name} {item.id}")
            writer.append("videos", [video])
            answers = []
            for act, shown in ((0, own), (1, not own)):
                for question in range(1, 11) if act == 0 else TWIN_IDS:
                    unknown = item.id in lost and question == 8 and act == 0
                    answers.append(
                        Answer(
                            sample_id=item.id,
                            seed=0,
                            interaction=act,
                            question_id=question,
                            status=AnswerStatus.UNANSWERABLE if unknown else AnswerStatus.OK,
                            value=None if unknown else AnswerValue.YES if shown else AnswerValue.NO,
                            video=video.sha256,
                        )
                    )
            writer.append("answers", answers)
        value = {"if_": 0.5, "if_bounds": (0.5, 0.5)}
        writer.append("scores", [Score(sample_id=item.id, seed=0, status=ScoreStatus.OK, **value) for item in samples])
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("twins")
    return write(root / "knows", 1.0), write(root / "guesses", 0.5, lost=("p03-a", "p07-b"))


def test_compare_tells_contrast_and_sensitivity_with_their_difference(runs):
    found = json.loads(call("compare", *runs, "--json").stdout)["twins"]
    assert found["runs"]["knows"]["contrast"]["mean"] == 1.0
    assert found["runs"]["guesses"]["contrast"]["clusters"] == PAIRS
    assert found["runs"]["guesses"]["sensitivity"]["open"] == 2
    assert [item["metric"] for item in found["comparisons"]] == ["contrast", "sensitivity"]
    assert found["comparisons"][0]["high"] < 0
    text = call("compare", *runs).stdout
    assert "by chance" in text
    assert "contrast: knows stands above guesses" in text


def test_the_gate_decides_by_contrast_where_if_says_nothing_and_a_stored_baseline_knows_it(runs, tmp_path):
    knows, guesses = runs
    stored = ("--baselines", tmp_path)
    assert call("gate", knows, "--baseline", "good", "--update", *stored).exit_code == 0
    assert call("gate", guesses, "--baseline", "good", *stored).exit_code == 0
    result = call("gate", guesses, "--baseline", "good", "--metric", "contrast", "--json", *stored)
    assert result.exit_code == 4, result.output
    found = json.loads(result.stdout)
    assert found["verdict"]["comparison"]["metric"] == "contrast"
    assert [item["metric"] for item in found["comparisons"]][:2] == ["contrast", "if"]
    assert call("gate", knows, "--baseline", knows, "--metric", "contrast").exit_code == 0


def test_scoring_a_run_of_twins_tells_contrast_and_sensitivity(runs):
    found = json.loads(call("score", runs[0], "--json").stdout)["twins"]
    assert (found["contrast"]["mean"], found["sensitivity"]["mean"]) == (1.0, 1.0)
    told = f"contrast 1.000 (1.000 to 1.000; by chance 0.25), sensitivity 1.000 (1.000 to 1.000; by chance 0), {PAIRS} of {PAIRS}"
    text = call("score", runs[0]).stdout
    assert f"twins (do the videos show who was named): {told} pairs" in text
    assert f"contrast: all {PAIRS} pairs score the same: an interval without width says that nothing varied here" in text


def test_the_gate_says_of_each_outcome_whether_it_is_over_prompts_or_over_pairs(runs, tmp_path):
    knows, guesses = runs
    call("gate", guesses, "--baseline", knows, "--metric", "contrast", "--markdown", tmp_path / "gate.md")
    told = [line.split(" | ") for line in (tmp_path / "gate.md").read_text().splitlines() if line.startswith("| ")]
    assert {row[0].strip("| "): row[-1].strip(" |") for row in told if row[0] in ("| contrast", "| IF", "| sensitivity")} == {
        "contrast": f"{PAIRS} pairs of twins",
        "IF": f"{2 * PAIRS} prompts",
        "sensitivity": f"{PAIRS} pairs of twins",
    }


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("gate", "RUN and baseline must hold twins, as runs on whodoes do"),
        ("power", "a second table tells the same of contrast"),
    ],
)
def test_help_tells_who_has_twins_how_contrast_is_gated_and_powered(verb, said):
    assert said in " ".join(call(verb, "--help").stdout.split())


def test_power_tells_what_60_and_160_pairs_find(runs):
    found = json.loads(call("power", runs[0], "--against", runs[1], "--json").stdout)
    assert found["contrast"]["mean"] == 1.0
    assert {"60", "160"} <= set(found["twins"][0]["detectable"])
    assert found["twins"][-1]["spread"] == "measured against guesses"
    assert "60 pairs" in call("power", runs[0]).stdout


def test_the_report_shows_contrast_and_offers_it_for_download(runs, tmp_path):
    assert call("report", *runs, "--out", tmp_path / "page").exit_code == 0
    page = (tmp_path / "page/index.html").read_text()
    assert "Twins: who does what to whom" in page
    twins = page[page.index("Twins: who") :]
    assert "bounds" in twins
    assert f"<bdi>knows</bdi>: all {PAIRS} pairs score the same: an interval without width says" in twins
    assert "knows,1,contrast,1.0" in next((tmp_path / "page").rglob("leaderboard.csv")).read_text()


def test_the_interface_gives_the_same_bounds(runs):
    found = load_run(runs[1]).contrast()
    assert found.open == 0, "one question of seven cannot turn a video that shows seven or none"
    low, high = found.sensitivity_bounds
    assert low <= found.sensitivity <= high
    assert high - low == pytest.approx(2 / 7 / 2 / PAIRS)
