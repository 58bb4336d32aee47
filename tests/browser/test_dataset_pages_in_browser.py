"""Pages of a dataset in a real browser, opened from a disk: clips are decided about by keyboard, and what is saved is taken."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from intergeneval.records.disk import write_atomically
from matrix_train.cli import main
from matrix_train.data.clips import clip_of, line_of, read_own, write_own
from matrix_train.data.staged import write_staged_clips

POISON = '</script><script>window.owned=1</script><img src=x onerror="window.owned=2">'


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A dataset of four clips with its pages; a source and a reason would run a script if they could."""
    root = tmp_path_factory.mktemp("dataset")
    write_staged_clips(root / "set", seed=21, count=4, frames=13, size=(96, 144))
    clips = read_own(root / "set")
    named = tuple(replace(clip, id=f"clip{index}", source=POISON) for index, clip in enumerate(clips))
    write_own(root / "set", named)
    return root


def run(*words):
    done = CliRunner().invoke(main, ["dataset", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done


def test_clips_are_decided_about_with_the_keyboard_and_the_file_says_what_is_to_be_otherwise(drive, place):
    run("review", place / "set", "--out", place / "review.html")
    seen = drive("dataset_review", place, "review.html")
    clips = {clip.id: clip for clip in read_own(place / "set")}
    assert seen["hidden"] is False
    assert seen["marks"][0].endswith("S0")
    assert seen["pictures"] == 40
    assert seen["unchanged"] == "Not saved. clip1: to fix it, change something; what cannot be changed here is dropped"
    assert seen["unknown"] == "Not saved. clip1: the words of the object do not stand in its caption"
    assert (seen["kept_open"], seen["told"], seen["name"]) == ("kite", "3 of 4 clips decided on this page", "review.json")
    made = [json.loads(line) for line in seen["saved"].splitlines()]
    assert [(item["clip"], item["decision"], item["note"]) for item in made] == [
        ("clip0", "accept", ""),
        ("clip1", "fix", ""),
        ("clip2", "drop", "its mask is another's"),
    ]
    assert [item["state"] for item in made] == [clips[f"clip{index}"].state for index in range(3)]
    assert made[0]["fields"] == made[2]["fields"] == {}
    # Places are counted in characters, also behind one that takes two units in a browser.
    fixed = clip_of({**line_of(clips["clip1"]), **made[1]["fields"]}, "review")
    act, before = fixed.interactions[0], clips["clip1"].interactions[0]
    shown = [[fixed.caption[a:b] for a, b in act.spans(role)] for role in ("sub", "verb", "obj")]
    caption = clips["clip1"].caption
    assert shown == [*([caption[a:b] for a, b in before.spans(role)] for role in ("sub", "verb")), ["kite"]]
    assert (act.verb, act.subject, act.object) == ("chases", before.subject, before.object)
    write_atomically(place / "review.json", seen["saved"])
    said = run("review", place / "set", "--decisions", place / "review.json").output
    assert "2 of 3 decided; 4 clips, 1 of the sample undecided" in said
    opened = drive("open", place, "review.html")
    assert opened["owned"] is None


@pytest.fixture(scope="module")
def pages(place):
    """Both pages; what was left out names a video and a reason that would run a script if it could."""
    line = {"clip": "gone", "stage": "filters", "kind": "dark", "reason": POISON, "video": "videos/none.mp4"}
    shown = {**line, "clip": "shown", "video": read_own(place / "set")[0].video}
    (place / "set/dropped.jsonl").write_text(json.dumps(line) + "\n" + json.dumps(shown) + "\n")
    run("review", place / "set", "--out", place / "pages/review.html")
    run("stats", place / "set", "--out", place / "pages")
    return place / "pages"


def test_the_statistics_page_needs_nothing_runs_nothing_and_has_its_pictures(drive, pages):
    seen = drive("pictures", pages, "statistics.html")
    assert seen["owned"] is None
    assert seen["widths"] == [144] * 5
    assert "6 clips came, 4 are in the dataset." in seen["text"]
    plain = drive("plain", pages, "statistics.html")
    assert "6 clips came, 4 are in the dataset." in plain["text"]


@pytest.mark.parametrize("page", ["review.html", "statistics.html"])
@pytest.mark.parametrize("width", [1280, 400])
def test_neither_page_is_wider_than_its_window(drive, pages, page, width):
    seen = drive("layout", pages, page, width=width)
    assert seen["width"] <= seen["window"] == width


@pytest.mark.parametrize("page", ["review.html", "statistics.html"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_or_critical_violation_on_either_page(drive, pages, page, scheme):
    seen = drive("review_axe", pages, page, scheme=scheme)
    assert seen["checked"] > 10
    assert [item for item in seen["violations"] if item["impact"] in ("serious", "critical")] == []
