"""The report in a real browser, opened from a disk."""

import json
import math
from dataclasses import replace

import pytest

from intergeneval.records import Video
from intergeneval.report import ReportOptions, write_report
from tests.report import report_world

BIG = report_world.World(models=tuple(f"model-{number:02d}" for number in range(10)), samples=240, tracks=False)
WIDE = report_world.World(models=("aurora", "borealis", "cirrus"), samples=60, tracks=False)
POISON = '<script>window.owned=1</script></script>"><img src=x onerror="window.owned=2">{{7*7}}{% raw %}\u202eRTL'
LONG = "word " * 2000


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """Three models, eight samples, real videos, one of them missing."""
    root = tmp_path_factory.mktemp("small")
    world = report_world.World(models=("aurora", "borealis", "cirrus"), samples=8, videos=True, missing=(("cirrus", 2),))
    write_report(report_world.build(root, world), root / "report", ReportOptions(published=("models",)))
    return root / "report"


@pytest.fixture(scope="session")
def wide(tmp_path_factory):
    """Three models, 60 samples: some slices are thin, some are not."""
    root = tmp_path_factory.mktemp("wide")
    write_report(report_world.build(root, WIDE), root / "report")
    return root / "report"


@pytest.fixture(scope="session")
def big(tmp_path_factory):
    """Ten models, 240 samples."""
    root = tmp_path_factory.mktemp("big")
    write_report(report_world.build(root, BIG), root / "report")
    return root / "report"


@pytest.fixture(scope="session")
def poisoned(tmp_path_factory):
    """Two models whose every text from outside tries to break out."""
    root = tmp_path_factory.mktemp("poisoned")
    folders = report_world.build(root, report_world.World(models=("aurora", "borealis"), samples=4, poison=POISON + LONG))
    write_report(folders, root / "report")
    write_report(folders, root / "single.html")
    return root


SAMPLE = "samples/contact-000.html"


@pytest.mark.parametrize("page", ["index.html", SAMPLE])
def test_pages_open_from_a_disk_without_a_console_message_or_a_request_outside(drive, small, page):
    seen = drive("open", small, page)
    assert seen["opened_ms"] < 2000
    assert "aurora" in seen["text"]


def test_a_report_of_ten_models_and_240_samples_opens_and_sorts_in_under_two_seconds_each(drive, big):
    size = (big / "index.html").stat().st_size
    table = "#g1-samples-table"
    seen = drive("sort", big, table=table, column=3)
    print(f"index.html {size / 1e6:.2f} MB, opened in {seen['opened_ms']} ms, sorted 240 rows in {seen['ms']} ms")  # noqa: T201  # the measured figures are what one wants to know
    assert size < 2_000_000
    assert seen["opened_ms"] < 2000
    assert seen["ms"] < 2000
    values = [float(text) for text in seen["first"]]
    assert len(values) == 240
    assert values == sorted(values, reverse=True)


def test_sorting_by_keyboard_and_mouse_turns_the_order_round_and_says_so(drive, wide):
    seen = drive("sort", wide, table="table.board", column=2)
    assert seen["aria_first"] == "descending"
    assert seen["aria_second"] == "ascending"
    assert seen["first"] == sorted(seen["before"], reverse=True)
    assert seen["second"] == sorted(seen["before"])
    assert seen["sorted_heads"] == 1


def test_filters_hide_what_does_not_match_and_count_what_is_left(drive, wide):
    models = drive("filter", wide, table="table.board", controls="g1", text="bor")
    assert (models["before"], models["after"]) == (3, 1)
    samples = drive("filter", wide, table="#g1-samples-table", controls="g1-samples-table", text="social")
    assert (samples["before"], samples["after"]) == (60, 12)
    assert samples["status"] == "12 of 60 rows"


