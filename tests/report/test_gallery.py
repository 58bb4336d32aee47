"""The first page: posters and strips, the grid, the figures, and what stands beside a score."""

import base64
import itertools
import json
import re
from dataclasses import replace

import pytest

from intergeneval.ids import sha256_bytes
from intergeneval.records import (
    CONTROL_ID,
    Answer,
    AnswerStatus,
    AnswerValue,
    Consistency,
    Diagnostics,
    DoubtedMask,
    Interaction,
    Sample,
    Score,
    ScoreStatus,
    Video,
    VideoStatus,
)
from intergeneval.report import ReportOptions, write_report
from intergeneval.report.card import read_cards
from intergeneval.report.figures import coverage_plot, panels
from intergeneval.report.gallery import packed
from intergeneval.report.marks import marks_of
from intergeneval.report.plots import MOST_BARS, bars
from intergeneval.videos import Reader, pictures, still_paths
from tests.report.report_world import World, build, write_lines


def lines(folder, stage, cls):
    return [cls.from_json(json.loads(line)) for line in (folder / f"{stage}.jsonl").read_text(encoding="utf-8").splitlines()]


def index(root):
    return (root / "report" / "index.html").read_text(encoding="utf-8")


def data_of(text):
    return json.loads(re.search(r'id="report-data">(.*?)</script>', text, re.DOTALL)[1])


def give_stills(folder, root):
    """Write posters and strips beside a made-up run, as a run does."""
    made = []
    for video in lines(folder, "videos", Video):
        reader = Reader(root / "models" / folder.name / video.path)
        for _ in reader:
            pass
        found = pictures(reader.kept, (video.sample_id, video.seed), video.sha256)
        poster, strip = still_paths(folder, video.sample_id, video.seed)
        poster.parent.mkdir(parents=True)
        poster.write_bytes(found.poster)
        strip.write_bytes(found.strip)
        made.append(found.record)
    write_lines(folder / "stills.jsonl", made)
    return made


def test_a_report_carries_the_pictures_of_a_run_and_needs_no_video_for_them(tmp_path):
    [folder] = build(tmp_path, World(models=("atlas",), samples=2, videos=True))
    made = give_stills(folder, tmp_path)
    for path in (tmp_path / "models" / "atlas").iterdir():
        path.unlink()
    written = write_report([folder], tmp_path / "report")
    text = index(tmp_path)
    assert written.making.count == 0
    for record in made:
        name = f"{record.sample_id}-t1"
        poster = tmp_path / "report" / "stills" / f"{name}.webp"
        assert sha256_bytes(poster.read_bytes()) == record.poster_sha256
        assert f'src="stills/{name}.webp" alt="" loading="lazy" width="{record.poster_size[1]}"' in text
        assert f'src="stills/{name}.strip.webp"' in text


def test_pictures_of_a_run_of_before_are_made_from_its_videos_unless_nobody_wants_them(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=2, videos=True))
    written = write_report(folders, tmp_path / "report")
    assert (written.making.count, written.making.failed) == (2, [])
    assert written.making.seconds > 0
    assert len(list((tmp_path / "report" / "stills").iterdir())) == 4
    assert not list(folders[0].glob("stills*"))
    plain = write_report(folders, tmp_path / "report", ReportOptions(stills=False))
    assert plain.making.count == 0
    assert '<img class="poster"' not in index(tmp_path)


@pytest.mark.parametrize("damage", ["changed", "stale", "link", "no picture"])
def test_pictures_that_are_not_what_the_run_states_are_not_shown(tmp_path, damage):
    [folder] = build(tmp_path, World(models=("atlas",), samples=1, videos=True))
    [record] = give_stills(folder, tmp_path)
    poster, _ = still_paths(folder, record.sample_id, 0)
    secret = tmp_path / "secret.webp"
    secret.write_bytes(poster.read_bytes())
    if damage == "changed":
        poster.write_bytes(poster.read_bytes() + b" ")
    elif damage == "stale":
        write_lines(folder / "stills.jsonl", [replace(record, video="0" * 64)])
    elif damage == "link":
        poster.unlink()
        poster.symlink_to(secret)
    else:
        poster.write_bytes(b"root:x:0:0")
        write_lines(folder / "stills.jsonl", [replace(record, poster_sha256=sha256_bytes(b"root:x:0:0"))])
    write_report([folder], tmp_path / "report", ReportOptions(stills=False))
    assert not (tmp_path / "report" / "stills").exists()


