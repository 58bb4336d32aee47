import csv
import io
import json
import os
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.errors import RecordError, UsageError
from intergeneval.ids import sha256_bytes
from intergeneval.records import Consistency, RunHeader, Score
from intergeneval.report import MAX_SINGLE, ReportOptions, write_report
from tests.report.report_world import TEMPLATES, World, build, write_lines

VOID = {"meta", "link", "input", "br", "img", "path", "rect"}


class Page(HTMLParser):
    """Checks that tags nest and ids are unique; collects links, media and the text outside scripts."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.media, self.texts = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []
        assert len(set(self.ids)) == len(self.ids)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        assert not any(name.startswith("on") or name == "style" for name in given)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        if "src" in given:
            self.media.append(given["src"])

    def handle_startendtag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)


def page(path):
    return Page(path.read_text(encoding="utf-8"))


def change_header(folder, **changes):
    path = folder / "run.json"
    header = RunHeader.from_json(json.loads(path.read_text(encoding="utf-8")))
    comparability = replace(header.comparability, **changes)
    path.write_text(json.dumps(replace(header, comparability=comparability, key=comparability.key).to_json()), encoding="utf-8")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A folder report of three models and ten samples, one video missing."""
    root = tmp_path_factory.mktemp("shown")
    folders = build(root, World(samples=10, missing=(("cirrus", 2),)))
    return write_report(folders, root / "report", ReportOptions(published=("models",))), folders, root


def test_every_page_nests_and_every_link_and_file_is_there(shown):
    written, _, root = shown
    paths = [written.path, *sorted((root / "report" / "samples").iterdir())]
    assert len(paths) == 11
    for path in paths:
        found = page(path)
        for link in found.links + found.media:
            target, _, anchor = link.partition("#")
            file = path if not target else (path.parent / target).resolve()
            assert file.is_file(), link
            assert file.is_relative_to(root / "report")
            if anchor and file.suffix == ".html" and "/frame=" not in anchor:
                assert anchor in page(file).ids, link


def test_the_leaderboard_shows_means_intervals_ties_and_what_is_missing(shown):
    written, _, _ = shown
    text = page(written.path).text
    [group] = written.report.groups
    assert [row.label for row in group.rows] == ["atlas", "borealis", "cirrus"]
    for row in group.rows:
        assert f"{row.main.mean:.3f}" in text
        assert f"[{row.main.low:.3f}, ".replace("-", "−") in text
    assert "1 missing" in text
    assert "29 of 30 videos scored" in text
    assert "Unexamined judge." in text


def test_published_rows_are_marked_and_stand_outside_the_ranking(shown):
    written, _, _ = shown
    text = page(written.path).text
    assert "Published, not ranked" in text
    assert "differs from these runs in bench, judge, sampling, profile" in text
    assert {row.label for group in written.report.groups for row in group.rows} == {"atlas", "borealis", "cirrus"}


def test_a_sample_page_spells_out_questions_answers_and_arithmetic(shown):
    _, folders, root = shown
    found = page(root / "report" / "samples" / "transport-002.html")
    assert "yes / answered = " in found.text
    assert "½ [(1 − 5 × 0/10)" in found.text
    assert "missing no file called transport-002.mp4" in found.text
    assert "counts as 0.000" in found.text
    scores = [Score.from_line(line) for line in (folders[0] / "scores.jsonl").read_text(encoding="utf-8").splitlines()]
    mine = next(score for score in scores if score.sample_id == "transport-002")
    assert str(mine.if_) in found.text


def test_equal_runs_give_equal_bytes_and_an_old_report_is_replaced_as_a_whole(shown, tmp_path):
    _, folders, root = shown
    out = tmp_path / "elsewhere"
    options = ReportOptions(published=("models",))
    write_report(folders[:1], out)
    (out / "samples" / "stale.html").write_text("old", encoding="utf-8")
    write_report(folders, out, options)
    first = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    second = {path.relative_to(root / "report"): path.read_bytes() for path in (root / "report").rglob("*") if path.is_file()}
    assert first == second


