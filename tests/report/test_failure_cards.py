"""Cards of failures: what they cost, which frames they show, and what they say where something is not there."""

import io
import json
import re
import shutil
from dataclasses import replace

import av
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from intergeneval.cli import main
from intergeneval.errors import UsageError
from intergeneval.records import Answer, AnswerStatus, AnswerValue, Consistency, Profile, Sample, Score, TrackState, Video
from intergeneval.report import ReportOptions, write_report
from intergeneval.report.failures import drawing, lettering, losses_of, write_gate_cards
from intergeneval.report.failures.losses import Kind
from intergeneval.report.failures.moments import LARGEST, moment_of, sized
from intergeneval.report.load import load_runs
from intergeneval.scores import score_videos
from intergeneval.store import read_lines
from intergeneval.videos import Reader
from tests.report.report_world import World, build, write_lines

SAMPLED = (0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 48)


def gate(folder, *words):
    """Run the gate over two runs of a world."""
    runs = [str(folder / "runs" / "borealis"), "--baseline", str(folder / "runs" / "atlas")]
    return CliRunner().invoke(main, ["gate", *runs, *words])


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Two models of which the second does worse, and the cards that the gate wrote; (world's folder, cards' folder, result)."""
    root = tmp_path_factory.mktemp("judged")
    build(root, World(models=("atlas", "borealis"), samples=2, videos=True))
    result = gate(root, "--cards", str(root / "cards"), "--most-cards", "3")
    return root, root / "cards", result


def cards_of(folder):
    return json.loads((folder / "cards.json").read_text(encoding="utf-8"))["cards"]


def linked(page, suffix):
    """Pictures or clips of failures that a page leads to."""
    return {name for name in re.findall(r'href="([^"]*)"', page) if "failures/" in name and name.endswith(suffix)}


def picture(path):
    return np.asarray(Image.open(path).convert("RGB"))


def shown_at(card, frame, column):
    """Row of a card at which a video's frame stands in a column, and the share of its pixels that are there unchanged."""
    height, width = frame.shape[:2]
    x = drawing.MARGIN + column * (width + drawing.GAP)
    strip = card[:, x : x + width : 4]
    rows = range(strip.shape[0] - height + 1)
    # Outlines lie over some pixels; the row that keeps most of them is the one.
    share, y = max((float(np.mean((strip[y : y + height : 3] == frame[::3, ::4]).all(axis=2))), y) for y in rows)
    return y, share


def test_a_card_shows_the_very_pixels_of_the_frames_that_it_names(judged):
    root, folder, _ = judged
    for card in cards_of(folder):
        canvas = picture(folder / card["png"])
        for side, model in zip(card["sides"], ("atlas", "borealis"), strict=True):
            frames = dict(enumerate(Reader(root / "models" / model / f"{card['sample_id']}.mp4", keep=False)))
            assert len(side["frames"]) == 3
            for column, index in enumerate(side["frames"]):
                assert shown_at(canvas, frames[index], column)[1] > 0.95


def test_the_frame_that_the_evidence_names_is_framed_and_no_other(judged):
    root, folder, _ = judged
    for card in cards_of(folder):
        [before, now] = card["sides"]
        canvas = picture(folder / card["png"])
        frames = dict(enumerate(Reader(root / "models" / "atlas" / f"{card['sample_id']}.mp4", keep=False)))
        answers = read_lines(root / "runs" / "atlas" / "answers.jsonl", Answer)
        said = next(item for item in answers if (item.sample_id, item.question_id) == (card["sample_id"], card["question_id"]))
        assert before["marked"] == said.frame
        assert now["marked"] is None
        for column, index in enumerate(before["frames"]):
            y, _ = shown_at(canvas, frames[index], column)
            x = drawing.MARGIN + column * (frames[0].shape[1] + drawing.GAP)
            edge = {tuple(pixel) for pixel in canvas[y - 1, x : x + 40]}
            assert (edge == {drawing.MARK}) == (index == said.frame)


def test_every_clip_plays_at_the_size_of_both_videos_with_all_frames_around_the_failure(judged):
    _, folder, _ = judged
    for card in cards_of(folder):
        with av.open(str(folder / card["clip"])) as clip:
            frames = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]
        assert 20 <= len(frames) <= 48
        assert all(frame.shape == frames[0].shape for frame in frames)
        assert frames[0].shape[1] >= 2 * 360 + drawing.GAP
        assert np.abs(frames[0].astype(int) - frames[-1]).max() > 50