def test_a_thin_slice_is_greyed_and_claims_nothing(drive, wide):
    seen = drive("slice", wide, slice="category: contact")
    assert all(thin and interval == "no interval" for _, interval, thin in seen["after"])
    assert "claims nothing" in seen["status"]
    assert [row[0] for row in seen["after"]] != [row[0] for row in seen["before"]]
    assert seen["restored"] == seen["before"]
    # Rows that a slice gives other numbers are in no column's order any more, and no head says so.
    assert (seen["sorted_before"], seen["sorted_after"]) == (1, 0)
    assert seen["reference"][1] == "reference"
    assert seen["reference"][0].startswith("+")


def test_a_slice_with_enough_prompts_keeps_its_intervals(drive, wide):
    seen = drive("slice", wide, slice="direction: unidirectional")
    assert all(not thin and interval.startswith("[") for _, interval, thin in seen["after"])


def test_the_pair_view_shows_the_chosen_pair_and_follows_links(drive, wide):
    seen = drive("pair", wide)
    assert seen["before"] == [["g1-pair-1-2", True]]
    assert seen["chosen"] == [["g1-pair-1-3", True]]
    assert seen["linked"] == [["g1-pair-2-3", True]]


def test_samples_are_reached_by_links_that_are_file_names(drive, small):
    seen = drive("link", small)
    assert seen["at"] == "contact-000.html"
    assert seen["heading"] == "contact-000"


def test_a_deep_link_opens_a_sample_at_a_frame_and_an_answer_leads_to_its_own(drive, small):
    seen = drive("frame", small, SAMPLE + "#s-contact-000/frame=16", answer="yes")
    assert seen["shown"] == "frame 16 of 48"
    assert seen["top"] < 200
    assert all(math.isclose(time, 16.5 / 8, abs_tol=0.02) for time in seen["times"])
    assert seen["after_seek"] in {f"frame {frame} of 48" for frame in (*range(5, 48, 5), 48)}


def test_a_frame_of_a_video_whose_rate_varies_is_sought_at_its_own_time(drive, tmp_path):
    [folder] = report_world.build(tmp_path, report_world.World(models=("aurora",), samples=1, videos=True))
    video = Video.from_json(json.loads((folder / "videos.jsonl").read_text()))
    times = tuple(frame / 16 + (2.0 if frame > 10 else 0.0) for frame in range(video.frames))
    report_world.write_lines(folder / "videos.jsonl", [replace(video, times=times)])
    write_report([folder], tmp_path / "report")
    seen = drive("frame", tmp_path / "report", SAMPLE + "#s-contact-000/frame=16", answer="yes")
    assert seen["shown"] == "frame 16 of 48"
    [time] = seen["times"]
    assert times[16] < time < times[17]


def test_keys_scrub_all_videos_timelines_and_outlines_together(drive, small):
    seen = drive("keys", small, SAMPLE)
    assert seen["start"] == "frame 0 of 48"
    assert seen["body_keys"] == "frame 3 of 48"
    assert seen["range_keys"] == "frame 2 of 48"
    assert seen["end"] == "frame 48 of 48"
    assert len(seen["times"]) == 3
    assert all(math.isclose(time, 48.5 / 8, abs_tol=0.07) for time in seen["times"])
    assert seen["now_start"] != seen["now_end"]
    assert seen["shape_start"] != seen["shape_end"]


def test_videos_play_together_on_demand_and_never_by_themselves(drive, small):
    seen = drive("play", small, SAMPLE)
    assert seen["autoplay"] == 0
    # One scrubber for all: the videos' own controls are for readers without JavaScript.
    assert seen["controls"] == 0
    assert seen["before"] is True
    assert seen["playing"] == [True, True, True]
    assert seen["after"] is True


def test_outlines_are_toggled_together_and_one_by_one(drive, small):
    seen = drive("overlay", small, SAMPLE)
    assert seen["start"] == [True, True]
    assert seen["without_first"] == [False, True]
    assert seen["none"] == [False, False]
    assert seen["again"] == [False, True]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["index.html", SAMPLE])
def test_axe_finds_no_serious_or_critical_violation(drive, small, page, scheme):
    seen = drive("axe", small, page, scheme=scheme)
    assert seen["checked"] > 20
    assert [item for item in seen["violations"] if item["impact"] in ("serious", "critical")] == []


