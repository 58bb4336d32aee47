import json
import math

import pytest

from intergeneval.errors import RecordError, UsageError
from intergeneval.records import (
    BOX_COLOURS,
    Answer,
    AnswerStatus,
    AnswerValue,
    Consistency,
    InteractionScore,
    Profile,
    Score,
    ScoreStatus,
)
from intergeneval.report.arithmetic import ratio, spell_out
from intergeneval.report.card import read_cards
from intergeneval.report.columns import read_columns
from intergeneval.report.formats import embed, num, p_value, percent, shorten, signed, spans
from intergeneval.report.names import file_names
from intergeneval.report.plots import axis_over, bars, dots
from intergeneval.report.write import environment


def test_axes_hold_all_values_between_round_ticks():
    assert axis_over([0.2, 0.7]).ticks == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert axis_over([0.31, 0.42], narrow=True).ticks == pytest.approx((0.3, 0.35, 0.4, 0.45, 0.5))
    for values in ([-3.7, 0.9], [0.0, 0.0], [-0.01, 1.3]):
        axis = axis_over(values, narrow=True)
        assert axis.low <= min(values) <= max(values) <= axis.high


def test_a_dot_plot_draws_one_dot_a_value_and_stays_within_its_height():
    plot = dots([0.5] * 40 + [0.1, 0.9], axis_over([0, 1]))
    assert plot.path.count("M") == 42
    heights = [float(step.split("h")[0].split(" ")[1]) for step in plot.path.split("M")[1:]]
    assert min(heights) >= 0
    assert max(heights) <= plot.height


def test_difference_bars_are_sorted_and_split_by_sign():
    drawn = bars([0.1, -0.4, 0.0, 0.2])
    assert drawn.limit == 0.4
    assert (drawn.up.count("M"), drawn.down.count("M"), drawn.level.count("M")) == (2, 1, 1)
    assert drawn.up.startswith("M125 50v-24")


def test_numbers_are_written_with_a_true_minus_and_nothing_as_a_dash():
    assert num(-0.1234) == "−0.123"
    assert num(-0.0001) == "0.000"
    assert signed(0.02) == "+0.020"
    assert num(None) == "–"
    assert p_value(0.0002) == "< .001"
    assert percent(0.9999) == "99.9\u202f%"
    assert percent(1.0) == "100\u202f%"
    assert percent(2 / 3) == "66.7\u202f%"
    assert spans([4, 0, 1, 2]) == "0–2, 4"
    assert shorten("a\n b" + "c" * 50, 10) == "a bcccccc…"


def test_embedded_json_cannot_leave_its_block_and_reads_back_the_same():
    value = {"</script><!--": ["<script>", "&amp;", "\u2028"]}
    text = str(embed(value))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value


def test_file_names_are_plain_unique_and_stay_inside_their_folder():
    ids = ["ok-1", "../../etc/passwd", "a b", "A-1", "a-1", "", "con", "<script>", "ü" * 300]
    names = file_names(ids)
    assert names["ok-1"] == "ok-1"
    assert all(name.replace("-", "").replace("_", "").isalnum() and name.isascii() and len(name) < 100 for name in names.values())
    assert len({name.lower() for name in names.values()}) == len(ids)


def answers(values):
    return [
        Answer(
            sample_id="a",
            seed=0,
            interaction=0,
            question_id=number,
            status=AnswerStatus.OK if value else AnswerStatus.UNANSWERABLE,
            value=AnswerValue(value) if value else None,
        )
        for number, value in enumerate(values, 1)
    ]


def score(**changes):
    part = InteractionScore(
        interaction=0,
        kisa_raw=0.8,
        sgi_raw=0.75,
        kisa_answered=5,
        sgi_answered=4,
        kisa_bounds=(4 / 6, 5 / 6),
        sgi_bounds=(0.75, 0.75),
    )
    base = {
        "sample_id": "a",
        "seed": 0,
        "status": ScoreStatus.OK,
        "kisa_raw": 0.8,
        "sgi_raw": 0.75,
        "spi": 0.5,
        "kisa": 0.4,
        "sgi": 0.375,
        "if_": 0.3875,
        "emergence_ratio": 0.0,
        "disappearance_ratio": 0.2,
        "kisa_bounds": part.kisa_bounds,
        "sgi_bounds": part.sgi_bounds,
        "interactions": (part,),
    }
    return Score(**{**base, **changes})


