"""The whole exam on a few small scenes: ceilings, floors, resuming, and what is said where nothing can be."""

import json
import math
from pathlib import Path

import pytest

from intergeneval.errors import ComparabilityError, UnknownPluginError, UsageError
from intergeneval.exam import ExamSpec, examine, policies_of
from intergeneval.exam.fault_scores import FAULT_SCORES
from intergeneval.exam.policy_runs import played
from intergeneval.exam.spec import EARLIER_WORLDS
from intergeneval.questions import embedded, templates_hash
from intergeneval.records import Truth
from intergeneval.staged import FAULTS, POLICIES, Request, perform, scenes
from intergeneval.store import RunStore

SIZE = (120, 180)
SEED = 2
FEW = ("perfect", "no-action", "wrong-agent", "vanishes", "mix-08")


def spec(**changes):
    return ExamSpec(**{"judge": "oracle", "seed": SEED, "scenes": 3, "size": SIZE, "policies": FEW, **changes})


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    return examine(spec(recheck=1.0), tmp_path_factory.mktemp("oracle"), workers=1)


@pytest.fixture(scope="module")
def constant(tmp_path_factory, fake_judges):
    return examine(spec(judge="constant"), tmp_path_factory.mktemp("constant"), workers=1)


def test_the_oracle_is_right_about_everything_and_its_scores_are_the_true_ones_under_every_policy(tmp_path):
    card = examine(spec(scenes=2, policies=POLICIES, recheck=0.0), tmp_path, workers=1).card
    assert card["accuracy"] == card["kappa"] == card["answerable"] == 1.0
    assert card["detail"]["scores"]["largest_error"] <= 1e-9
    assert card["detail"]["scores"]["unscored"] == 0
    assert card["spearman"] == pytest.approx(1.0)
    assert all(row["measured"] == pytest.approx(row["true"], abs=1e-9) for row in card["detail"]["scores"]["policies"])


def test_true_scores_in_the_exam_are_those_the_world_wrote_beside_its_videos(oracle):
    for policy in FEW:
        store = RunStore.open(oracle.folder / "runs" / policy)
        scores = {item["sample_id"]: item for item in map(json.loads, (store.folder / "scores.jsonl").read_text().splitlines())}
        for truth in store.read("truth", Truth):
            assert truth.details["scores"]["bounded"]["if"] == pytest.approx(scores[truth.sample_id]["if"], abs=1e-9)


def test_the_exam_can_be_failed_a_constant_judge_has_kappa_zero_and_tells_no_fault(constant):
    card = constant.card
    assert card["kappa"] == 0.0
    assert card["faults"]["no-action"] == card["faults"]["wrong-agent"] == 0.5
    assert card["accuracy"] < 0.9
    # What tracks alone show it still has: the judge is not asked about that.
    assert card["faults"]["vanishes"] == 1.0


def test_a_judge_that_throws_coins_has_an_interval_of_kappa_around_zero(tmp_path, fake_judges):
    card = examine(spec(judge="chance", recheck=1.0), tmp_path, workers=1).card
    low, high = card["intervals"]["kappa"]
    assert low <= 0.0 <= high
    flips = card["detail"]["rounds"]["flips"]
    assert 0.3 < flips["value"] < 0.7  # of two coins with 60 % heads, 48 % of pairs differ
    assert card["exam"]["layer"] == "sampled"


def test_questions_turned_round_are_asked_of_judges_that_read_and_of_no_other(tmp_path, oracle, fake_judges):
    negation = examine(spec(judge="literal", policies=("perfect",), scenes=2, recheck=1.0), tmp_path, workers=1).card["detail"][
        "rounds"
    ]["negation"]
    assert (negation["applicable"], negation["value"], negation["count"]) == (True, 1.0, 20)
    blind = oracle.card["detail"]["rounds"]["negation"]
    assert (blind["applicable"], blind["value"], blind["count"]) == (False, None, 0)


def test_a_second_asking_of_the_oracle_flips_nothing_and_asks_every_question(oracle):
    flips = oracle.card["detail"]["rounds"]["flips"]
    assert flips["value"] == 0.0
    assert flips["count"] == oracle.card["exam"]["answers"]


def test_an_exam_that_is_held_again_makes_no_video_and_gives_the_same_card(oracle):
    again = examine(spec(recheck=1.0), oracle.folder, workers=1)
    assert again.card["made"]["observed"] == 0
    assert {**again.card, "made": None} == {**oracle.card, "made": None}


def test_several_processes_give_the_same_card_as_one(tmp_path, oracle):
    many = examine(spec(recheck=1.0), tmp_path / "many", workers=2)
    assert {**many.card, "made": None} == {**oracle.card, "made": None}


