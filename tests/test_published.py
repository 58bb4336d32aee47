import dataclasses
import json

import pytest

from intergeneval.errors import RecordError, UsageError
from intergeneval.published import PublishedRow, published_rows, read_published
from intergeneval.records import Comparability, Profile


def made_like(row):
    """The comparability of a run that matches a row in every field."""
    return Comparability(
        bench=row.bench_hash,
        questions="q",
        judge=row.judge,
        judge_revision="1",
        tracker="t",
        detector="d",
        sampling=row.sampling,
        profile=row.profile,
        samples="all",
    )


def test_the_papers_models_and_ablation_come_with_the_package():
    models = published_rows("models")
    assert [row.model for row in models] == ["CogVideoX-2B-I2V", "CogVideoX-5B-I2V", "Open-Sora-11B-I2V", "TaVid", "MATRIX"]
    assert models[-1].metrics == {
        "kisa": 0.546,
        "sgi": 0.641,
        "if": 0.593,
        "ha": 0.954,
        "ms": 0.994,
        "iq": 69.73,
    }
    assert len(published_rows("ablation")) == 6
    assert all("2510.07310" in row.source and row.prompts == 118 for row in published_rows())


@pytest.mark.parametrize("row", published_rows(), ids=lambda row: row.model)
def test_each_printed_fidelity_is_the_mean_of_its_two_parts_as_far_as_rounding_goes(row):
    assert row.metrics["if"] == pytest.approx((row.metrics["kisa"] + row.metrics["sgi"]) / 2, abs=0.00101)


def test_a_row_whose_benchmark_nobody_published_matches_no_run():
    row = published_rows("models")[0]
    run = made_like(dataclasses.replace(row, bench_hash="b" * 64))
    assert row.differences(run) == ("bench",)


def test_a_row_may_be_ranked_with_a_run_only_where_everything_was_made_alike():
    row = dataclasses.replace(published_rows("models")[0], bench_hash="b" * 64)
    run = made_like(row)
    assert row.differences(run) == ()
    changed = dataclasses.replace(run, judge="geometry", sampling="equal-time", profile=Profile.BOUNDED, partial=("emergence",))
    assert row.differences(changed) == ("judge", "sampling", "profile", "partial")


def test_an_unknown_table_is_an_error_that_lists_those_that_exist():
    with pytest.raises(UsageError, match="there are models, ablation"):
        published_rows("speed")


def test_a_users_own_rows_are_read_the_same_way(tmp_path):
    row = published_rows()[0].to_json()
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"rows": [row]}))
    assert read_published(path) == (PublishedRow.from_json(row),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "a list 'rows'"),
        ('{"rows": [3]}', "must be objects"),
        ('{"rows": [{}]}', r"rows\[0\]: field 'model' is missing"),
        ('{"shared": {"colour": 1}, "rows": [{}]}', r"rows\[0\]: unknown field 'colour'"),
    ],
)
def test_a_damaged_file_is_named_with_row_and_field(tmp_path, text, said):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=said):
        read_published(path)


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_published(tmp_path / "nowhere.json")
