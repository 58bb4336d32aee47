"""What a benchmark promises of all its samples together, and the pairs that `whodoes` is made of."""

import dataclasses
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from intergeneval import bench
from intergeneval.bench.suite import suite_labels
from intergeneval.bench.twins import Pair, read_pairs, write
from intergeneval.build.rows import Row
from intergeneval.cli import main
from intergeneval.errors import BenchError
from intergeneval.records import Sample
from intergeneval.records.wording import in_words

ROOT = Path(__file__).parents[2] / "benchmarks"
PAIR = """
[[pair]]
id = "coats"
who = ["*woman* in a green coat", "*woman* in a red coat", "wooden *sled*"]
acts = ["a pushes b; with c; part hand", "b waves to a"]
prompt = "{A} pushes {b} on {c}, and {b} waves to {a}."
frame = "Two women stand in the snow, one in a green coat and one in a red coat, a sled between them."
cast = "people"
level = 2
lite = true
"""
TOML = 'name = "small"\nversion = "1"\ndescription = "A small one."\nlicence = "CC0-1.0"\ntask = "text-to-video"\n'


def twins(root, text=PAIR, toml=TOML):
    root.mkdir()
    (root / "pairs.toml").write_text(text)
    (root / "bench.toml").write_text(toml)
    write(root)
    return root


def edit(root, change):
    lines = [json.loads(line) for line in (root / "samples.jsonl").read_text().splitlines()]
    change(lines)
    (root / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def suite_of(root, **promise):
    return bench.check_suite(bench.load(root), bench.Suite(**promise))


@pytest.mark.parametrize("name", ["whodoes", "whodoes-lite"])
def test_whodoes_keeps_what_it_promises(name):
    found = bench.load(ROOT / name)
    report = bench.check_suite(found, found.suite)
    assert not report.faults
    assert report.twins == report.samples == 2 * report.scenes
    assert report.scenes == {"whodoes": 160, "whodoes-lite": 60}[name]
    assert not report.unknown


def test_whodoes_is_what_its_pairs_say(tmp_path):
    for name in ("whodoes", "whodoes-lite"):
        (tmp_path / name).mkdir()
    (tmp_path / "whodoes/pairs.toml").write_bytes((ROOT / "whodoes/pairs.toml").read_bytes())
    write(tmp_path / "whodoes", tmp_path / "whodoes-lite")
    for name in ("whodoes", "whodoes-lite"):
        for file in ("samples.jsonl", "prompts.jsonl"):
            assert (tmp_path / name / file).read_bytes() == (ROOT / name / file).read_bytes(), (
                "run python -m intergeneval.bench.twins benchmarks/whodoes --lite benchmarks/whodoes-lite"
            )


def test_a_pair_becomes_two_samples_with_one_first_frame_text_and_both_roles_exchanged():
    pair = Pair(
        id="coats",
        who=("*woman* in a green coat", "*woman* in a red coat"),
        acts=("a pushes b; part hand", "b waves to a"),
        prompt="{A} pushes {b}, and {b} waves to {a}.",
        frame="Two women stand.",
        cast="people",
        level=1,
    )
    first, second = pair.samples()
    green, red = "woman in a green coat", "woman in a red coat"
    assert first.prompt == f"The {green} pushes the {red}, and the {red} waves to the {green}."
    assert second.prompt == f"The {red} pushes the {green}, and the {green} waves to the {red}."
    assert [(act.subject, act.object, act.twin_of) for act in first.interactions] == [
        ("id1", "id2", "coats-b"),
        ("id2", "id1", "coats-b"),
    ]
    assert [(act.subject, act.object, act.twin_of) for act in second.interactions] == [
        ("id2", "id1", "coats-a"),
        ("id1", "id2", "coats-a"),
    ]
    assert first.instances == second.instances
    assert first.image_prompt == second.image_prompt == "Two women stand."
    assert first.scene == second.scene == "coats"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("*woman* in a green coat", "woman in a green coat", "class noun between asterisks"),
        ("a pushes b", "a gadgetizes b", "the lexicon does not know 'gadgetizes'"),
        ("a pushes b", "a pushes d", "names 'd', and there are 3 instances"),
        ("with c", "wth c", "'wth c' in"),
        ("on {c}", "away", "{c} does not occur"),
        ('cast = "people"', 'cast = "plants"', "cast 'plants' is not one of"),
        ("level = 2", "level = 4", "level 4 is not 1, 2 or 3"),
        ("level = 2", "levle = 2", "unknown field 'levle'"),
    ],
)
def test_a_faulty_pair_is_named_with_what_is_wrong(tmp_path, old, new, said):
    path = tmp_path / "pairs.toml"
    path.write_text(PAIR.replace(old, new))
    with pytest.raises(BenchError, match="coats") as error:
        read_pairs(path)
    assert said in str(error.value)