def test_axe_finds_no_serious_or_critical_violation_on_a_phone_or_in_one_file(drive, small, poisoned):
    for folder, page in ((small, "index.html"), (small, SAMPLE), (poisoned, "single.html")):
        seen = drive("axe", folder, page, width=320, height=640)
        assert [item for item in seen["violations"] if item["impact"] in ("serious", "critical")] == []


def test_the_grid_is_ordered_and_filtered_also_by_cards_that_the_script_makes(drive, wide):
    seen = drive("grid", wide, order="best", category="contact", question="3", answer="n")
    assert [badge.split(",")[0] for badge in seen["start"][:12]] == ["worst"] * 4 + ["best"] * 4 + ["most disputed"] * 4
    assert seen["best"] == sorted(seen["best"], reverse=True)
    assert len(seen["more"]) == 36
    assert seen["status"].endswith("of 60 samples")
    assert 0 < seen["found"] < 60
    # Of what fits, the models that fit stand out, and the question's cell with them.
    assert all(letter == "n" for letters in seen["third"] for letter in letters)
    assert seen["faded"] > 0
    assert seen["restored"] == seen["start"]


def test_a_card_s_videos_play_together_by_key_and_by_button_and_end_together(drive, small):
    seen = drive("together", small)
    assert seen["before"] == 0
    assert seen["playing"] == [True] * 3
    assert seen["stopped"] == 0
    assert seen["again"] == [True] * 3
    assert seen["apart"] < 0.5


def test_the_bars_of_a_pair_say_which_prompt_they_are(drive, wide):
    seen = drive("fall", wide)
    assert "Point at a bar" in seen["before"]
    assert f"({seen['gained'][:4]}" in seen["first"]
    assert "→" in seen["first"]
    assert seen["last"] != seen["first"]
    assert seen["href"].startswith("samples/")


def test_without_javascript_the_leaderboard_and_the_answers_read(drive, small):
    index = drive("plain", small)
    assert index["controls"] == index["buttons"] == 0
    assert all(word in index["text"] for word in ("aurora", "borealis", "cirrus", "Published, not ranked", "95\u00a0% interval"))
    assert index["cards"] == 8
    sample = drive("plain", small, SAMPLE)
    assert sample["controls"] == 0
    assert sample["scrubbers"] == 3
    assert "yes / answered" in sample["text"]
    assert sample["details"] >= 30


@pytest.mark.parametrize("page", ["report/index.html", "single.html"])
def test_texts_that_try_to_break_out_show_as_text_and_run_nothing(drive, poisoned, page):
    seen = drive("open", poisoned, page)
    assert seen["owned"] is None
    assert seen["images"] == 0
    assert "<script>window.owned=1</script>" in seen["text"]


def test_a_poisoned_sample_page_shows_prompt_question_and_reason_as_text(drive, poisoned):
    page = sorted((poisoned / "report" / "samples").iterdir())[0]
    seen = drive("open", poisoned, f"report/samples/{page.name}")
    assert seen["owned"] is None
    assert seen["images"] == 0
    assert "{{7*7}}" in seen["text"]
    assert seen["text"].count("word word word") >= 1
    assert drive("layout", poisoned, f"report/samples/{page.name}", width=320, height=640)["width"] <= 320


@pytest.mark.parametrize("page", ["index.html", SAMPLE])
def test_pages_fit_320_pixels_obey_the_scheme_and_reduced_motion_and_print_without_controls(drive, small, page):
    narrow = drive("layout", small, page, width=320, height=640, reduced=True)
    assert narrow["width"] <= 320
    assert narrow["motion"] == "auto"
    assert narrow["controls"] > 0
    dark = drive("layout", small, page, scheme="dark")
    assert dark["paper"] != narrow["paper"]
    assert dark["motion"] == "smooth"
    assert drive("layout", small, page, media="print")["controls"] == 0
