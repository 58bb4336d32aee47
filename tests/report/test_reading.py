"""What the pages say to whoever has not built them: where a number could be taken for more, or for something else."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from intergeneval.records import Answer, AnswerStatus, AnswerValue, Consistency, Score, TrackState
from intergeneval.report import ReportOptions, write_report
from intergeneval.report.arithmetic import in_one_line
from intergeneval.report.card import JudgeCard
from intergeneval.report.combining import combining
from intergeneval.report.figures import coverage_plot
from intergeneval.report.judged import faults_of, generated_facts, staged_facts, worth_of
from intergeneval.report.page import make_report
from intergeneval.report.staged_models import WHAT, staged_models
from intergeneval.staged import POLICIES
from intergeneval.staged.policies import MIXTURES, ROLE_POLICIES, plan
from tests.report.report_world import TEMPLATES, World, build, samples_of, write_lines

CARD = {
    "judge": "geometry",
    "judge_revision": "1",
    "templates": TEMPLATES,
    "tracker": "stored",
    "detector": "staged",
    "accuracy": 0.9,
    "answerable": 0.8,
    "intervals": {"accuracy": [0.85, 0.95]},
    "exam": {"answers": 200, "videos": 20, "paper": {"policies": ["perfect", "no-action"]}},
    "faults": {"limbs": 0.7, "vanishes": 1.0, "fused": None},
    "detail": {"faults": {"limbs": {"scenes": 6}}},
}


def scores_of(folder):
    return [Score.from_json(json.loads(line)) for line in (folder / "scores.jsonl").read_text().splitlines()]


def level(folder, value):
    """Give every video of a run one score."""
    same = {"if_": value, "if_bounds": (value, value)}
    write_lines(folder / "scores.jsonl", [replace(score, **same) for score in scores_of(folder)])


def index(root):
    return (root / "report" / "index.html").read_text(encoding="utf-8")


def the_group(tmp_path, **world):
    [group] = make_report(build(tmp_path, World(tracks=False, **world)), ReportOptions(), single=False, command="").groups
    return group


def card(**changed):
    return JudgeCard(path=Path("card.json"), content={**CARD, **changed})


def test_beside_the_score_stands_how_often_its_judge_is_right_and_of_how_many_answers(tmp_path):
    (tmp_path / "card.json").write_text(json.dumps(CARD))
    folders = build(tmp_path, World(models=("atlas",), samples=2, tracks=False))
    write_report(folders, tmp_path / "report", ReportOptions(cards=(tmp_path / "card.json",)))
    head, rest = index(tmp_path).split('<a href="#judge-g1">', 1)
    told = re.sub(r"\s", " ", head.split('<p class="worth">')[1])
    assert "examined with these masks" in told
    assert "answered 80 % of 200 questions, 90 % (85 % to 95 %) of these rightly" in told
    assert 'id="judge-g1"' in rest


def test_an_exam_with_other_masks_and_none_at_all_are_said_to_be_so(tmp_path):
    group = the_group(tmp_path, models=("atlas",), samples=2)
    other = worth_of(replace(group, card=card(tracker="flow-2")))
    assert other.verdict == "Never examined with these masks."
    assert "These runs have tracker stored, detector staged; its exam had tracker flow-2." in other.text
    assert "never held against generated video" in other.text
    none = worth_of(replace(group, card=None))
    assert none.verdict == "Never examined."
    assert "not known" in none.text


def test_a_judges_figures_say_what_they_are_of_and_the_weakest_fault_stands_first():
    facts = dict(staged_facts(card(kappa=0.8)))
    assert facts["Accuracy"] == "0.900 [0.850, 0.950] of 160 answers"
    assert facts["Answerable"] == "0.800 of 200 questions in 20 videos"
    assert facts["Cohen's kappa"] == "0.800 over 160 answers"
    assert [(fault.name, fault.scenes) for fault in faults_of(card())] == [("limbs", 6), ("vanishes", None), ("fused", None)]
    figures = {"Order of the videos, generated video": "o", "Accuracy, generated video": "a", "On generated video": "of what"}
    assert [name for name, _ in generated_facts(card(generated={"figures": figures}))] == [
        "Held against",
        "Accuracy",
        "Order of the videos",
    ]


def test_an_interval_without_width_is_called_no_spread_and_never_printed(tmp_path):
    folders = build(tmp_path, World(models=("atlas", "borealis"), samples=8, tracks=False))
    for folder in folders:
        level(folder, 1.0)
    write_report(folders, tmp_path / "report")
    page = index(tmp_path)
    assert page.count("all 8 prompts score the same: no spread, no interval") == 2
    assert "1.00 to 1.00" not in page
    assert "[1.000, 1.000]" not in page
    assert "[0.000, 0.000]" not in page
    assert "every prompt has the same difference" in page


def test_shared_ranks_say_why_and_what_comes_next(tmp_path):
    folders = build(tmp_path, World(samples=8, tracks=False))
    for folder, value in zip(folders, (0.9, 0.9, 0.1), strict=True):
        level(folder, value)
    write_report(folders, tmp_path / "report")
    assert "Models that these prompts do not tell apart share a rank: 2 have rank 1, so the next is 3." in index(tmp_path)


def test_the_pair_that_stands_open_is_one_that_differs(tmp_path):
    folders = build(tmp_path, World(samples=8, tracks=False))
    for folder, value in zip(folders, (0.9, 0.9, 0.1), strict=True):
        level(folder, value)
    write_report(folders, tmp_path / "report")
    assert re.findall(r'<details class="pair" id="([^"]+)" open>', index(tmp_path)) == ["g1-pair-1-3"]
    level(folders[2], 0.9)
    write_report(folders, tmp_path / "report")
    assert '<details class="pair" id="g1-pair-1-3">' in index(tmp_path)


@pytest.mark.parametrize(("samples", "tied"), [(19, False), (20, True)])
def test_no_sample_is_called_worst_among_few_or_among_equals(tmp_path, samples, tied):
    folders = build(tmp_path, World(models=("atlas",), samples=samples, tracks=False))
    if tied:
        level(folders[0], 0.5)
    write_report(folders, tmp_path / "report")
    assert 'class="badge' not in index(tmp_path)
    assert "worst, best, disputed" not in index(tmp_path)
    assert '<option value="worst">' in index(tmp_path)


def test_samples_that_share_the_lowest_score_say_among_how_many_they_are(tmp_path):
    [folder] = build(tmp_path, World(models=("atlas",), samples=40, tracks=False))
    values = [0.0, *[0.1] * 7, *[0.5 + number / 100 for number in range(32)]]
    scores = zip(scores_of(folder), values, strict=True)
    write_lines(folder / "scores.jsonl", [replace(score, if_=value, if_bounds=(value, value)) for score, value in scores])
    write_report([folder], tmp_path / "report")
    badges = re.findall(r'class="badge [^"]*">([^<]+)</p>', index(tmp_path))
    assert badges == ["worst", *["worst, one of 8"] * 3, *["best"] * 4]


def test_what_a_score_is_made_of_stands_beside_it_in_numbers_that_make_it(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=6, tracks=False))
    write_report(folders, tmp_path / "report")
    told = re.findall(r'<small class="product">½ \(([\d.]+) \+ ([\d.]+)\) × ([\d.]+)</small>', index(tmp_path))
    values = re.findall(r'<span class="who">.*?<b>([\d.]+)</b>', index(tmp_path))
    assert len(told) == len(values) == 6
    assert {spi for _, _, spi in told} != {"1.00"}, "some video loses by what vanishes"
    for (kisa, sgi, spi), value in zip(told, values, strict=True):
        assert (float(kisa) + float(sgi)) / 2 * float(spi) == pytest.approx(float(value), abs=0.011)


def test_a_score_that_did_not_come_of_its_parts_is_given_no_sum(tmp_path):
    [folder] = build(tmp_path, World(models=("atlas",), samples=1, tracks=False))
    [score] = scores_of(folder)
    assert in_one_line(score)
    assert in_one_line(replace(score, if_=score.if_ / 2 + 0.2)) == ""
    assert in_one_line(replace(score, spi=None)) == ""
    assert in_one_line(replace(score, plausibility=0.5, if_=score.if_ / 2)).endswith(" × 0.50")


def test_cards_that_the_script_makes_have_what_it_needs_for_the_same_sum(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=60, tracks=False))
    scores = {score.sample_id: score for score in scores_of(folders[0])}
    write_report(folders, tmp_path / "report")
    gallery = json.loads(re.search(r'id="report-data">(.*?)</script>', index(tmp_path), re.DOTALL)[1])["groups"]["g1"]["gallery"]
    lost = 0
    for shot in gallery["shots"][24:]:
        [item] = shot[9]
        score, letters, other = scores[shot[2] or shot[1]], item[1], (item[3] if len(item) > 3 else {})
        parts = (letters[:6].count("y") / 6, letters[6:].count("y") / 4)
        assert parts == pytest.approx((score.kisa_raw, score.sgi_raw))
        assert other.get("spi", 1000) == round(1000 * score.spi)
        assert not {"raw", "product"} & set(other)
        lost += "spi" in other
    assert lost


def answers_of(sample, *yes):
    return [
        Answer(
            sample_id=sample.id,
            seed=0,
            interaction=0,
            question_id=number,
            status=AnswerStatus.OK,
            value=AnswerValue.YES if number in yes else AnswerValue.NO,
            frame=5 if number in yes else None,
        )
        for number in range(1, 11)
    ]


def test_a_page_says_how_answers_combine_that_seem_to_contradict_each_other():
    sample = samples_of(World(samples=1))[0]
    [told] = combining(answers_of(sample, 1, 10), None, sample)
    assert "Question 10 is yes and 8 and 9 no" in told
    assert "Each counts as answered" in told
    assert combining(answers_of(sample, 1, 2, 7, 8, 9, 10), None, sample) == ()
    assert combining(answers_of(sample, 1, 2, 7), None, sample) == ()
    [told] = combining(answers_of(sample, 8), None, sample)
    assert told.startswith("8 yes and 9 and 10 no")


def test_a_yes_beside_a_vanishing_is_explained_where_the_answers_stand(tmp_path):
    sample = samples_of(World(samples=1))[0]
    states = {"id1": (TrackState.VISIBLE, TrackState.VANISHED), "id2": (TrackState.VISIBLE,) * 2}
    gone = Consistency(sample_id=sample.id, seed=0, frames=(5, 10), states=states)
    [told] = combining(answers_of(sample, 8, 9, 10), gone, sample)
    assert told.startswith("Woman in a red coat gone in 1 of 2 frames: a yes stands")
    assert combining(answers_of(sample), gone, sample) == ()
    said = Consistency(sample_id=sample.id, seed=0, frames=(5, 10), disappearance=(False, True))
    [told] = combining(answers_of(sample, 8, 9, 10), said, sample)
    assert told.startswith("An instance gone in 1 of 2 frames")


def test_the_plot_of_coverage_is_left_out_where_everything_is_scored(tmp_path):
    assert coverage_plot(the_group(tmp_path / "a", models=("atlas",), samples=3)) is None
    assert coverage_plot(the_group(tmp_path / "b", models=("atlas",), samples=3, missing=(("atlas", 1),))) is not None


def test_staged_models_are_explained_where_they_stand_and_no_other(tmp_path):
    folders = build(tmp_path, World(models=("atlas", "borealis"), samples=2, tracks=False))
    write_report(folders, tmp_path / "report")
    assert "What the staged models are" not in index(tmp_path)
    header = json.loads((folders[0] / "run.json").read_text())
    (folders[0] / "run.json").write_text(json.dumps({**header, "source": "staged:no-action"}))
    report = write_report(folders, tmp_path / "report").report
    assert "nobody does the first deed that is asked" in index(tmp_path).split('class="glossary"')[1].split("</dl>")[0]
    assert staged_models(report.runs) == [("atlas", "nobody does the first deed that is asked")]


def test_every_staged_policy_has_words_and_mixtures_tell_the_share_that_they_have():
    from intergeneval import staged
    from intergeneval.report.staged_models import _what

    assert set(WHAT) == {*POLICIES, *ROLE_POLICIES} - set(MIXTURES)
    scenes = staged.scenes(staged.TEST_SEED, 400)
    for name in ("mix-04", "mix-08"):
        told = [int(number) for number in re.findall(r"(\d+) %", _what(name))]
        faults = [plan(name, scene).dial.faults for scene in scenes]
        shares = (sum(map(bool, faults)) / 4, sum(found == ("no-action", "vanishes") for found in faults) / 4)
        assert told == pytest.approx(shares, abs=7)