def test_the_list_pastes_every_card_with_question_answers_and_reasons(judged):
    _, folder, result = judged
    text = (folder / "index.md").read_text(encoding="utf-8")
    assert "3 cards" in result.stderr
    for card in cards_of(folder):
        assert f"({card['png']})" in text
        assert f"({card['clip']})" in text
        assert (folder / card["png"]).is_file()
        assert card["reason"] in text
    assert "more without a card" in text
    assert len(text) < 65_536


def test_cards_change_neither_verdict_nor_exit_code(judged, tmp_path):
    root, _, result = judged
    plain = gate(root)
    assert (plain.exit_code, plain.stdout) == (result.exit_code, result.stdout)
    strict = gate(root, "--strict"), gate(root, "--strict", "--cards", str(tmp_path / "cards"), "--most-cards", "1")
    assert strict[0].exit_code == strict[1].exit_code == 5


def test_equal_runs_give_equal_cards_and_an_old_folder_of_cards_is_replaced_as_a_whole(judged, tmp_path):
    root, folder, _ = judged
    shutil.copytree(folder, tmp_path / "cards")
    (tmp_path / "cards" / "stale.png").write_bytes(b"old")
    assert gate(root, "--cards", str(tmp_path / "cards"), "--most-cards", "3").exit_code == 0
    found = {path.name: path.read_bytes() for path in (tmp_path / "cards").iterdir()}
    assert found == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_folder_that_holds_something_else_is_left_alone(judged, tmp_path):
    root, _, _ = judged
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    result = gate(root, "--cards", str(tmp_path))
    assert result.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_run_held_against_itself_lost_nothing(judged, tmp_path):
    root, _, _ = judged
    run = root / "runs" / "atlas"
    made = write_gate_cards(run, run, tmp_path / "cards")
    assert made.cards == 0
    assert "Nothing was lost" in (tmp_path / "cards" / "index.md").read_text(encoding="utf-8")


def test_videos_that_went_away_changed_or_lie_outside_are_named_and_the_other_side_is_still_shown(tmp_path):
    build(tmp_path, World(models=("atlas", "borealis"), samples=3, videos=True))
    videos = sorted((tmp_path / "models" / "atlas").iterdir())
    videos[0].unlink()
    videos[1].write_bytes(videos[2].read_bytes())
    secret = tmp_path / "models" / "secret.mp4"
    videos[2].rename(secret)
    lines = list(read_lines(tmp_path / "runs" / "atlas" / "videos.jsonl", Video))
    text = "".join(json.dumps(item.to_json()) + "\n" for item in lines)
    (tmp_path / "runs" / "atlas" / "videos.jsonl").write_text(text.replace(videos[2].name, "../secret.mp4"), encoding="utf-8")
    result = gate(tmp_path, "--cards", str(tmp_path / "cards"), "--most-cards", "3")
    if result.exit_code == 2:  # a path that leaves its folder is refused where it is read
        (tmp_path / "runs" / "atlas" / "videos.jsonl").write_text(text, encoding="utf-8")
        result = gate(tmp_path, "--cards", str(tmp_path / "cards"), "--most-cards", "3")
    cards = cards_of(tmp_path / "cards")
    missing = {card["sample_id"]: card["sides"][0]["missing"] for card in cards}
    assert "no longer where the run found it" in missing["contact-000"]
    assert "has changed since it was scored" in missing["force-001"]
    assert "no longer where the run found it" in missing["transport-002"]
    assert all(card["sides"][1]["frames"] and card["clip"] for card in cards)
    listed = (tmp_path / "cards" / "index.md").read_text(encoding="utf-8")
    assert listed.count("before, atlas: the file") == len(cards)


