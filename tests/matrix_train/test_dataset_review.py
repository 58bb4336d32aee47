"""A dataset is reviewed on one page, wholly or by a sample, and what was decided says how many clips are wrong."""

import html
import json
import re
from dataclasses import replace

import pytest
import tiny_pipeline
from click.testing import CliRunner

from intergeneval.videos import Reader
from matrix_train.cli import main
from matrix_train.data.clips import read_own, write_own
from matrix_train.datasets import review_page
from matrix_train.datasets.captions import pieces_of
from matrix_train.datasets.decisions import Decision, drawn, reviewed
from matrix_train.datasets.pictures import colours_of, shown_frames

POISON = "</script><script>window.owned=1</script>"


def run(*words, code=0):
    done = CliRunner().invoke(main, ["dataset", "review", *map(str, words)])
    assert done.exit_code == code, done.output
    return done


@pytest.fixture
def data(tmp_path):
    root = tiny_pipeline.dataset(tmp_path / "set", clips=4)
    clips = [replace(clip, source=f"film-{index % 2}") for index, clip in enumerate(read_own(root))]
    act = replace(clips[3].interactions[0], category="contact")
    write_own(root, (*clips[:3], replace(clips[3], interactions=(act,))))
    return root


def save(path, root, decided):
    states = {clip.id: clip.state for clip in read_own(root)}
    lines = [{"clip": name, "state": states[name], "decision": word, "note": "", "fields": {}} for name, word in decided.items()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_the_page_shows_every_clip_with_its_frames_roles_and_state_and_runs_no_text_of_a_dataset(data, tmp_path):
    clips = list(read_own(data))
    clips[1] = replace(clips[1], source=POISON)
    write_own(data, tuple(clips))
    result = json.loads(run(data, "--out", tmp_path / "review.html", "--json").stdout)
    assert result == {"pages": [str(tmp_path / "review.html")], "clips": 4, "of": 4}
    page = (tmp_path / "review.html").read_text()
    assert re.findall(r'data-state="(\w+)"', page) == [clip.state for clip in read_own(data)]
    assert page.count("<figure>") == 4 * 9
    assert POISON not in page
    marks = re.findall(r'<mark class="(\w+)" title="([^"]+)">([^<]+)<sub>(\w+)</sub></mark>', page)
    subject, verb, target = tiny_pipeline.PHRASES[0]
    assert ("red", "subject of 0", subject, "S0") in marks
    assert ("deed", "verb of 0", verb, "V0") in marks
    assert ("blue", "object of 0", target, "O0") in marks
    lines = [json.loads(html.unescape(text)) for text in re.findall(r'data-line="([^"]+)"', page)]
    assert [line["verb"] for line in lines] == [clip.interactions[0].verb for clip in clips]


def test_words_that_have_two_roles_are_marked_with_both(data):
    clip = read_own(data)[0]
    first = clip.interactions[0]
    second = replace(first, subject="id2", object="id1", subject_spans=first.object_spans, object_spans=first.subject_spans)
    pieces = pieces_of(replace(clip, interactions=(first, second)), colours_of(clip))
    assert "".join(piece.text for piece in pieces) == clip.caption
    assert [piece.marks for piece in pieces if piece.marks] == ["S0 O1", "V0 V1", "O0 S1"]


def test_a_clip_that_cannot_be_looked_at_is_shown_with_the_reason(data, tmp_path):
    (data / "videos/clip2.mp4").unlink()
    run(data, "--out", tmp_path / "review.html")
    page = (tmp_path / "review.html").read_text()
    assert page.count("<figure>") == 3 * 9
    assert "there is no such video file or folder of frames" in page


def test_many_clips_are_spread_over_pages_that_lead_to_each_other(data, tmp_path, monkeypatch):
    monkeypatch.setattr(review_page, "A_PAGE", 3)
    run(data, "--out", tmp_path / "review.html")
    first, second = (tmp_path / "review.html").read_text(), (tmp_path / "review-2.html").read_text()
    assert (first.count("<article"), second.count("<article")) == (3, 1)
    assert '<a href="review-2.html">Page 2</a>' in first


def test_a_sample_is_the_same_for_the_same_seed_and_a_larger_one_holds_it(data):
    clips = [replace(read_own(data)[0], id=f"c{index}") for index in range(200)]
    small, large = drawn(clips, 20, 1), drawn(clips, 50, 1)
    assert {clip.id for clip in small} < {clip.id for clip in large}
    assert {clip.id for clip in drawn(clips[::-1], 20, 1)} == {clip.id for clip in small}
    assert {clip.id for clip in drawn(clips, 20, 2)} != {clip.id for clip in small}
    # Each clip is drawn as often as any other.
    counts = [sum(clip in drawn(clips[:20], 5, seed) for seed in range(400)) for clip in clips[:20]]
    assert min(counts) > 60
    assert max(counts) < 140


def test_decisions_say_how_many_clips_are_wrong_overall_by_kind_and_by_source(data, tmp_path):
    path = save(tmp_path / "review.json", data, {"clip0": "accept", "clip1": "drop", "clip2": "accept", "clip3": "fix"})
    found = json.loads(run(data, "--decisions", path, "--json").stdout)
    assert (found["overall"]["wrong"], found["overall"]["low"], found["overall"]["high"]) == (2, 0.5, 0.5)
    assert {name: item["wrong"] for name, item in found["sources"].items()} == {"film-0": 0, "film-1": 2}
    assert found["categories"]["contact"] == {
        "clips": 1, "sampled": 1, "decided": 1, "wrong": 1, "rate": 1.0, "low": 1.0, "high": 1.0,
    }  # fmt: skip
    assert [item["clip"] for item in found["wrong"]] == ["clip1", "clip3"]
    said = run(data, "--decisions", path).output
    assert "all clips: 50.0% wrong [50.0%, 50.0%] (2 of 4 decided; 4 clips)" in said


def test_a_sample_speaks_for_all_clips_and_what_is_open_is_told(data, tmp_path):
    chosen = [clip.id for clip in drawn(read_own(data), 2, 7)]
    path = save(tmp_path / "review.json", data, {chosen[0]: "drop"})
    found = json.loads(run(data, "--decisions", path, "--sample", 2, "--seed", 7, "--json").stdout)["overall"]
    assert (found["clips"], found["sampled"], found["decided"], found["wrong"]) == (4, 2, 1, 1)
    # One of two is wrong, and the other may be: between one and four of the four clips.
    assert (found["low"], found["high"]) == (0.25, 1.0)


def test_reviewed_samples_cover_the_truth_in_at_least_93_of_100_draws_overall_and_by_kind(data):
    base = read_own(data)[3]
    other = replace(base, interactions=(replace(base.interactions[0], category="social"),))
    clips = [replace(base if index % 3 else other, id=f"c{index}", source="one") for index in range(240)]
    bad = {clip.id for clip in clips[::11]}
    states = {clip.id: clip.state for clip in clips}
    truth = {"all": len(bad) / 240}
    for name in ("contact", "social"):
        own = [clip for clip in clips if clip.interactions[0].category == name]
        truth[name] = sum(clip.id in bad for clip in own) / len(own)
    covered, draws = dict.fromkeys(truth, 0), 200
    for seed in range(draws):
        sample = drawn(clips, 40, seed)
        made = {
            clip.id: Decision(clip=clip.id, state=states[clip.id], decision="drop" if clip.id in bad else "accept")
            for clip in sample
        }
        found = reviewed(clips, sample, made)
        rates = {"all": found.overall, **found.categories}
        for name, share in truth.items():
            covered[name] += rates[name].low <= share <= rates[name].high
    print(f"covered of {draws} draws: {covered}")
    assert min(covered.values()) / draws >= 0.93


def test_decisions_about_another_state_or_another_sample_are_refused(data, tmp_path):
    path = save(tmp_path / "review.json", data, {"clip0": "accept", "clip1": "accept"})
    clips = list(read_own(data))
    write_own(data, (replace(clips[0], caption=clips[0].caption + " now"), *clips[1:]))
    assert "1 decisions are about another state of their clips (clip0)" in run(data, "--decisions", path, code=2).output
    write_own(data, tuple(replace(clip, split="validation") for clip in clips))
    # On which side of a split a clip lies is nothing that a person looked at.
    run(data, "--decisions", path)
    drawn_ = {clip.id for clip in drawn(clips, 1, 0)}
    said = run(data, "--decisions", path, "--sample", 1, code=2).output
    assert f"1 decisions are about clips that were not drawn ({({'clip0', 'clip1'} - drawn_).pop()})" in said or (
        "2 decisions are about clips that were not drawn (clip0, clip1)" in said
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense\n", "review.json:1: is no decision"),
        ('{"clip": "clip0", "state": "x", "decision": "keep"}\n', "decision 'keep' is none of accept, fix, drop"),
        (
            '{"clip": "clip0", "state": "x", "decision": "drop"}\n{"clip": "clip0", "state": "x", "decision": "accept"}\n',
            "review.json:2: clip 'clip0' was decided about twice, and not alike",
        ),
    ],
)
def test_a_file_that_is_no_review_is_refused_with_its_line(data, tmp_path, text, said):
    (tmp_path / "review.json").write_text(text)
    assert said in run(data, "--decisions", tmp_path / "review.json", code=2).output


def test_a_video_that_announces_frames_it_does_not_have_is_shown_at_its_real_end(data, monkeypatch):
    whole = shown_frames(data, read_own(data)[0])
    walk = Reader.__init__

    def announcing(self, path, **settings):
        walk(self, path, **settings)
        self.frames += 4

    monkeypatch.setattr(Reader, "__init__", announcing)
    found = shown_frames(data, read_own(data)[0])
    assert [frame.index for frame in found] == [frame.index for frame in whole] == list(range(9))
    assert found == whole


def test_neither_or_both_of_page_and_decisions_is_a_usage_error(data, tmp_path):
    assert "give --out to write a page, or --decisions" in run(data, code=2).output
    assert "a sample of 5 cannot be drawn from 4 clips" in run(data, "--sample", 5, "--out", tmp_path / "r.html", code=2).output
