"""What the viewing page is told of a run."""

import intergeneval
from intergeneval.pages.view import ViewServer


def test_controls_are_told_from_the_questions_that_count_and_doubted_masks_stand_beside_the_score(tiny, tmp_path):
    samples = tiny[0] / "samples.jsonl"
    samples.write_text(samples.read_text().replace('"class": "block"', '"class": "man"'))
    run = intergeneval.evaluate(tiny[1], bench=tiny[0], tracker="flow", out=str(tmp_path / "runs/one"), workers=1, limit=1)
    with ViewServer(tmp_path / "runs") as server:
        (row,) = server.give("api/run", {"run": "one"})["rows"]
    asked = run.answers.sort_values("question_id")
    assert [one["text"] for one in row["answers"]] == list(asked["text"])
    assert [one["control"] for one in row["answers"]] == [False] * 10 + [True]
    assert [text.partition(",")[0] for text in row["doubts"]] == ["id1: man: it fills 100% of its box"]