def test_what_a_report_carries_is_a_copy_that_outlives_the_file(tmp_path):
    [folder] = build(tmp_path, World(models=("atlas",), samples=1, videos=True))
    [path] = (tmp_path / "models" / "atlas").iterdir()
    content = path.read_bytes()
    write_report([folder], tmp_path / "report")
    path.write_bytes(b"another")
    [shown] = (tmp_path / "report" / "media").glob("*.mp4")
    assert shown.read_bytes() == content
    assert not shown.is_symlink()


def test_the_grid_calls_worst_best_and_most_disputed_first_and_holds_every_sample_once(tmp_path):
    folders = build(tmp_path, World(samples=20, tracks=False))
    [group] = write_report(folders, tmp_path / "report").report.groups
    text = index(tmp_path)
    means = {
        name: sum(row.prompts[name] for row in group.rows) / 3
        for name in group.sample_ids
        if all(name in r.prompts for r in group.rows)
    }
    badges = re.findall(r'class="badge b-([a-z-]+)"', text)
    assert badges == ["worst"] * 4 + ["best"] * 4 + ["most-disputed"] * 4
    shown = re.findall(r'<h4 id="g1-c\d+"><a href="samples/([^"]+)\.html">', text)
    assert sorted(shown) == sorted(group.sample_ids)
    worst = sorted(means, key=lambda name: means[name])
    assert shown[:4] == worst[:4]
    assert shown[4:8] == worst[::-1][:4]
    shots = data_of(text)["groups"]["g1"]["gallery"]["shots"]
    assert [shot[7] for shot in shots][:4] == sorted(shot[7] for shot in shots)[:4]


def test_cards_beyond_the_first_are_left_to_the_script_with_everything_they_need(tmp_path):
    folders = build(tmp_path, World(models=("atlas", "cirrus"), samples=40, tracks=False))
    write_report(folders, tmp_path / "report")
    text = index(tmp_path)
    gallery = data_of(text)["groups"]["g1"]["gallery"]
    assert text.count('<article class="shot" data-place') == 24
    assert len(gallery["shots"]) == 40
    for shot in gallery["shots"][24:]:
        assert (tmp_path / "report" / "samples" / f"{shot[1]}.html").is_file()
        assert shot[3]
        page = (tmp_path / "report" / "samples" / f"{shot[1]}.html").read_text(encoding="utf-8")
        for place, tile in enumerate(shot[9]):
            assert f'id="{shot[1]}-t{place + 1}"' in page
            assert set(tile[1]) <= set("ynouf-")
            assert len(tile[1]) == 10
    assert all(not shot[1] for shot in gallery["shots"][:24])


def test_a_video_s_address_is_packed_and_unpacks_to_the_same():
    digest = sha256_bytes(b"a video")
    text, dot, suffix = packed(f"media/{digest}.webm").partition(".")
    assert base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex() == digest
    assert (dot, suffix) == (".", "webm")
    assert len(packed(f"media/{digest[:32]}.mp4")) == 22
    assert packed("") == ""


@pytest.mark.parametrize(
    ("tags", "levels"),
    [
        (["level-1", "level-10", "level-2"], ["level 1", "level 2", "level 10"]),
        (["contact:3", "contact:5", "contact:1"], ["contact 1", "contact 3", "contact 5"]),
        ([""] * 3, ["hardest third", "middle third", "easiest third"]),
    ],
)
def test_difficulty_is_what_the_benchmark_says_else_thirds_of_what_was_measured(tmp_path, tags, levels):
    folders = build(tmp_path, World(models=("atlas",), samples=9, tracks=False))
    samples = lines(folders[0], "samples", Sample)
    if tags[0]:
        samples = [replace(sample, tags=(tags[place % 3],)) for place, sample in enumerate(samples)]
        write_lines(folders[0] / "samples.jsonl", samples)
    write_report(folders, tmp_path / "report")
    assert data_of(index(tmp_path))["groups"]["g1"]["gallery"]["levels"] == levels