CHECK = Consistency(sample_id="a", seed=0, frames=tuple(range(1, 11)))


def test_the_arithmetic_names_counts_ratios_and_bounds():
    lines = spell_out(score(), answers(["yes"] * 4 + ["no", None] + ["yes"] * 3 + ["no"]), CHECK, Profile.BOUNDED)
    said = {line.name: line for line in lines}
    assert said["KISA raw"].formula == "yes / answered = 4/5"
    assert "between 0.667 and 0.833" in said["KISA raw"].note
    assert said["SPI"].formula == "½ [(1 − 5 × 0/10) + (1 − 5 × 2/10)] = 0.500"
    assert said["KISA"].formula == "KISA raw × SPI = 0.800 × 0.500"
    assert said["IF"].formula == "(KISA + SGI) / 2 = (0.400 + 0.375) / 2"
    assert said["IF"].value == 0.3875


def test_the_arithmetic_says_when_it_was_clipped_partial_or_does_not_add_up():
    def spi(profile=Profile.BOUNDED, **changes):
        return spell_out(score(**changes), answers(["yes"] * 10), CHECK, profile)[2]

    assert "clipped" in spi(spi=0.0, disappearance_ratio=1.0).note
    assert "clipped" not in spi(Profile.PAPER, spi=-1.5, disappearance_ratio=1.0).note
    assert "emergence was not assessed" in spi(emergence_ratio=None, partial=("emergence",)).note
    assert "differs from this sum" in spi(spi=0.7).note


def test_a_ratio_is_written_as_frames_where_it_is_one():
    assert ratio(0.3, 10) == "3/10"
    assert ratio(1 / 3, 10) == "3/9"
    assert ratio(math.pi / 10, 10) == "0.314"


def test_other_suites_are_joined_by_model_and_by_sample(tmp_path):
    table, result = tmp_path / "t.csv", tmp_path / "v.json"
    table.write_text("model,sample_id,flow\natlas,,3.5\natlas,s1,4\n", encoding="utf-8")
    videos = [{"video_path": "x/s1.mp4", "video_results": 0.5}, {"video_path": "s2/0.mp4", "video_results": True}]
    result.write_text(json.dumps({"motion_smoothness": [0.9, videos]}), encoding="utf-8")
    columns = read_columns([str(table), f"atlas={result}"])
    assert columns.names == ("flow", "motion_smoothness")
    assert columns.by_model == {"atlas": {"flow": 3.5, "motion_smoothness": 0.9}}
    assert columns.by_sample["atlas", "s1"] == {"flow": 4.0, "motion_smoothness": 0.5}
    assert columns.by_sample["atlas", "s2"] == {"motion_smoothness": 1.0}


@pytest.mark.parametrize("sample_id", ["synthetic-000", "000", "synthetic"])
def test_a_path_of_another_suite_names_the_sample_that_the_runs_have(tmp_path, sample_id):
    result = tmp_path / "v.json"
    videos = [{"video_path": "out/synthetic/000.mp4", "video_results": 0.5}]
    result.write_text(json.dumps({"motion": [0.9, videos]}), encoding="utf-8")
    assert list(read_columns([f"atlas={result}"], {sample_id}).by_sample) == [("atlas", sample_id)]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.csv", "model,flow\natlas,fast\n", "column 'flow': expected a number, got 'fast'"),
        ("t.csv", "name,flow\natlas,1\n", "neither a column 'model' nor 'sample_id'"),
        ("t.csv", "model,flow\natlas,nan\n", "is not finite"),
        ("v.json", "[]", "belongs to one model"),
        ("atlas=v.json", "[1]", "expected an object of dimensions"),
        ("atlas=v.json", '{"a": ["x", []]}', "dimension 'a': expected a number"),
    ],
)
def test_damaged_tables_of_other_suites_are_named_with_the_place(tmp_path, monkeypatch, name, text, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name.rpartition("=")[2]).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        read_columns([name])


def test_what_is_no_judge_card_is_refused_by_name(tmp_path):
    path = tmp_path / "card.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(RecordError, match=r"card\.json: not a judge card, field 'accuracy' is missing"):
        read_cards([path])


def test_every_box_colour_has_a_colour_on_the_page_in_both_schemes():
    css = str(environment().globals["css"])
    assert all(f".c-{colour} {{" in css and css.count(f"--{colour}: #") == 2 for colour in BOX_COLOURS)