def test_the_list_for_image_to_video_tells_what_the_first_frame_text_shows(tmp_path):
    root = twins(tmp_path / "small")
    rows = [Row.from_json(json.loads(line)) for line in (root / "prompts.jsonl").read_text().splitlines()]
    assert rows[0].image_prompt.startswith("Two women stand in the snow")
    assert rows[0].interactions[0].touching_at_start == "no"
    assert bench.load(root).samples[0].interactions[0].touching_at_start == "unknown"
    assert not bench.check(root)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda lines: lines[1].update(prompt=lines[1]["prompt"].replace("pushes", "gently pushes")),
            "its prompt is not that of",
        ),
        (lambda lines: lines[1].update(image_prompt="Another picture."), "its image_prompt is not that of"),
        (lambda lines: lines[1].update(tags=["people"]), "its tags is not that of"),
        (lambda lines: lines[1].update(scene="elsewhere"), "its scene is not that of"),
        (lambda lines: lines[1]["interactions"][1].update(part="hand"), "its interactions are not those of"),
        (lambda lines: [line["interactions"][0].update(verb="pulls") for line in lines], "its prompt does not say 'pulls'"),
    ],
)
def test_twins_that_differ_in_more_than_roles_are_named(tmp_path, change, said):
    root = twins(tmp_path / "small")
    assert not suite_of(root, twins=True).faults
    edit(root, change)
    # Loading refuses some of these already; the report must name them all the same.
    samples = [Sample.from_json(json.loads(line)) for line in (root / "samples.jsonl").read_text().splitlines()]
    loaded = dataclasses.replace(bench.load(ROOT / "whodoes"), samples=tuple(samples))
    report = bench.check_suite(loaded, bench.Suite(twins=True))
    assert any(said in fault.problem for fault in report.faults), report.faults


def test_prompts_that_say_nearly_the_same_are_named(tmp_path):
    copy = PAIR.replace("coats", "jackets").replace("in the snow", "on the ice").replace("wooden", "plastic")
    root = twins(tmp_path / "small", PAIR + copy)
    report = suite_of(root, similar=0.5)
    assert [fault.sample for fault in report.faults] == ["coats-a"]
    assert report.closest[0].second == "jackets-a"
    assert report.closest[0].share > 0.7


def test_a_promised_share_that_is_not_kept_is_a_fault_with_exit_code_2(tmp_path):
    root = twins(tmp_path / "small", toml=TOML + '[suite]\n[suite.least]\n"contact no" = 0.5\n"tag people | tag animals" = 1\n')
    result = CliRunner().invoke(main, ["bench", "check", str(root), "--suite", "--json"])
    assert result.exit_code == 2, result.output
    found = json.loads(result.stdout)
    assert [fault["problem"] for fault in found["faults"]] == ["0.000 of the samples carry 'contact no', promised are 0.5"]
    assert found["suite"]["promised"]["tag people | tag animals"] == {"least": 1, "found": 1}
    assert CliRunner().invoke(main, ["bench", "check", str(root)]).exit_code == 0


def test_a_promise_that_cannot_be_read_is_a_fault_of_bench_toml(tmp_path):
    root = twins(tmp_path / "small", toml=TOML + "[suite]\nsimilar = 3\n")
    assert [fault.field for fault in bench.check(root)] == ["suite"]


def test_labels_of_several_interactions_are_those_of_the_first(tmp_path):
    labels = set(suite_labels(bench.load(twins(tmp_path / "small")).samples[0]))
    assert {"category force", "contact yes", "tool yes", "interactions 2", "several of a class yes"} <= labels
    assert "category social" not in labels


def test_twins_whose_first_frames_or_masks_hold_something_else_are_named_whatever_the_files_are_called():
    whole = bench.load(ROOT / "staged-twins")
    first, second = whole.samples[:2]
    mask = first.instances[0].mask
    renamed = dataclasses.replace(
        second, image="first_frames/b.jpg", hashes={**second.hashes, "first_frames/b.jpg": second.hashes[second.image]}
    )
    alike = bench.check_suite(dataclasses.replace(whole, samples=(first, renamed)), bench.Suite(twins=True))
    assert not alike.faults
    for path, said in ((first.image, "its image is not that of"), (mask, "its mask of id1 is not that of")):
        other = dataclasses.replace(second, hashes={**second.hashes, path: "0" * 64})
        report = bench.check_suite(dataclasses.replace(whole, samples=(first, other)), bench.Suite(twins=True))
        assert {fault.problem.partition(" 'staged")[0] for fault in report.faults} == {said}


def test_an_interaction_of_two_of_one_class_says_by_the_colours_of_the_boxes_who_does_it():
    first, second = bench.load(ROOT / "whodoes").samples[:2]
    assert {item.class_ for item in first.instances} == {"woman", "newspaper"}
    assert in_words(first, first.interactions[0]) == "woman (red box) taps woman (blue box)"
    assert in_words(second, second.interactions[0]) == "woman (blue box) taps woman (red box)"