def test_the_heat_map_counts_own_answers_by_question_and_no_twin_s_or_control_s(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=6, tracks=False))
    answers = lines(folders[0], "answers", Answer)
    others = [replace(item, interaction=1) for item in answers[:10]]
    control = replace(answers[0], question_id=CONTROL_ID, value=AnswerValue.YES)
    unread = {"status": AnswerStatus.UNANSWERABLE, "value": None}
    write_lines(folders[0] / "answers.jsonl", [replace(answers[0], **unread), *answers[1:], *others, control])
    write_report(folders, tmp_path / "report")
    shown = index(tmp_path).split('id="g1-questions-h"')[1].split("</section>")[0]
    cells = re.findall(r'<span class="qid">(\d+)</span>.*?title="(\d+) yes of (\d+) answered, (\d+) asked"', shown)
    first = answers[0].question_id
    assert [int(number) for number, *_ in cells] == list(range(1, 11))
    for number, *counts in (map(int, cell) for cell in cells):
        mine = [item for item in answers[1:] if item.question_id == number]
        assert counts == [sum(item.value is AnswerValue.YES for item in mine), 6 - (number == first), 6]


def test_categories_stand_side_by_side_only_where_there_are_several(tmp_path):
    folders = build(tmp_path, World(samples=12, tracks=False))
    [group] = write_report(folders, tmp_path / "report").report.groups
    assert [panel.label for panel in panels(group)] == ["contact", "force", "manipulation", "social", "transport"]
    one = replace(group, slices=tuple(item for item in group.slices if item.label == "contact"))
    assert panels(one) == ()


def test_names_in_the_coverage_plot_stay_apart_and_inside(tmp_path):
    models = tuple(f"model-{number}" for number in range(12))
    folders = build(tmp_path, World(models=models, samples=3, tracks=False, missing=((models[0], 0),)))
    [group] = write_report(folders, tmp_path / "report").report.groups
    plot = coverage_plot(group)
    places = sorted(point.name_y for point in plot.points)
    assert len(places) == 12
    assert all(after - before >= 12.9 for before, after in itertools.pairwise(places))
    assert places[0] >= 10
    assert places[-1] <= plot.height
    assert coverage_plot(replace(group, rows=())) is None


def test_slices_without_a_claim_are_folded_away(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=8, tracks=False))
    write_report(folders, tmp_path / "report")
    before, folded = index(tmp_path).split('<h3 id="g1-slices-h">')[1].split("<details", 1)
    assert "<table" not in before
    assert "with under 20 prompts, or with all of them" in folded
    assert "<table" in folded.split("</details>")[0]


def test_marks_say_what_the_records_hold_with_frames_and_shares(tmp_path):
    frames = (5, 10, 15, 20)
    check = Consistency(
        sample_id="contact-000",
        seed=0,
        frames=frames,
        emergence=(False, True, True, None),
        implausible=(True, False, False, False),
        diagnostics=(Diagnostics(instance_id="id2", lost_share=0.25),),
    )
    [folder] = build(tmp_path, World(models=("atlas",), samples=1, tracks=False))
    [video] = lines(folder, "videos", Video)
    found = {mark.kind.value: mark for mark in marks_of(video, (), check, ["id1: covers the ground"])}
    assert found["emergence"].short == "emergence 2/3"
    assert "frames 10, 15" in found["emergence"].text
    assert found["impossible body"].short == "impossible body 1/4"
    assert found["lost"].short.startswith("lost 25")
    assert found["doubted mask"].text == "id1: covers the ground"
    clean = replace(check, emergence=(False,) * 4, implausible=None, diagnostics=())
    assert marks_of(video, (), clean, []) == ()


def test_marks_stand_beside_the_scores_they_touch_on_every_page(tmp_path):
    [folder] = build(tmp_path, World(models=("atlas",), samples=2, tracks=False))
    checks = lines(folder, "consistency", Consistency)
    count = len(checks[0].frames)
    write_lines(folder / "consistency.jsonl", [replace(checks[0], emergence=(True,) * count), *checks[1:]])
    videos = lines(folder, "videos", Video)
    write_lines(
        folder / "videos.jsonl", [videos[0], replace(videos[1], status=VideoStatus.FOREIGN_FIRST_FRAME, reason="another")]
    )
    doubt = DoubtedMask(sample_id=videos[0].sample_id, seed=0, instance_id="id1", kind="ground", problem="covers the ground")
    write_lines(folder / "doubts.jsonl", [doubt])
    write_report([folder], tmp_path / "report")
    text = index(tmp_path)
    board = text.split("<tbody>")[1].split("</tbody>")[0]
    assert "emergence in 1 video" in board
    assert "foreign first frame in 1 video" in board
    assert "doubted mask in 1 video" in board
    pages = [(tmp_path / "report" / "samples" / f"{video.sample_id}.html").read_text(encoding="utf-8") for video in videos]
    for page in (text, pages[0]):
        assert '<li class="m-emergence"' in page
        assert f"emergence {count}/{count}" in page
        assert "id1: covers the ground" in page
    assert '<li class="m-foreign"' in pages[1]