def test_a_folder_that_is_no_report_is_left_alone(shown, tmp_path):
    _, folders, _ = shown
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(UsageError, match="holds something that is not a report"):
        write_report(folders, tmp_path)
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_downloads_hold_the_unrounded_numbers(shown):
    written, _, root = shown
    [group] = written.report.groups
    content = json.loads((root / "report" / "data" / "report.json").read_text(encoding="utf-8"))
    assert content["groups"][0]["models"][0]["estimates"]["if"]["mean"] == group.rows[0].main.mean
    lines = list(csv.DictReader(io.StringIO((root / "report" / "data" / "scores.csv").read_text(encoding="utf-8"))))
    assert len(lines) == 30
    assert float(lines[0]["if"]) == group.rows[0].run.scores[0].if_


def test_runs_made_differently_stand_in_separate_tables(tmp_path):
    folders = build(tmp_path, World(samples=4, tracks=False))
    change_header(folders[2], judge="another", tracker="flow")
    written = write_report(folders, tmp_path / "report")
    assert [sorted(row.label for row in group.rows) for group in written.report.groups] == [["atlas", "borealis"], ["cirrus"]]
    text = page(written.path).text
    assert "Differs from leaderboard 1 in: judge, tracker." in text
    assert all(len(group.pairs) == size * (size - 1) // 2 for group, size in zip(written.report.groups, (2, 1), strict=True))


def test_equal_sample_ids_of_different_benchmarks_keep_pages_of_their_own(tmp_path):
    folders = build(tmp_path, World(models=("atlas", "borealis"), samples=2, tracks=False))
    change_header(folders[1], bench="0" * 64)
    write_report(folders, tmp_path / "report")
    names = sorted(path.name for path in (tmp_path / "report" / "samples").iterdir())
    assert len(names) == 4
    assert "atlas" in page(tmp_path / "report" / "samples" / "contact-000.html").text
    assert "borealis" not in page(tmp_path / "report" / "samples" / "contact-000.html").text


def test_upper_bounds_print_as_such_everywhere(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=4, partial=("emergence",), tracks=False))
    written = write_report(folders, tmp_path / "report")
    mean = written.report.groups[0].rows[0].main.mean
    text = page(written.path).text
    assert f"<= {mean:.3f}" in text
    assert "Not assessed: emergence" in text
    assert "emergence was not assessed and stands at its best value" in page(tmp_path / "report/samples/contact-000.html").text


def test_models_of_one_name_are_told_apart_by_their_folders(tmp_path):
    [first] = build(tmp_path / "a", World(models=("atlas",), samples=2, tracks=False))
    [second] = build(tmp_path / "b", World(models=("atlas",), samples=2, tracks=False))
    written = write_report([first, second], tmp_path / "report")
    labels = [row.label for row in written.report.groups[0].rows]
    assert len(set(labels)) == 2
    assert all(label.startswith(("atlas (", "atlas #")) for label in labels)


def test_several_seeds_are_shown_side_by_side_and_averaged_by_prompt(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=2, seeds=(0, 1), tracks=False))
    written = write_report(folders, tmp_path / "report")
    row = written.report.groups[0].rows[0]
    assert (row.main.prompts, row.main.videos) == (2, 4)
    text = page(tmp_path / "report" / "samples" / "contact-000.html").text
    assert "seed 0" in text
    assert "seed 1" in text