def test_a_folder_with_another_exam_is_refused_with_the_field_that_differs(oracle):
    with pytest.raises(ComparabilityError, match="scenes: 3 there, 4 here"):
        examine(spec(recheck=1.0, scenes=4), oracle.folder)


def test_an_exam_of_before_goes_on_with_its_templates_in_its_world(tmp_path):
    small = {"policies": ("perfect",), "scenes": 2, "recheck": 0.0}
    done = examine(spec(**small, templates=1), tmp_path, workers=1)
    path = tmp_path / "exam.json"
    raw = json.loads(path.read_text())
    del raw["templates"]
    raw["world"] = next(iter(EARLIER_WORLDS))
    path.write_text(json.dumps(raw))
    again = examine(spec(**small), tmp_path, workers=1)
    assert again.card["made"]["observed"] == 0
    assert again.card["templates"] == done.card["templates"] == templates_hash(embedded(1))
    assert again.card["exam"]["paper"] == {**raw, "templates": 1}
    # A policy that is added is asked as the others were.
    more = examine(spec(**{**small, "policies": ("perfect",)}), tmp_path / "new", workers=1)
    assert more.card["templates"] == templates_hash()


def test_videos_of_another_world_are_not_mixed_with_those_of_this_one(tmp_path):
    (tmp_path / "exam.json").write_text(json.dumps({**spec().to_json(), "world": "older"}))
    with pytest.raises(ComparabilityError, match="world: older there"):
        examine(spec(), tmp_path)


def test_a_judge_that_breaks_gives_an_incomplete_card_without_figures(tmp_path, fake_judges):
    exam = examine(spec(judge="broken", policies=("perfect", "no-action"), scenes=2, recheck=1.0), tmp_path, workers=1)
    assert not exam.complete
    assert exam.card["accuracy"] is None
    assert exam.card["kappa"] is None
    assert exam.card["faults"]["no-action"] is None
    assert exam.card["detail"]["answers"]["all"]["failed"] == exam.card["exam"]["answers"]
    assert exam.card["detail"]["scores"]["unscored"] == exam.card["exam"]["videos"]
    flips = exam.card["detail"]["rounds"]["flips"]
    assert (flips["value"], flips["count"], flips["unanswered"]) == (None, 0, exam.card["exam"]["answers"])
    assert "Incomplete." in (tmp_path / "card.html").read_text()


def test_the_page_needs_nothing_from_outside_and_lets_no_reason_become_markup(constant):
    page = (constant.folder / "card.html").read_text()
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert 1 <= page.count("data:image/jpeg;base64,") <= 60


def test_every_wrong_answer_is_listed_with_what_was_expected(constant):
    wrong = [json.loads(line) for line in (constant.folder / "failures.jsonl").read_text().splitlines()]
    whole = constant.card["detail"]["answers"]["all"]
    assert len(wrong) == whole["answered"] - round(whole["accuracy"]["value"] * whole["answered"])
    assert {item["given"] for item in wrong} == {"yes"}
    assert "yes" not in {item["expected"] for item in wrong}


def test_every_fault_of_the_world_has_one_line_in_the_table_of_fault_scores():
    assert set(FAULT_SCORES) == set(FAULTS)
    assert all(bool(item.questions) != bool(item.diagnostic) for item in FAULT_SCORES.values())


def test_a_policy_without_a_place_for_its_fault_plays_exactly_as_the_perfect_one():
    spared = [item for item in scenes(SEED, 6) if item.id not in played(spec(scenes=6), "roles-swapped")]
    assert spared
    mine, twin = (perform(spared[0], Request(policy=policy, size=SIZE, frames=9)) for policy in ("roles-swapped", "perfect"))
    assert all((one == other).all() for one, other in zip(mine.frames(), twin.frames(), strict=True))


def test_a_policy_that_does_not_exist_is_named_and_perfect_is_always_there():
    with pytest.raises(UsageError, match="'perfct'"):
        policies_of("perfct")
    assert policies_of("vanishes") == ("perfect", "vanishes")


@pytest.mark.parametrize(("part", "known"), [("judge", "geometry"), ("tracker", "flow"), ("detector", "staged")])
def test_a_mistyped_backend_leaves_no_folder_behind(tmp_path: Path, part, known):
    with pytest.raises(UnknownPluginError, match=known):
        examine(spec(**{part: "nobody"}), tmp_path / "exam", workers=1)
    assert not (tmp_path / "exam").exists()


def test_no_figure_of_a_card_is_infinite_or_not_a_number(constant):
    def walk(value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, float):
            assert math.isfinite(value)

    walk(json.loads((constant.folder / "card.json").read_text()))