def test_against_a_stored_baseline_the_run_alone_is_shown_and_the_list_says_so(tmp_path):
    build(tmp_path, World(models=("atlas", "borealis"), samples=2, videos=True))
    kept = ["--baselines", str(tmp_path / "kept"), "--baseline", "main"]
    assert CliRunner().invoke(main, ["gate", str(tmp_path / "runs" / "atlas"), *kept, "--update"]).exit_code == 0
    words = ["gate", str(tmp_path / "runs" / "borealis"), *kept, "--cards", str(tmp_path / "cards"), "--most-cards", "2"]
    assert CliRunner().invoke(main, words).exit_code == 0
    assert [len(card["sides"]) for card in cards_of(tmp_path / "cards")] == [1, 1]
    listed = (tmp_path / "cards" / "index.md").read_text(encoding="utf-8")
    assert "baseline main is stored without its answers and videos" in listed


def test_a_video_that_is_missing_now_is_a_card_that_names_it(tmp_path):
    build(tmp_path, World(models=("atlas", "borealis"), samples=2, videos=True, missing=(("borealis", 1),)))
    gate(tmp_path, "--cards", str(tmp_path / "cards"), "--most-cards", "2")
    card = next(item for item in cards_of(tmp_path / "cards") if item["kind"] == "video")
    assert card["sample_id"] == "force-001"
    scores = read_lines(tmp_path / "runs" / "atlas" / "scores.jsonl", Score)
    assert card["cost"] == next(item.if_ for item in scores if item.sample_id == "force-001")
    assert "no file called force-001.mp4" in card["reason"]
    assert card["sides"][0]["frames"]


def test_a_damaged_mask_leaves_the_frames_and_says_what_is_wrong(tmp_path):
    build(tmp_path, World(models=("atlas", "borealis"), samples=1, videos=True))
    path = tmp_path / "runs" / "borealis" / "tracks.jsonl"
    record = json.loads(path.read_text(encoding="utf-8"))
    for track in record["tracks"]:
        track["masks"] = ["1"] * len(track["masks"])
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
    gate(tmp_path, "--cards", str(tmp_path / "cards"), "--most-cards", "1")
    [card] = cards_of(tmp_path / "cards")
    assert len(card["sides"][1]["frames"]) == 3
    assert any("no outlines: the mask of id1" in note for note in card["notes"])


@pytest.mark.parametrize(
    "words",
    ["האישה פותחת את הדלת " * 20, "赤いコートの女性が小包に近づく" * 30, "x" * 900, "\u202e\x1b[31m *evil* <b>", "𞤀𞤁𞤂 👩‍👧"],
)
def test_words_of_any_script_and_length_stay_on_the_card(judged, tmp_path, words):
    shutil.copytree(judged[0] / "runs", tmp_path / "runs")
    for model in ("atlas", "borealis"):
        folder = tmp_path / "runs" / model
        samples = list(read_lines(folder / "samples.jsonl", Sample))
        write_lines(folder / "samples.jsonl", [replace(sample, prompt=words) for sample in samples])
        answers = list(read_lines(folder / "answers.jsonl", Answer))
        write_lines(folder / "answers.jsonl", [replace(item, reason=words) for item in answers])
    gate(tmp_path, "--cards", str(tmp_path / "cards"), "--most-cards", "1")
    [card] = cards_of(tmp_path / "cards")
    canvas = picture(tmp_path / "cards" / card["png"])
    assert canvas.shape[0] < 2500
    # Nothing was drawn into the margins.
    edges = (canvas[:, : drawing.MARGIN - drawing.FRAME], canvas[:, -drawing.MARGIN + drawing.FRAME :])
    assert all((edge == 255).all() for edge in edges)
    without = [letter for letter in dict.fromkeys(lettering.plain(words)) if lettering.font_file(letter) is None]
    assert any("no font on this machine" in note for note in card["notes"]) == bool(without)
    listed = (tmp_path / "cards" / "index.md").read_text(encoding="utf-8")
    assert "<b>" not in listed
    assert "\x1b" not in listed.replace("&#27;", "")


def test_what_is_read_from_right_to_left_ends_on_the_right():
    letters = lettering.Lettering(20)
    [hebrew], [latin] = letters.lines("שלום עולם", 400, 1), letters.lines("hello world", 400, 1)
    ends = []
    for line in (hebrew, latin):
        image = Image.new("RGB", (400, 40), "white")
        letters.draw(drawing.ImageDraw.Draw(image), (0, 0), line, (0, 0, 0), 400)
        columns = np.flatnonzero((np.asarray(image) < 128).any(axis=(0, 2)))
        ends.append((columns[0], columns[-1]))
    assert ends[0][1] > 390
    assert ends[0][0] > 100
    assert ends[1][0] < 10