def test_one_file_holds_everything_or_says_that_it_is_too_much(tmp_path):
    folders = build(tmp_path / "small", World(models=("atlas",), samples=2, videos=True))
    written = write_report(folders, tmp_path / "report.html")
    found = page(written.path)
    assert written.pages == 2
    kinds = [source.partition(",")[0] for source in found.media]
    assert kinds == ["data:image/webp;base64"] * 4 + ["data:image/jpeg;base64", "data:video/mp4;base64"] * 2
    assert all(link.startswith(("#", "data:")) for link in found.links)
    many = build(tmp_path / "many", World(models=("atlas",), samples=MAX_SINGLE + 1, tracks=False))
    with pytest.raises(UsageError, match="one file holds at most 30 samples, these runs have 31; name a folder instead"):
        write_report(many, tmp_path / "many.html")


def test_a_video_that_changed_or_went_away_is_named_and_not_shown(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=3, videos=True))
    videos = sorted((tmp_path / "models" / "atlas").iterdir())
    videos[0].write_bytes(videos[1].read_bytes())
    videos[2].unlink()
    write_report(folders, tmp_path / "report")
    texts = [page(path).text for path in sorted((tmp_path / "report" / "samples").iterdir())]
    assert "the file has changed since it was scored" in texts[0]
    assert "No video here" not in texts[1]
    assert "is no longer where the run found it" in texts[2]


def test_a_video_whose_place_cannot_be_read_is_named_on_its_page_and_shown_from_another_folder_that_holds_it(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=2, videos=True))
    first, _ = sorted((tmp_path / "models" / "atlas").iterdir())
    (tmp_path / "kept").mkdir()
    shutil.copy(first, tmp_path / "kept" / first.name)
    first.unlink()
    os.mkfifo(first)
    write_report(folders, tmp_path / "report")
    write_report(folders, tmp_path / "named", ReportOptions(media=(tmp_path / "kept",)))
    texts = [page(next((tmp_path / name / "samples").glob(f"{first.stem}*"))).text for name in ("report", "named")]
    assert ["No video here" in text for text in texts] == [True, False]


@pytest.mark.parametrize(("status", "shown"), [("foreign_first_frame", True), ("undecodable", False)])
def test_a_video_without_a_score_is_shown_as_long_as_it_plays(tmp_path, status, shown):
    folders = build(tmp_path, World(models=("atlas",), samples=1, videos=True))
    for name in ("tracks", "answers", "consistency"):
        (folders[0] / f"{name}.jsonl").write_text("", encoding="utf-8")
    for name, changes in (("videos", {"status": status}), ("scores", {"status": status, "if": None})):
        path = folders[0] / f"{name}.jsonl"
        record = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**record, **changes, "reason": "another picture"}) + "\n", encoding="utf-8")
    write_report(folders, tmp_path / "report")
    found = page(next((tmp_path / "report" / "samples").iterdir()))
    assert [source.endswith(".mp4") for source in found.media if "first" not in source] == [True] * shown
    assert "another picture" in found.text
    assert "No video here" not in found.text


def test_a_video_path_that_leaves_its_folder_is_not_followed(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=1, tracks=False))
    (tmp_path / "models" / "secret.mp4").write_bytes(b"private")
    path = folders[0] / "videos.jsonl"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, "path": "../secret.mp4"}) + "\n", encoding="utf-8")
    with pytest.raises(RecordError, match=r"videos.jsonl:1.path: the path '../secret.mp4' leaves its folder"):
        write_report(folders, tmp_path / "report")
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("known", [True, False])
def test_a_picture_of_this_machine_that_a_run_names_is_published_only_from_a_folder_that_the_user_names_too(tmp_path, known):
    folders = build(tmp_path, World(models=("atlas",), samples=1, tracks=False))
    secrets = tmp_path / "private"
    secrets.mkdir()
    content = b"\x89PNG secret"
    (secrets / "me.png").write_bytes(content)
    header, samples = folders[0] / "run.json", folders[0] / "samples.jsonl"
    told = json.loads(header.read_text(encoding="utf-8"))
    header.write_text(json.dumps({**told, "config": {**told["config"], "bench": str(secrets)}}) + "\n", encoding="utf-8")
    sample = json.loads(samples.read_text(encoding="utf-8"))
    hashes = {"me.png": sha256_bytes(content)} if known else {}
    samples.write_text(json.dumps({**sample, "image": "me.png", "hashes": hashes}) + "\n", encoding="utf-8")
    write_report(folders, tmp_path / "report")
    write_report(folders, tmp_path / "named", ReportOptions(media=(secrets,)))
    found = [
        any(content == path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file())
        for name in ("report", "named")
    ]
    assert found == [False, known]


