import pytest

from intergeneval import ids


def test_equal_values_give_equal_text_whatever_the_order_of_keys():
    assert (
        ids.canonical_json({"b": 1, "a": [1.5, "ü"]}) == ids.canonical_json({"a": [1.5, "ü"], "b": 1}) == '{"a":[1.5,"ü"],"b":1}'
    )


def test_a_nan_never_reaches_a_file():
    with pytest.raises(ValueError, match="Out of range"):
        ids.canonical_json({"score": float("nan")})


def test_a_file_and_its_bytes_hash_alike(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc" * 500_000)
    assert ids.sha256_file(path) == ids.sha256_bytes(b"abc" * 500_000)


def test_a_list_is_hashed_item_by_item_as_it_is_at_once():
    for items in ([], [{"b": 1, "a": "ü"}], [1, [2], {"x": None}, "\ud800"]):
        assert ids.sha256_json_beside(iter(items), {"beside": "\ud800"}) == ids.sha256_json([items, {"beside": "\ud800"}])
