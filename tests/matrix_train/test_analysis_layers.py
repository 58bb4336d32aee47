"""From scores to layers, on tables made by hand; and which videos count as successes."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from intergeneval.errors import ConfigError
from matrix_train.analysis import layers
from matrix_train.analysis.config import LayersSection
from matrix_train.analysis.layers import Sets
from matrix_train.analysis.maps import MapStore
from matrix_train.analysis.places import binding_layers
from matrix_train.analysis.roles import Slot, on_grid, slots_of
from matrix_train.analysis.scoring import score
from matrix_train.analysis.sets import read_sets
from matrix_train.backbones import Grid, MapKind

GRID = Grid(frames=2, height=2, width=2)


def slot(role, tokens=(1,), *, has_cells=True):
    return Slot(interaction=0, role=role, subject="id1", object="id2", tokens=tokens, has_cells=has_cells)


def tracks():
    """Two instances on five frames of 2 x 2 pixels: the first in the left column, the second top right, later below."""
    first, second = np.zeros((5, 2, 2), bool), np.zeros((5, 2, 2), bool)
    first[:, :, 0] = True
    second[0, 0, 1] = second[1:, 1, 1] = True
    return {"id1": first, "id2": second}


def store(kinds=(MapKind.V2T,)):
    """Two steps, one layer, two heads, roles sub, obj, verb: map entries 0.01, 0.02, ... and twice that in the second step."""
    made = MapStore(roles=3, grid=GRID)
    entries = torch.arange(1, 9, dtype=torch.float32) / 100
    for step, time in enumerate((900.0, 100.0)):
        for kind in kinds:
            heads = torch.stack([entries * (step + 1) * part for part in (0.5, 1.5)])
            made.put(kind, 0, heads[:, None].expand(2, 3, 8).contiguous(), heads=True)
        made.close_step(time)
    return made


def test_the_score_is_the_sum_of_the_map_on_the_mask():
    found = score(store(), [slot("sub"), slot("obj"), slot("verb")], tracks(), {}, stride=4)
    rows = found.steps[found.steps["step"] == 0].set_index("role")
    # Frame 0 holds entries 1 to 4, frame 1 entries 5 to 8, row by row.
    assert rows.loc["sub", "aas"] == pytest.approx(0.01 + 0.03 + 0.05 + 0.07, rel=1e-3)
    assert rows.loc["obj", "aas"] == pytest.approx(0.02 + 0.08, rel=1e-3)
    assert rows.loc["verb", "aas"] == pytest.approx(0.16 + 0.10, rel=1e-3)
    assert rows.loc["verb", "total"] == pytest.approx(0.36, rel=1e-6)
    assert rows.loc["obj", "area"] == 0.25
    late = found.steps[found.steps["step"] == 1].set_index("role")
    assert late.loc["sub", "aas"] == pytest.approx(2 * rows.loc["sub", "aas"], rel=1e-3)
    assert list(found.steps["timestep"].unique()) == [900.0, 100.0]


def test_the_mean_of_the_heads_scores_is_the_step_mean_score():
    found = score(store(), [slot("sub")], {**tracks()}, {}, stride=4)
    assert found.heads["aas"].mean() == pytest.approx(found.steps["aas"].mean(), rel=1e-3)
    assert found.heads["aas"].nunique() == 2


def test_roles_without_words_cells_or_tracks_have_no_score_and_say_so():
    kinds = (MapKind.V2T, MapKind.V2V)
    slots = [slot("sub", tokens=()), slot("obj", has_cells=False), slot("verb")]
    found = score(store(kinds), slots, {"id1": tracks()["id1"]}, {}, stride=4)
    assert set(zip(found.steps["role"], found.steps["kind"], strict=True)) == {("sub", "v2v")}
    assert found.notes == (
        "interaction 0: obj has no track and is not scored",
        "interaction 0: verb has no track and is not scored",
    )


def test_an_instance_the_tracker_lost_is_not_scored():
    found = score(store(), [slot("sub"), slot("obj")], tracks(), {"id2": 0.4}, stride=4)
    assert set(found.steps["role"]) == {"sub"}
    assert found.notes == ("interaction 0: obj was lost in 40% of the frames and is not scored",)


def test_a_latent_frame_is_compared_with_the_frame_in_its_middle():
    masks = np.zeros((9, 2, 2), bool)
    masks[3] = True
    assert on_grid(masks, Grid(frames=3, height=2, width=2), 4)[:, 0, 0].tolist() == [False, True, False]
    # Eight frames for three latent ones: a decoder that gives fewer is followed by its share of the time.
    assert on_grid(masks[:8], Grid(frames=3, height=2, width=2), 4)[:, 0, 0].tolist() == [False, True, False]


def test_what_is_smaller_than_a_token_counts_at_the_token_it_covers_most():
    masks = np.zeros((1, 32, 32), bool)
    masks[0, 17:20, 17:20] = True
    found = on_grid(masks, Grid(frames=1, height=2, width=2), 4)
    assert found[0].tolist() == [[False, False], [False, True]]
    assert not on_grid(np.zeros((1, 32, 32), bool), Grid(frames=1, height=2, width=2), 4).any()


def test_tokens_of_a_role_are_its_words_and_never_padding():
    from matrix_train.analysis.roles import Act

    caption = "a box pushes a ball"
    offsets = ((0, 1), (2, 5), (6, 12), (13, 14), (15, 19), (0, 0), (0, 0))
    acts = [Act(subject="id1", object="id2", spans={"sub": ((2, 5),), "verb": ((6, 12),), "obj": ()})]
    firsts = {name: masks[:1] for name, masks in tracks().items()}
    slots, weights, notes = slots_of(acts, caption, offsets, firsts, GRID)
    assert [(item.role, item.tokens) for item in slots] == [("sub", (1,)), ("obj", ()), ("verb", (2,))]
    assert weights.text_BRT[0].sum(dim=1).tolist() == [1, 0, 1]
    assert weights.text_BRT[0, :, 5:].abs().max() == 0
    assert weights.cells_BRC[0, 2].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert "words of obj are not found" in notes[0]


def table(values, kind="v2t", role="sub", tokens=8):
    """Scores of videos x layers, one step."""
    rows = [
        {"sample_id": f"s{video}", "seed": 0, "interaction": 0, "role": role, "kind": kind, "layer": layer, "step": 0,
         "timestep": 500.0, "aas": value, "total": 2 * value, "tokens": tokens, "area": 0.25}
        for video, layers_ in enumerate(values)
        for layer, value in enumerate(layers_)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_influential_layers_are_ranked_by_frequency_and_mean_together():
    # Layer 2 has the largest mean through one video; layer 0 is most often on top; layer 1 is second in both.
    values = [[5, 4, 1, 0], [5, 4, 1, 0], [5, 4, 1, 0], [4, 5, 30, 0]]
    found = layers.influential(layers.step_means(table(values)), top=1).set_index("layer")
    assert found["frequency"].tolist() == [0.75, 0.0, 0.25, 0.0]
    assert found["mean"].tolist() == [4.75, 4.25, 8.25, 0.0]
    # Ranks by frequency 1, 3.5, 2, 3.5 and by mean 2, 3, 1, 4: layers 0 and 2 tie at 3, and the larger mean goes first.
    assert found["rank_sum"].tolist() == [3.0, 6.5, 3.0, 7.5]
    assert found["place"].tolist() == [2, 3, 1, 4]
    assert found.index[found["influential"]].tolist() == [2]
    assert found["lift"].tolist()[:3] == [2.0, 2.0, 2.0]


def test_nouns_are_the_mean_of_subject_and_object():
    both = pd.concat([table([[1.0, 3.0]]), table([[3.0, 5.0]], role="obj"), table([[7.0, 9.0]], role="verb")])
    means = layers.step_means(both).set_index(["variant", "layer"])["aas"]
    assert means.to_dict() == {("noun", 0): 2.0, ("noun", 1): 4.0, ("verb", 0): 7.0, ("verb", 1): 9.0}


@pytest.mark.parametrize(("count", "top"), [(42, 10), (60, 10), (40, 10), (6, 2), (4, 1), (1, 1)])
def test_ten_layers_count_as_top_and_a_quarter_of_small_models(count, top):
    assert layers.top_of(count) == top


def test_dominant_layers_have_a_gap_above_zero_for_successes_and_below_for_failures():
    # Layer 0 separates most, layer 1 less, layer 2 the wrong way; videos 4 and 5 are in neither set.
    values = [[9, 6, 1], [9, 6, 1], [1, 5, 3], [1, 5, 3], [5, 5.5, 2], [5, 5.5, 2]]
    means = layers.step_means(table(values))
    sets = Sets(success=(("s0", 0), ("s1", 0)), failure=(("s2", 0), ("s3", 0)), origin="by hand")
    gap = layers.gaps(means, sets).set_index("layer")
    assert gap["success_gap"].tolist() == [4.0, 0.5, -1.0]
    assert gap["failure_gap"].tolist() == [-4.0, -0.5, 1.0]
    assert gap["separation"].tolist() == [8.0, 1.0, -2.0]
    joined = layers.with_gaps(layers.influential(means, top=3), layers.gaps(means, sets)).set_index("layer")
    assert joined["dominance"].tolist() == [1, 2, 0]
    assert layers.suggestion(joined.reset_index(), "v2t", 1) == (0,)
    assert layers.suggestion(joined.reset_index(), "v2t", 3) == (0, 1)


def test_an_interval_says_how_sure_a_separation_is():
    draws = np.random.default_rng(0)
    values = [[draws.normal(1.0 + (video < 20), 0.3), draws.normal(1.0, 0.3)] for video in range(40)]
    sets = Sets(
        success=tuple((f"s{video}", 0) for video in range(20)),
        failure=tuple((f"s{video}", 0) for video in range(20, 40)),
        origin="by hand",
    )
    gap = layers.gaps(layers.step_means(table(values)), sets).set_index("layer")
    assert gap.loc[0, "low"] > 0.5
    assert gap.loc[1, "low"] < 0 < gap.loc[1, "high"]


def test_a_layer_that_answers_every_prompt_alike_is_a_dummy_whatever_the_masks():
    values = [[0.1, 0.2, 0.3], [0.1, 0.25, 0.3], [0.1, 0.15, 0.3]]
    steps = table(values)
    # Layer 2: the same map for every prompt, under masks of different size.
    steps.loc[steps["layer"] == 2, "aas"] = [0.1, 0.2, 0.3]
    assert layers.dummy_layers(steps, 1e-18) == (0, 2)
    assert layers.prompt_variances(steps)[1] > 1e-6
    assert layers.dummy_layers(steps[steps["sample_id"] == "s0"], 1e-18) == ()


ANALYSED = {(f"s{index}", 0): f"hash{index}" for index in range(6)}


def scores(folder, values):
    folder.mkdir()
    lines = [
        {"sample_id": f"s{index}", "seed": 0, "status": "ok", "if": value, "kisa": value, "sgi": value}
        for index, value in enumerate(values)
    ]
    (folder / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_successes_and_failures_are_the_best_and_worst_scored_videos_equally_many(tmp_path):
    run = scores(tmp_path / "run", [0.9, 0.1, 0.5, 0.8, 0.0, 0.5])
    sets, notes = read_sets(run, ANALYSED, LayersSection())
    assert sets.success == (("s3", 0), ("s0", 0))
    assert sets.failure == (("s4", 0), ("s1", 0))
    assert notes == ()


def test_equal_scores_never_stand_on_both_sides(tmp_path):
    run = scores(tmp_path / "run", [0.5, 0.5, 0.5, 0.5, 0.5, 0.9])
    sets, _ = read_sets(run, ANALYSED, LayersSection())
    assert (len(sets.success), len(sets.failure)) == (1, 1)
    with pytest.raises(ConfigError, match="no two sets that differ in IF"):
        read_sets(scores(tmp_path / "flat", [0.5] * 6), ANALYSED, LayersSection())


def test_a_score_of_another_file_says_nothing_about_this_ones_attention(tmp_path):
    run = scores(tmp_path / "run", [0.9, 0.1, 0.5, 0.8, 0.0, 0.5])
    lines = [
        {"sample_id": f"s{index}", "seed": 0, "status": "ok", "sha256": "other" if index in (0, 4) else f"hash{index}"}
        for index in range(6)
    ]
    (run / "videos.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    sets, notes = read_sets(run, ANALYSED, LayersSection())
    assert sets.success == (("s3", 0),)
    assert "2 scores are of other files" in notes[0]
    for line in lines:
        line["sha256"] = "other"
    (run / "videos.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(ConfigError, match="score the analysed ones"):
        read_sets(run, ANALYSED, LayersSection())


def test_labels_are_cut_to_the_smaller_side_and_drawn_by_name(tmp_path):
    path = tmp_path / "labels.csv"
    rows = [
        "sample_id,seed,label",
        *(f"s{index},0,{'failure' if index == 2 else 'success'}" for index in range(5)),
        "x,0,failure",
    ]
    path.write_text("\n".join(rows) + "\n")
    sets, _ = read_sets(path, ANALYSED, LayersSection())
    assert len(sets.success) == 1
    assert sets.failure == (("s2", 0),)
    assert read_sets(path, ANALYSED, LayersSection())[0] == sets


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("sample_id,label\ns0,good\n", "label that is success or failure"),
        ("sample_id,label\ns0,success\ns0,failure\n", "labelled twice"),
        ("sample_id,label\ns0,success\n", "both are needed"),
        ("", "both are needed"),
    ],
)
def test_labels_that_cannot_be_used_are_named(tmp_path, text, wrong):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=wrong):
        read_sets(path, ANALYSED, LayersSection())


def test_the_matrix_tells_words_attended_where_the_subject_stood_from_words_attended_where_it_is():
    """The subject walks from the left column to the right; its words are attended, later too, on the left."""
    walking, still = np.zeros((5, 2, 2), bool), np.zeros((5, 2, 2), bool)
    walking[0, 0, 0] = walking[1:, 0, 1] = True
    still[:, 1, 1] = True
    made = MapStore(roles=2, grid=GRID)
    # Cells row by row; the second frame: 0.4 where it stood, 0.1 where it is, 0.1 on the ground, 0.2 at the object.
    entries = torch.tensor([9.0, 9.0, 9.0, 9.0, 0.4, 0.1, 0.1, 0.2])
    made.put(MapKind.V2T, 0, entries.expand(2, 2, 8).contiguous(), heads=True)
    made.close_step(500.0)
    found = score(made, [slot("sub"), slot("obj")], {"id1": walking, "id2": still}, {}, stride=4)
    rows = found.places[found.places["role"] == "sub"].set_index("place")["lift"]
    # The mean of the second frame is 0.2; the first frame counts for nothing.
    assert rows.to_dict() == pytest.approx(
        {"subject stood": 2.0, "subject is": 0.5, "object stood": 1.0, "object is": 1.0, "ground": 0.5}, rel=1e-3
    )
    assert set(found.head_places["head"]) == {0, 1}
    best = binding_layers(found.places)
    # Subject: log(2 / 1); object: the words of both are attended alike, so log(1 / 2): together nothing is told apart.
    assert best.loc[0, "log_ratio"] == pytest.approx(0.0, abs=1e-3)


def test_layers_that_tell_the_two_apart_come_first_and_say_where_they_do():
    rows = [
        {"role": role, "kind": "v2t", "layer": layer, "step": 0, "place": place, "lift": lift}
        for layer, own, now in ((0, 1.0, 1.0), (1, 4.0, 1.5), (2, 1.2, 2.0))
        for role, mine, other in (("sub", "subject", "object"), ("obj", "object", "subject"))
        for place, lift in (
            (f"{mine} stood", own),
            (f"{mine} is", now),
            (f"{other} stood", 1.0),
            (f"{other} is", 1.0),
        )
    ]
    found = binding_layers(pd.DataFrame(rows))
    assert list(found["layer"]) == [1, 2, 0]
    assert list(found["place"])[:2] == ["stood", "is"]
    assert found.loc[0, "log_ratio"] == pytest.approx(np.log(4))


def test_an_interaction_whose_object_was_not_followed_has_no_matrix():
    found = score(store(), [slot("sub"), slot("obj")], tracks(), {"id2": 0.4}, stride=4)
    assert found.places.empty
    assert found.head_places.empty
