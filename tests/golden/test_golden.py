"""Fixed seeds give fixed bytes: a number that moves without anyone meaning it to is found here."""

import json

import pytest

from tests.golden import recipe


@pytest.mark.parametrize("policy", recipe.POLICIES)
def test_scores_over_true_tracks_are_the_stored_bytes(policy, tmp_path):
    folder = recipe.run_staged(policy, tmp_path / "run", recipe.SCENES).store.folder
    assert (folder / "scores.jsonl").read_text() == (recipe.HERE / f"{policy}.scores.jsonl").read_text()


def test_scores_over_the_flow_tracker_keep_their_statuses_and_numbers(tmp_path):
    # The tracker sees decoded pixels, so another encoder may move the last digits.
    folder = recipe.run_staged("perfect", tmp_path / "run", recipe.FLOW_SCENES, "flow").store.folder
    found = [json.loads(line) for line in (folder / "scores.jsonl").read_text().splitlines()]
    stored = [json.loads(line) for line in (recipe.HERE / "flow.scores.jsonl").read_text().splitlines()]
    assert len(found) == len(stored)
    for mine, theirs in zip(found, stored, strict=True):
        numbers = {name for name, value in theirs.items() if isinstance(value, float)}
        assert {name: mine[name] for name in numbers} == pytest.approx({name: theirs[name] for name in numbers}, abs=1e-6)
        assert [mine["sample_id"], mine["status"], mine["answered"]] == [
            theirs["sample_id"],
            theirs["status"],
            theirs["answered"],
        ]


def test_scenes_are_drawn_as_they_were():
    assert recipe.frame_hashes() == json.loads((recipe.HERE / "frames.json").read_text())


def test_the_sample_leaderboard_is_rebuilt_to_the_byte(tmp_path):
    recipe.build_sample(tmp_path / "out")
    pages = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.suffix in (".html", ".json", ".csv")
    }
    assert len(pages) > recipe.SAMPLE_SCENES
    stored = {name: (recipe.SAMPLE / "report" / name).read_bytes() for name in pages}
    assert pages == stored
