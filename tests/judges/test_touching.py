"""What a model may say of what touches in a first frame."""

import json

import pytest

from intergeneval.errors import ConfigError
from intergeneval.judges.prompting import TOUCHING_NAMES, Prompts
from intergeneval.judges.touching import Pair, read_touching, touching_inquiry
from intergeneval.records import Instance

MAN = Instance(id="id1", class_="man", appearance="man in a red coat", colour="red")
STICK = Instance(id="id3", class_="stick", appearance="long stick", colour="green")
DOG = Instance(id="id2", class_="dog", appearance="small dog", colour="blue")


def said(*pairs):
    return json.dumps({"pairs": [{"pair": number, "reason": "so it is", "touching": word} for number, word in pairs]})


def test_the_question_names_both_with_their_boxes_and_a_user_may_word_it(tmp_path):
    pairs = [Pair(interaction=0, first=MAN, second=DOG), Pair(interaction=2, first=STICK, second=DOG)]
    inquiry = touching_inquiry(Prompts(None, TOUCHING_NAMES), b"jpeg", pairs)
    assert 'pair 0: "man in a red coat" (red box) and "small dog" (blue box)' in inquiry.text
    assert 'pair 2: "long stick" (green box) and "small dog" (blue box)' in inquiry.text
    assert inquiry.pictures == (b"jpeg",)
    assert [one["touching"] for one in inquiry.read(said((2, "yes"), (0, "unknown")))] == ["unknown", "yes"]
    (tmp_path / "touching.j2").write_text("{% for pair in pairs %}{{ pair.first }}+{{ pair.second }} {% endfor %}")
    own = Prompts(tmp_path, TOUCHING_NAMES)
    assert touching_inquiry(own, b"", pairs).text == "man in a red coat+small dog long stick+small dog"
    (tmp_path / "touching.j2").write_text("{{ pairs.nothing.at.all }}")
    with pytest.raises(ConfigError, match=r"touching\.j2: cannot be rendered"):
        touching_inquiry(Prompts(tmp_path, TOUCHING_NAMES), b"", pairs)


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ("They touch.", "not one JSON object"),
        ('{"pairs": {}}', '"pairs" is not a list of objects'),
        (said((0, "yes")), "pair 2 is missing; asked are 0, 2"),
        (said((0, "yes"), (1, "no"), (2, "no")), "nobody asked about pair '1'"),
        (said((0, "yes"), (0, "no"), (2, "no")), "pair 0 stands there twice"),
        (said((0, "yes"), ("0", "yes"), (2, "no")), "pair 0 stands there twice"),
        (said((0.5, "yes"), (2, "no")), "nobody asked about pair '0.5'"),
        (said((False, "yes"), (2, "no")), "nobody asked about pair 'False'"),
        (said((0, "maybe"), (2, "no")), "touching 'maybe' is none of yes, no, unknown"),
        (said((0, True), (2, "no")), "touching 'True' is none of"),
        ('{"pairs": [], "note": 1}', "'note', which nobody asked for"),
        ('{"pairs": [{"pair": 0, "touching": "yes", "sure": 1}]}', "'sure', which nobody asked for"),
    ],
)
def test_a_reply_that_does_not_say_one_thing_of_each_pair_says_nothing(reply, fault):
    with pytest.raises(ValueError, match=fault):
        read_touching(reply, [0, 2])
