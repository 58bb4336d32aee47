"""What a dataset holds is counted and shown, its datasheet makes nothing up, and decisions are carried out."""

import json
import re
from dataclasses import replace

import pytest
import tiny_pipeline
from click.testing import CliRunner

from matrix_train.cli import main, options
from matrix_train.data.clips import read_own, write_own
from matrix_train.datasets.datasheet import OPEN, plain
from matrix_train.datasets.statistics import Look, Statistics, funnel, statistics
from matrix_train.datasets.writing import Dropped

POISON = "<script>window.owned=1</script>"


def run(*words, code=0):
    done = CliRunner().invoke(main, ["dataset", *map(str, words)])
    assert done.exit_code == code, done.output
    return done


@pytest.fixture
def data(tmp_path):
    root = tiny_pipeline.dataset(tmp_path / "set", clips=4)
    clips = [
        replace(clip, source=f"film-{index // 2}", licence="CC0" if index else "", more='{"rating": 4}')
        for index, clip in enumerate(read_own(root))
    ]
    write_own(root, tuple(clips[:3]))
    lines = [
        {"clip": "a", "stage": "filters", "kind": "dark", "reason": "lightness 0.05", "video": clips[3].video, "measured": {}},
        {"clip": "b", "stage": "filters", "kind": "dark", "reason": f"lightness {POISON}", "measured": {}},
        {"clip": "c", "stage": "doubles", "kind": "double", "reason": "as clip0", "video": "../outside.mp4"},
    ]
    (root / "dropped.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return root


def test_numbers_are_those_of_the_lines_and_the_videos(data):
    said = json.loads(run("stats", data, "--json").stdout)
    assert said == json.loads((data / "statistics.json").read_text())
    found = Statistics.from_json(said)
    assert (found.clips, found.bodies, found.acts, found.looked_up) == (3, 6, 3, 3)
    assert found.sources == {"film-0": 2, "film-1": 1}
    assert found.licences == {"CC0": 2, "not told": 1}
    assert found.seconds == pytest.approx(3 * tiny_pipeline.FRAMES / 8)
    assert found.rates == {"8": 3}
    assert found.lengths == {"1 to 2": 3}
    assert found.sizes == {f"{tiny_pipeline.SIDE}x{tiny_pipeline.SIDE}": 3}
    assert found.splits == {}
    assert [(item.stage, item.came, item.dropped, item.left) for item in found.funnel] == [
        ("filters", 6, 2, 4),
        ("doubles", 4, 1, 3),
    ]
    assert found.funnel[0].kinds == {"dark": 2}


def test_counts_do_not_depend_on_the_order_and_lengths_at_an_edge_are_in_one_bar(data):
    clips = read_own(data)
    looks = {clip.id: Look(size=(4, 6), frames=frames, rate=8.0) for clip, frames in zip(clips, (8, 16, 800), strict=True)}
    found = statistics(clips, looks, ())
    assert found.lengths == {"1 to 2": 1, "2 to 3": 1, "60 and more": 1}
    assert statistics(clips[::-1], looks, ()) == found
    assert list(statistics(clips[::-1], looks, ()).sources) == list(found.sources)
    untold = statistics(clips, {clips[0].id: Look(size=(4, 6), frames=8, rate=None), clips[1].id: "torn"}, ())
    assert (untold.untimed, untold.unreadable, untold.rates) == (1, {clips[1].id: "torn"}, {"not told": 1})


def test_a_category_that_the_dataset_tells_comes_before_the_lexicons(data):
    clip = read_own(data)[0]
    act = replace(clip.interactions[0], verb="pushes")
    assert list(statistics([replace(clip, interactions=(act,))], {}, ()).categories) == ["force"]
    told = replace(clip, interactions=(replace(act, category="social"), replace(act, verb="zorbs")))
    found = statistics([told], {}, ())
    assert (found.categories, found.looked_up, found.verbs) == ({"other": 1, "social": 1}, 1, {"push": 1, "zorbs": 1})


def test_reasons_without_a_kind_are_counted_by_their_words():
    dropped = [Dropped(clip=name, stage="from-bench", reason=reason) for name, reason in (("a", "x"), ("b", "x"), ("c", "y"))]
    assert funnel(2, dropped)[0].kinds == {"x": 2, "y": 1}


def test_the_page_shows_examples_of_what_was_left_out_needs_no_script_and_runs_none(data, tmp_path):
    run("stats", data, "--out", tmp_path / "out")
    page = (tmp_path / "out/statistics.html").read_text()
    assert "<script" not in page
    assert "lightness &lt;script&gt;" not in page  # it names no video, so it is no example
    assert "a: lightness 0.05" in page
    assert "lies outside the dataset" in page
    assert page.count("<img") == 3 + 1
    assert "6 clips came, 3 are in the dataset." in page
    assert 'aria-label="6 clips came, 2 were left out, 4 went on"' in page
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["statistics.html", "statistics.json"]


def test_texts_of_a_dataset_stay_texts_on_the_page(data, tmp_path):
    write_own(data, tuple(replace(clip, source=POISON) for clip in read_own(data)))
    run("stats", data, "--out", tmp_path)
    page = (tmp_path / "statistics.html").read_text()
    assert POISON not in page
    assert "&lt;script&gt;window.owned=1&lt;/script&gt;" in page


def test_a_video_that_cannot_be_read_is_named_and_the_rest_is_counted(data):
    (data / "videos/clip1.mp4").write_bytes(b"none")
    done = run("stats", data)
    assert "note: clip1: " in done.output
    assert "1 videos cannot be read" in (data / "statistics.html").read_text()
    assert json.loads((data / "statistics.json").read_text())["sizes"] == {f"{tiny_pipeline.SIDE}x{tiny_pipeline.SIDE}": 2}


def test_a_line_of_what_was_left_out_that_is_none_is_named(data):
    (data / "dropped.jsonl").write_text('{"clip": "a", "stage": "x"}\n')
    assert "dropped.jsonl:1: field 'reason' is missing" in run("stats", data, code=2).output


def test_the_datasheet_answers_what_the_data_tell_and_marks_the_rest(data):
    run("datasheet", data)
    text = (data / "DATASHEET.md").read_text()
    assert "3 clips, 0.1 minutes, 6 instances and 3 interactions." in text
    assert "| filters | 6 | 2 | dark (2) |" in text
    assert "As the clips' lines say: CC0 (2), not told (1)." in text
    assert "By what their files name: hand (3)." in text
    assert "Fields that training does not read: rating." in text
    assert "No. `matrix-train dataset split` makes one" in text
    # Every question has an answer, or the mark of one that is yours.
    questions = re.findall(r"^\*\*[^\n]+\?\*\*\n(.*?)(?=\n\*\*|\n## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(questions) == text.count("?**") > 30
    assert all(answer.strip() for answer in questions)
    assert text.count(OPEN) > 15


def test_the_datasheet_claims_nothing_that_the_data_do_not_tell(data):
    write_own(data, tuple(replace(clip, source="", licence="", more="") for clip in read_own(data)))
    (data / "dropped.jsonl").unlink()
    run("datasheet", data)
    text = (data / "DATASHEET.md").read_text()
    assert "3 clips do not tell their source." in text
    assert "3 clips do not tell their licence." in text
    assert f"**Under which terms?**\nThe data do not tell. {OPEN}" in text
    assert f"The data tell of none that was left out. {OPEN}" in text
    assert "Fields that training" not in text


def test_a_datasheet_that_somebody_has_written_in_is_never_written_over(data):
    run("datasheet", data)
    run("datasheet", data)
    path = data / "DATASHEET.md"
    mine = path.read_text().replace(OPEN, "By us.", 1)
    path.write_text(mine)
    assert "says something else; give --out another file" in run("datasheet", data, code=2).output
    assert path.read_text() == mine


def test_texts_of_a_dataset_format_nothing_in_markdown():
    assert plain("a *b* | <i>\n# [x](y) & `z`") == r"a \*b\* \| \<i\> \# \[x\]\(y\) &amp; \`z\`"


def decide(path, root, decided):
    states = {clip.id: clip.state for clip in read_own(root)}
    lines = [{"clip": name, "state": states[name], "note": "", "fields": {}, **made} for name, made in decided.items()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_decisions_that_are_applied_change_and_drop_clips_and_the_page_counts_them(data, tmp_path):
    before = read_own(data)
    act = {**before[1].interactions[0].to_json(), "verb": "chases"}
    path = decide(
        tmp_path / "review.json",
        data,
        {
            "clip0": {"decision": "drop", "note": "blurred"},
            "clip1": {"decision": "fix", "fields": {"interactions": [act]}},
            "clip2": {"decision": "accept"},
        },
    )
    assert "1 clips were changed, 1 left the dataset" in run("review", data, "--decisions", path, "--apply").output
    after = read_own(data)
    assert [clip.id for clip in after] == ["clip1", "clip2"]
    assert (after[0].interactions[0].verb, after[0].said("rating"), after[1]) == ("chases", 4, before[2])
    found = json.loads(run("stats", data, "--json").stdout)["funnel"]
    assert [(item["stage"], item["came"]) for item in found] == [("filters", 6), ("doubles", 4), ("review", 3)]
    # They are about another state now.
    assert "decisions are about" in run("review", data, "--decisions", path, "--apply", code=2).output


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "no field says how"),
        ({"video": "x.mp4"}, "video is nothing that a decision changes"),
        ({"caption": 3}, "review of clip0.caption: expected a text"),
        ({"caption": "short"}, "words of a role lie outside of the caption"),
    ],
)
def test_a_fix_that_cannot_be_is_refused_and_nothing_is_written(data, tmp_path, fields, said):
    path = decide(tmp_path / "r.json", data, {"clip0": {"decision": "fix", "fields": fields}, "clip1": {"decision": "drop"}})
    before = {path.name: path.read_bytes() for path in data.glob("*.jsonl")}
    assert said in run("review", data, "--decisions", path, "--apply", code=2).output
    assert {path.name: path.read_bytes() for path in data.glob("*.jsonl")} == before


def test_a_long_look_says_how_far_it_is_and_a_short_one_nothing(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(options.time, "monotonic", lambda: now[0])
    pace = options.Pace()
    for done in range(1, 31):
        now[0] += 0.5
        pace(done, 40, f"clip{done}")
    assert capsys.readouterr().err == "20/40, 2 a second, 10 s left, last clip20\n"