def test_damaged_tracks_are_named_on_their_page_and_spoil_no_other(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=2))
    path = folders[0] / "tracks.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    lines[0]["tracks"][0]["masks"][0] = "0"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    write_report(folders, tmp_path / "report")
    texts = [page(item).text for item in sorted((tmp_path / "report" / "samples").iterdir())]
    assert sum("No outlines: tracks of" in text for text in texts) == 1


def test_frames_that_a_judge_marked_as_impossible_have_a_line_of_their_own_and_no_run_without_marks_has_one(tmp_path):
    folders = build(tmp_path, World(models=("atlas", "borealis"), samples=1))
    (line,) = (folders[0] / "consistency.jsonl").read_text(encoding="utf-8").splitlines()
    check = Consistency.from_line(line)
    write_lines(folders[0] / "consistency.jsonl", [replace(check, implausible=tuple(frame == 10 for frame in check.frames))])
    written = write_report(folders, tmp_path / "report", ReportOptions())
    (path,) = sorted((tmp_path / "report" / "samples").iterdir())
    text = path.read_text(encoding="utf-8")
    assert text.count('aria-label="impossible body: frames 10"') == text.count('aria-label="impossible body') == 1
    assert written.path.exists()


def test_a_judge_card_is_shown_where_judge_revision_and_templates_match(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=2, tracks=False))
    card = {
        "accuracy": 0.97,
        "kappa": 0.93,
        "intervals": {"accuracy": [0.95, 0.98]},
        "faults": {"no-action": 0.99},
        "judge": "geometry",
        "judge_revision": "1",
        "templates": TEMPLATES,
        "tracker": "flow",
        "detector": "staged",
    }
    path = tmp_path / "card.json"
    path.write_text(json.dumps(card), encoding="utf-8")
    text = page(write_report(folders, tmp_path / "one", ReportOptions(cards=(path,))).path).text
    assert "0.970 [0.950, 0.980]" in text
    assert "Unexamined judge." not in text
    assert "Examined with other masks: tracker flow , which these runs did not use." in text
    assert "a judge examined with other masks" in text
    path.write_text(json.dumps({**card, "judge_revision": "2"}), encoding="utf-8")
    assert "Unexamined judge." in page(write_report(folders, tmp_path / "two", ReportOptions(cards=(path,))).path).text
    found = tmp_path / "exams" / "geometry" / "card.json"
    found.parent.mkdir(parents=True)
    found.write_text(json.dumps(card), encoding="utf-8")
    assert "Unexamined judge." not in page(write_report(folders, tmp_path / "three").path).text


def test_columns_of_other_suites_stand_in_the_leaderboard_and_misspelt_models_are_refused(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=2, tracks=False))
    table = tmp_path / "vbench.csv"
    table.write_text("model,aesthetic\natlas,0.6123\n", encoding="utf-8")
    text = page(write_report(folders, tmp_path / "report", ReportOptions(columns=(str(table),))).path).text
    assert "aesthetic" in text
    assert "0.6123" in text
    table.write_text("model,aesthetic\natlsa,0.6\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no run is of model 'atlsa'; there are atlas"):
        write_report(folders, tmp_path / "report", ReportOptions(columns=(str(table),)))


POISON = '<script>alert(1)</script>"><img src=x onerror=alert(1)>{{7*7}}\u202e=cmd'