def test_without_any_font_on_the_machine_latin_words_are_still_drawn(monkeypatch):
    monkeypatch.setattr(lettering, "font_files", lambda: ())
    for found in (lettering.first_font, lettering._others):
        found.cache_clear()
    try:
        letters = lettering.Lettering(20)
        [line] = letters.lines("plain words", 300, 1)
        assert line.width > 50
        assert not letters.lacking
        letters.lines("漢", 300, 1)
        assert lettering.lacking_text(letters.lacking).startswith("no font on this machine has letters of CJK")
    finally:
        for found in (lettering.first_font, lettering._others):
            found.cache_clear()


@pytest.mark.parametrize(
    ("frame", "sampled", "length", "frames", "marked"),
    [
        (20, SAMPLED, 49, (15, 20, 25), 20),
        (22, SAMPLED, 49, (20, 22, 25), 22),
        (0, SAMPLED, 49, (0, 5, 10), 0),
        (48, SAMPLED, 49, (40, 45, 48), 48),
        (None, SAMPLED, 49, (0, 24, 48), None),
        (7, (), 49, (6, 7, 8), 7),
        (1, (0, 1), 2, (0, 1), 1),
        (None, (0, 1), 2, (0, 1), None),
        (99, SAMPLED, 49, (0, 24, 48), None),
    ],
)
def test_the_named_frame_stands_between_its_neighbours(frame, sampled, length, frames, marked):
    found = moment_of(frame, sampled, length, 8.0)
    assert (found.frames, found.marked) == (frames, marked)
    assert 0 <= found.clip[0] <= found.frames[0]
    assert found.clip[1] <= length
    assert ("99" in found.note) == (frame == 99)


def test_a_clip_of_a_fast_video_is_bounded_and_holds_the_named_frame():
    found = moment_of(500, tuple(range(0, 1000, 100)), 1000, 120.0)
    assert found.clip[1] - found.clip[0] == 48
    assert found.clip[0] <= 500 < found.clip[1]


def test_small_frames_grow_in_whole_multiples_and_large_ones_shrink_to_the_card():
    small = np.arange(64 * 48 * 3, dtype=np.uint8).reshape(48, 64, 3)
    grown = sized(small)
    assert grown.shape == (192, 256, 3)
    assert (grown[::4, ::4] == small).all()
    assert sized(np.zeros((1080, 1920, 3), np.uint8)).shape == (270, LARGEST, 3)
    assert sized(np.zeros((1920, 1080, 3), np.uint8)).shape == (LARGEST, 270, 3)


def test_the_cost_of_a_no_is_what_a_yes_would_have_added(tmp_path):
    build(tmp_path, World(models=("atlas", "borealis"), samples=3, tracks=False))
    folder = tmp_path / "runs" / "borealis"
    parts = [list(read_lines(folder / f"{name}.jsonl", cls)) for name, cls in PARTS.items()]
    samples, videos, answers, checks = parts
    scores = score_videos(samples, videos, answers, checks, Profile.BOUNDED)
    write_lines(folder / "scores.jsonl", scores)
    [run] = load_runs([folder])
    tried = 0
    for key, take in run.takes.items():
        for loss in losses_of(take, run.samples[key[0]], run.questions[key[0]]):
            if loss.kind is not Kind.QUESTION:
                continue
            place = (*key, loss.interaction, loss.question_id)
            better = [
                replace(item, value=AnswerValue.YES)
                if (item.sample_id, item.seed, item.interaction, item.question_id) == place
                else item
                for item in answers
            ]
            after = {(item.sample_id, item.seed): item for item in score_videos(samples, videos, better, checks, Profile.BOUNDED)}
            assert after[key].if_ - take.score.if_ == pytest.approx(loss.cost, abs=1e-12)
            tried += 1
    assert tried > 4


PARTS = {"samples": Sample, "videos": Video, "answers": Answer, "consistency": Consistency}


