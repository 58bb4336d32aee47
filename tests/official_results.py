"""Result files in the release's layout, whole or damaged, for tests."""

import json

from intergeneval.official import import_results
from intergeneval.records import Answer, Consistency, Profile, Sample, Video
from intergeneval.scores import score_videos

FRAMES = [0, 5, 10, 12]


def scores_of(store, profile=Profile.PAPER):
    found = score_videos(
        store.read("samples", Sample),
        store.read("videos", Video),
        store.read("answers", Answer),
        store.read("consistency", Consistency),
        profile,
    )
    return {score.sample_id: score for score in found}


def verification(number="000", answers=None, **changes):
    """One sound entry of question_verification.json; `answers` replaces some by question id (None: leaves it out)."""
    words = dict.fromkeys(range(1, 11), "yes") | (answers or {})
    results = [{"question_id": key, "answer": word, "frame_index": 5} for key, word in words.items() if word is not None]
    item = {
        "item_index": 0,
        "key_interaction": "man lifts cup",
        "questions": [f"q{index}?" for index in range(1, 11)],
        "question_verification_results": results,
    }
    return {
        "video_id": number,
        "prompt": "A man lifts a cup.",
        "frames_analyzed": 4,
        "frame_indices": FRAMES,
        "model_used": "judge-1",
        "items": [item],
    } | changes


def with_results(results, **item_changes):
    entry = verification()
    entry["items"][0] |= {"question_verification_results": results} | item_changes
    return entry


def hallucination(number="000", rows=None, **changes):
    """One sound entry of _emergence_disappearance.json; `rows` maps frame -> (emergence, disappearance)."""
    rows = dict.fromkeys(FRAMES[1:], ("no", "no")) if rows is None else rows
    results = [{"frame_idx": key, "emergence": seen, "disappearance": gone} for key, (seen, gone) in rows.items()]
    return {
        "video_id": number,
        "prompt": "A man lifts a cup.",
        "entity": ["man", "cup"],
        "colors": ["red", "green"],
        "frames_analyzed": 4,
        "model_used": "judge-2",
        "hallucination_results": results,
    } | changes


def write_results(root, asked, seen, model="m", kind="synthetic"):
    for folder, name, entries in (
        ("question_verification_results", "question_verification.json", asked),
        ("emergence_disappearance_results", "_emergence_disappearance.json", seen),
    ):
        if entries is not None:
            path = root / "SCORE_RESULTS" / folder / model / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(entries if isinstance(entries, str) else json.dumps(entries))
    return root


def imported(tmp_path, asked, seen):
    (store,) = import_results(write_results(tmp_path / "in", asked, seen), tmp_path / "out")
    return store
