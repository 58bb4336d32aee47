"""The card that is shipped is about the default pair as it is now."""

from intergeneval.judges.geometry import create
from intergeneval.questions import embedded, templates_hash
from intergeneval.report.card import SHIPPED, find_cards, read_cards
from intergeneval.trackers.flow import FlowTracker


def test_the_shipped_card_is_of_the_judge_tracker_and_templates_that_are_the_default():
    [card] = read_cards(sorted(SHIPPED.glob("*.json")))
    known = card.content
    judge = create("", {})
    assert (known["judge"], known["judge_revision"]) == (judge.id, judge.revision)
    assert (known["tracker"], known["detector"]) == (FlowTracker.id, "none")
    assert known["templates"] == templates_hash(embedded())


def test_the_shipped_card_is_found_without_an_exam_and_tells_of_generated_video(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [card] = read_cards(find_cards([tmp_path / "run"]))
    told = dict(card.generated)
    assert told["Accuracy, generated video"].startswith("0.98")
    assert "labelled by a vision-language model" in told["On generated video"]