def test_a_question_without_an_answer_costs_at_most_its_weight_and_declined_ones_nothing(tmp_path):
    build(tmp_path, World(models=("atlas", "borealis"), samples=1, tracks=False))
    folder = tmp_path / "runs" / "atlas"
    samples, videos, answers, checks = (list(read_lines(folder / f"{name}.jsonl", cls)) for name, cls in PARTS.items())
    lost = {"status": AnswerStatus.UNANSWERABLE, "value": None, "frame": None, "reason": "the dog was lost"}
    answers = [
        replace(item, **lost, declined=item.question_id == 4)
        if item.question_id in (3, 4)
        else replace(item, value=AnswerValue.YES)
        for item in answers
    ]
    write_lines(folder / "answers.jsonl", answers)
    write_lines(folder / "scores.jsonl", score_videos(samples, videos, answers, checks, Profile.BOUNDED))
    [run] = load_runs([folder])
    [take] = run.takes.values()
    [loss] = [item for item in losses_of(take, samples[0], ()) if item.kind is Kind.QUESTION]
    assert (loss.question_id, loss.at_most, loss.answer) == (3, True, "unanswerable")
    low, high = take.score.if_bounds
    assert loss.cost == pytest.approx(high - low)
    assert loss.cost_text.startswith("costs up to ")


def test_what_vanished_is_a_loss_of_its_own_with_the_frame_at_which_it_did(tmp_path):
    build(tmp_path, World(models=("atlas", "borealis"), samples=12, tracks=False))
    [run] = load_runs([tmp_path / "runs" / "borealis"])
    found = []
    for key, take in run.takes.items():
        gone = any(TrackState.VANISHED in states for states in take.consistency.states.values())
        mine = [item for item in losses_of(take, run.samples[key[0]], ()) if item.kind is Kind.PROPAGATION]
        assert bool(mine) == (gone and take.score.kisa_raw + take.score.sgi_raw > 0)
        found += mine
    assert found
    assert {item.frame for item in found} == {20}
    assert all("vanished" in item.sentence for item in found)


def test_a_report_with_failures_leads_to_them_from_its_pages_which_are_the_same_but_for_that(tmp_path):
    folders = build(tmp_path, World(models=("atlas",), samples=1, videos=True))
    write_report(folders, tmp_path / "plain")
    write_report(folders, tmp_path / "report", ReportOptions(failures=True))
    cards = cards_of(tmp_path / "report" / "failures")
    assert cards
    lead = re.compile(r'<details class="more"><summary>\d+ pictures? of what it lost</summary>.*</details>\n')
    for path in (tmp_path / "plain" / "samples").iterdir():
        page = (tmp_path / "report" / "samples" / path.name).read_text()
        assert lead.sub("", page) == path.read_text()
        assert {f"../failures/{card['png']}" for card in cards if card["sample_id"] == path.stem} == linked(page, "png")
    index = (tmp_path / "report" / "index.html").read_text()
    assert {f"failures/{card['png']}" for card in cards} == linked(index, "png")
    assert {f"failures/{card['clip']}" for card in cards if card["clip"]} == linked(index, "mp4")
    assert "failures/" not in (tmp_path / "plain" / "index.html").read_text()
    assert all(
        Image.open(io.BytesIO((tmp_path / "report" / "failures" / card["png"]).read_bytes())).width >= 880 for card in cards
    )
    assert not (tmp_path / "plain" / "failures").exists()
    with pytest.raises(UsageError, match="name a folder"):
        write_report(folders, tmp_path / "one.html", ReportOptions(failures=True))


def test_a_video_that_no_longer_decodes_is_named(tmp_path):
    build(tmp_path, World(models=("atlas", "borealis"), samples=1, videos=True))
    from intergeneval.ids import sha256_bytes

    broken = b"not a video at all"
    (tmp_path / "models" / "borealis" / "contact-000.mp4").write_bytes(broken)
    folder = tmp_path / "runs" / "borealis"
    for name, cls in (("videos", Video), ("answers", Answer), ("consistency", Consistency)):
        field = "sha256" if name == "videos" else "video"
        records = list(read_lines(folder / f"{name}.jsonl", cls))
        write_lines(folder / f"{name}.jsonl", [replace(item, **{field: sha256_bytes(broken)}) for item in records])
    gate(tmp_path, "--cards", str(tmp_path / "cards"), "--most-cards", "1")
    [card] = cards_of(tmp_path / "cards")
    assert "cannot be decoded here" in card["sides"][1]["missing"]