def twin_world(root):
    """Two models on two pairs of twins: the first pair shows its own deeds, the second those of its twins."""
    folders = build(root, World(models=("atlas", "cirrus"), samples=4, tracks=False))
    for folder in folders:
        samples = lines(folder, "samples", Sample)
        ids = [sample.id for sample in samples]
        twins = []
        for place, sample in enumerate(samples):
            act: Interaction = sample.interactions[0]
            subject, other = (act.subject, act.object) if place % 2 == 0 else (act.object, act.subject)
            verb = samples[place - place % 2].interactions[0].verb
            twins.append(
                replace(sample, interactions=(replace(act, subject=subject, object=other, verb=verb, twin_of=ids[place ^ 1]),))
            )
        write_lines(folder / "samples.jsonl", twins)
        answers = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
        asked = [item for item in answers if item["question_id"] in (3, 4, 5, 6, 8, 9, 10)]
        for item in asked:
            own = ids.index(item["sample_id"]) < 2
            item["value"] = "yes" if own else "no"
        other = [{**item, "interaction": 1, "value": "no" if item["value"] == "yes" else "yes"} for item in asked]
        rest = [item for item in answers if item not in asked]
        (folder / "answers.jsonl").write_text("".join(json.dumps(item) + "\n" for item in [*rest, *asked, *other]))
    return folders


def test_twins_stand_side_by_side_the_pair_that_most_get_wrong_first(tmp_path):
    write_report(twin_world(tmp_path), tmp_path / "report")
    text = index(tmp_path)
    pairs = text.split('<article class="twins"')[1:]
    assert len(pairs) == 2
    assert pairs[0].count("neither right") == 2
    assert pairs[1].count("both right") == 2
    assert "<b>1.00</b> its own, 0.00 its twin" in pairs[1]


def test_a_twin_whose_video_is_missing_makes_its_pair_wrong_and_says_so(tmp_path):
    folders = twin_world(tmp_path)
    scores = lines(folders[0], "scores", Score)
    gone = {"status": ScoreStatus.MISSING, "reason": "there is no such file"}
    write_lines(folders[0] / "scores.jsonl", [replace(scores[0], **gone), *scores[1:]])
    write_report(folders, tmp_path / "report")
    pairs = index(tmp_path).split('<article class="twins"')[1:]
    assert pairs[1].count("both right") == 1
    assert "there is no such file" in pairs[1]
    assert '<p class="shares">no value</p>' in pairs[1]


def test_many_bars_are_drawn_as_one_outline_of_the_same_heights():
    values = [1.0] * 3 + [0.5] * MOST_BARS + [0.0] * 5 + [-0.25] * 2
    drawn = bars(values)
    assert drawn.area
    assert drawn.count == len(values)
    assert drawn.up.startswith("M0 50V2H")
    assert drawn.up.count("V") == 3
    assert drawn.down.endswith("V62H1000V50z")
    few = bars(values[:10])
    assert not few.area
    assert few.up.count("M") == 10


def test_a_judge_card_shows_its_confusion_and_where_it_was_wrong(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=2, tracks=False))
    header = json.loads((folders[0] / "run.json").read_text())
    counts = {"both_yes": 40, "true_yes": 50, "said_yes": 45, "answered": 100}
    card = {"accuracy": 0.85, "judge": "geometry", "judge_revision": "1", "templates": header["templates"]}
    path = tmp_path / "exam" / "card.json"
    path.parent.mkdir()
    path.write_text(json.dumps({**card, "detail": {"answers": {"all": counts}}}))
    wrong = {"question": 3, "verb": "taps", "expected": "yes", "given": "no"}
    kinds = [{**wrong, "policy": f"p{place % 2}", "reason": f"why {place}"} for place in range(9)]
    (path.parent / "failures.jsonl").write_text("".join(json.dumps(item) + "\n" for item in kinds) + "{torn")
    [found] = read_cards([path])
    assert found.confusion == ((40, 10), (5, 45))
    assert [miss.reason for miss in found.misses] == [f"why {place}" for place in (0, 1, 2, 3, 4, 5, 6, 7)]
    write_report(folders, tmp_path / "report", ReportOptions(cards=(path,)))
    text = index(tmp_path)
    assert "What it said of 100 answers" in text
    assert "Where it was wrong: 8 answers" in text
    assert "why 7" in text
    path.write_text(json.dumps(card))
    assert read_cards([path])[0].confusion is None
