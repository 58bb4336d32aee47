import pytest

from intergeneval.errors import RecordError
from intergeneval.records import Answer, AnswerStatus, AnswerValue, Comparability, Instance, Interaction, Profile, Sample, Score


def sample():
    return Sample(
        id="s",
        prompt="A man lifts a cup.",
        instances=(
            Instance(id="id1", class_="man", appearance="man in red", colour="red", mask="masks/s/id1.png"),
            Instance(id="id2", class_="cup", appearance="blue cup", colour="blue"),
        ),
        interactions=(Interaction(subject="id1", verb="lifts", object="id2"),),
        size=(480, 720),
        hashes={"masks/s/id1.png": "0" * 64},
    )


def test_a_record_survives_json_unchanged():
    assert Sample.from_json(sample().to_json()) == sample()


def test_json_uses_the_words_of_the_contract_for_python_keywords():
    assert "class" in sample().to_json()["instances"][0]
    assert "if" in Score.from_json({"sample_id": "s", "seed": 0, "status": "ok"}).to_json()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour_of_box": "red"}, "unknown field 'colour_of_box'"),
        ({"prompt": 3}, "prompt: expected a text, got 3"),
        ({"size": [1]}, "size: expected a list of 2"),
        ({"interactions": [{"subject": "id1", "verb": "x", "object": "id2", "category": "magic"}]}, "one of 'contact'"),
        ({"instances": [{"id": "a", "class": "b", "appearance": "c", "colour": "mauve"}]}, "mauve"),
    ],
)
def test_a_wrong_record_is_refused_with_the_place_and_the_value(change, said):
    with pytest.raises(RecordError, match=said):
        Sample.from_json({**sample().to_json(), **change}, where="samples.jsonl:3")


def test_a_missing_field_is_named():
    with pytest.raises(RecordError, match=r"f\.jsonl:1: field 'id' is missing"):
        Sample.from_line("{}", where="f.jsonl:1")


def test_text_that_is_not_json_is_refused():
    with pytest.raises(RecordError, match="not JSON"):
        Sample.from_line('{"id": ')


@pytest.mark.parametrize(("status", "value"), [(AnswerStatus.FAILED, AnswerValue.YES), (AnswerStatus.OK, None)])
def test_an_error_can_never_carry_an_answer(status, value):
    with pytest.raises(ValueError, match="cannot hold value"):
        Answer(sample_id="s", seed=0, interaction=0, question_id=1, status=status, value=value)


def comparability(**changes):
    fields = {"bench": "b", "questions": "q", "judge": "j", "judge_revision": "1", "tracker": "t", "detector": "none"}
    return Comparability(**{**fields, "sampling": "equal-time", "profile": Profile.BOUNDED, "samples": "all", **changes})


def test_runs_made_alike_share_a_key_and_others_name_the_difference():
    assert comparability().key == comparability().key
    other = comparability(tracker="sam2", partial=("emergence",))
    assert other.key != comparability().key
    assert comparability().differences(other) == ("tracker", "partial")