def test_texts_from_outside_are_escaped_isolated_and_never_templates(tmp_path):
    folders = build(tmp_path, World(models=("atlas", "borealis"), samples=2, poison=POISON + "long " * 2000))
    write_report(folders, tmp_path / "report")
    for path in (tmp_path / "report").rglob("*.html"):
        raw = path.read_text(encoding="utf-8")
        assert "<script>alert" not in raw
        assert "<img src=x" not in raw
        assert "{{7*7}}" in raw
        assert "49" not in re.findall(r"onerror=alert\(1\)&gt;(\d+)", raw)
        assert POISON in page(path).text
    names = {path.name for path in (tmp_path / "report" / "samples").iterdir()}
    assert all(re.fullmatch(r"[a-z0-9-]+\.html", name) for name in names)


def test_scores_without_a_sample_or_no_scores_at_all_are_named(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=1, tracks=False))
    write_lines(folders[0] / "samples.jsonl", [])
    with pytest.raises(UsageError, match=r"sample 'contact-000' is not in samples\.jsonl"):
        write_report(folders, tmp_path / "report")
    (folders[0] / "scores.jsonl").unlink()
    with pytest.raises(UsageError, match="has no scores yet"):
        write_report(folders, tmp_path / "report")


def test_the_command_writes_a_report_and_tells_usage_errors_from_others(tmp_path):
    folders = [str(folder) for folder in build(tmp_path, World(models=("atlas", "borealis"), samples=2, tracks=False))]
    out = str(tmp_path / "report")
    runner = CliRunner()
    done = runner.invoke(main, ["report", *folders, "-o", out])
    assert done.exit_code == 0, done.output
    assert "atlas  IF 0." in done.output
    as_json = runner.invoke(main, ["report", *folders, "-o", out, "--json"])
    assert json.loads(as_json.output)["path"].endswith("index.html")
    for wrong in (["--reference", "nobody"], ["--published", "nothing"], ["--columns", "nowhere.csv"], [folders[0]]):
        failed = runner.invoke(main, ["report", *folders, "-o", out, *wrong])
        assert failed.exit_code == 2, wrong
        assert "error: " in failed.output


def test_slices_by_tag_are_folded_and_those_of_the_protocol_are_not(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=5, tracks=False, poison="-x"))
    raw = write_report(folders, tmp_path / "report").path.read_text(encoding="utf-8")
    open_part, _, folded = raw.partition("<summary>Slices by tag</summary>")
    assert "<small>category</small> <bdi>contact</bdi>" in open_part
    assert "<small>tag</small> <bdi>poison-x</bdi>" in folded


def change_config(folder, **changes):
    path = folder / "run.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["config"].update(changes)
    path.write_text(json.dumps(content), encoding="utf-8")


def test_the_command_to_make_the_page_again_names_each_run_and_keeps_whose_columns_a_file_holds(tmp_path):
    [first] = build(tmp_path / "a", World(models=("atlas",), samples=1, tracks=False))
    [second] = build(tmp_path / "b", World(models=("borealis",), samples=1, tracks=False))
    for place, folder in enumerate((first, second)):
        folder.rename(tmp_path / f"part-{place}")
    folders = [tmp_path / "part-0", tmp_path / "part-1"]
    result = tmp_path / "vbench.json"
    result.write_text('{"aesthetic": [0.5, []]}', encoding="utf-8")
    written = write_report(folders, tmp_path / "report", ReportOptions(columns=(f"atlas={result}",)))
    above = tmp_path.name
    assert f"report {above}/part-0 {above}/part-1 -o report --columns atlas=vbench.json" in written.report.command
    assert str(tmp_path.parent) not in written.report.command


def test_a_file_of_the_same_name_elsewhere_does_not_make_a_video_changed(tmp_path, monkeypatch):
    folders = build(tmp_path, World(models=("atlas",), samples=1, videos=True))
    [video] = (tmp_path / "models" / "atlas").iterdir()
    (folders[0] / video.name).write_bytes(video.read_bytes())
    video.write_bytes(b"another one")
    write_report(folders, tmp_path / "one")
    [path] = (tmp_path / "one" / "samples").iterdir()
    assert "No video here" not in page(path).text
    # The argument of a staged model is a policy; a folder of that name has nothing to do with the run.
    (folders[0] / video.name).unlink()
    (tmp_path / "perfect").mkdir()
    (tmp_path / "perfect" / video.name).write_bytes(b"something else")
    change_config(folders[0], model="staged:perfect")
    monkeypatch.chdir(tmp_path)
    write_report(folders, tmp_path / "two")
    [path] = (tmp_path / "two" / "samples").iterdir()
    assert "is no longer where the run found it" in page(path).text


def test_a_run_is_complete_by_the_share_it_allowed_itself(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=4, missing=(("atlas", 0),), tracks=False))
    assert not write_report(folders, tmp_path / "one").report.groups[0].rows[0].completeness.complete
    change_config(folders[0], allowed_unscored=0.5)
    assert write_report(folders, tmp_path / "two").report.groups[0].rows[0].completeness.complete


def test_tie_groups_have_the_ranks_that_compare_prints(tmp_path):
    folders = build(tmp_path, World(models=("atlas", "borealis", "cirrus"), samples=40, tracks=False))
    for name in ("scores.jsonl", "answers.jsonl"):
        (folders[1] / name).write_bytes((folders[0] / name).read_bytes())
    rows = write_report(folders, tmp_path / "report").report.groups[0].rows
    assert [(row.label, row.tie_group) for row in rows] == [("atlas", 1), ("borealis", 1), ("cirrus", 3)]


def test_columns_of_a_sample_are_found_by_the_label_that_tells_two_runs_of_a_model_apart(tmp_path):
    [first] = build(tmp_path / "a", World(models=("atlas",), samples=1, tracks=False))
    [second] = build(tmp_path / "b", World(models=("atlas",), samples=1, tracks=False))
    second = second.rename(tmp_path / "second")
    label = f"atlas ({tmp_path.name}/second)"
    table = tmp_path / "other.csv"
    table.write_text(f"model,sample_id,aesthetic\n{label},contact-000,0.6123\n", encoding="utf-8")
    write_report([first, second], tmp_path / "report", ReportOptions(columns=(str(table),)))
    assert page(tmp_path / "report" / "samples" / "contact-000.html").text.count("aesthetic 0.6123") == 1


def test_a_table_of_samples_that_no_run_has_is_refused(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=2, tracks=False))
    table = tmp_path / "other.csv"
    table.write_text("sample_id,aesthetic\ncontact-00,0.6\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"other.csv: no run has a sample 'contact-00'.*contact-000, force-001"):
        write_report(folders, tmp_path / "report", ReportOptions(columns=(str(table),)))


def test_a_published_block_names_its_table(shown):
    written, _, _ = shown
    [table] = written.report.published
    assert f"Published, not ranked: {table.title} " in page(written.path).text
    assert table.rows[0].table in table.title


def test_first_frame_masks_of_a_model_s_own_are_told_with_runs_and_method(shown, tmp_path):
    written, folders, _ = shown
    assert "masks of its own" not in page(written.path).text
    assert "First-frame masks of a model" not in page(written.path).text
    copies = [Path(shutil.copytree(folder, tmp_path / folder.name)) for folder in folders]
    path = copies[1] / "run.json"
    header = RunHeader.from_json(json.loads(path.read_text(encoding="utf-8")))
    path.write_text(json.dumps(replace(header, own_masks=("transport-002/0",)).to_json()), encoding="utf-8")
    text = " ".join(page(write_report(copies, tmp_path / "report").path).text.split())
    assert "borealis has first-frame masks of its own for 1 of 10 samples (transport-002/0)" in text
    assert "Here these models have some: borealis ; the table of runs" in text
