"""The ``hf`` judge with a tiny random Qwen3-VL: the real model class, processor and chat template, weights from disk."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.errors import BackendError, ConfigError
from intergeneval.judges import JudgeRequest, bodies_revision, hf, hf_model
from intergeneval.judges.walking import Look
from intergeneval.masks import track_of
from intergeneval.records import (
    AnswerStatus,
    AnswerValue,
    Consistency,
    Question,
    Stage,
    Tracks,
    TrackState,
    Video,
    VideoStatus,
)
from tests.models import checkpoints, scenes

FRAMES = (0, 5, 9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return checkpoints.qwen3_vl(tmp_path_factory.mktemp("weights") / "tiny-vlm")


def question(number):
    return Question(
        sample_id="scene",
        interaction=0,
        question_id=number,
        stage=Stage.DURING,
        text=f"Does thing id1 touch thing id2 for the {number}. time?",
        names=("id1", "id2"),
        verb="touches",
    )


def asked(count=2, state=TrackState.VISIBLE, assess=None):
    given = scenes.masks(2)
    base = scenes.request([], given)
    nothing = np.zeros(scenes.SIZE, dtype=np.bool_)
    tracks = [
        track_of(name, [mask if state is TrackState.VISIBLE else nothing] * 10, [state] * 10, [1.0] * 10)
        for name, mask in given.items()
    ]
    return JudgeRequest(
        sample=base.sample,
        video=Video(sample_id="scene", seed=0, status=VideoStatus.OK, size=scenes.SIZE, frames=10, sampled=FRAMES),
        tracks=Tracks(sample_id="scene", seed=0, tracker="t", size=scenes.SIZE, tracks=tuple(tracks)),
        questions=[question(number) for number in range(1, count + 1)],
        frames=lambda: dict(zip(FRAMES, scenes.frames(3), strict=True)),
        assess=assess,
    )


def wrote(text, *, cut=False):
    return hf_model.Written(text=text, cut=cut)


def test_choice_mode_always_parses_whatever_the_model_is(folder, tmp_path):
    judges = [hf.create(str(folder), {"mode": "choice"})]
    judges += [hf.create(str(checkpoints.qwen3_vl(tmp_path / str(seed), seed)), {"mode": "choice"}) for seed in (1, 2)]
    for judge in judges:
        answers = judge.answer(asked(3))
        assert [answer.status for answer in answers] == [AnswerStatus.OK] * 3
        for answer in answers:
            assert answer.frame in FRAMES or (answer.frame is None and answer.value is AnswerValue.NO)
            chances = {value: math.exp(chance) for value, chance in answer.evidence["log_chances"].items()}
            assert sum(chances.values()) == pytest.approx(1.0)
            assert (answer.value is AnswerValue.YES) == (chances["yes"] >= 0.5)


def test_chances_read_from_a_shared_prefix_are_those_of_the_whole_chat_held_to_the_answers(folder):
    judge = hf.create(str(folder), {"mode": "choice"})
    request = asked()
    images = judge.shown(request)
    pairs = [("Is it so?", "Well: "), ("Was it ever so, in any of these frames?", "I say ")]
    ends = [["yes.", "no.", "no, and that could not be."]] * 2
    scorer = judge.vlm.scorer(lambda text: judge.content(request, list(images), text), list(images.values()), 4)
    model, processor = judge.vlm._loaded.get()

    def following(words, reply, tokens):
        """Log-probabilities of all next tokens after the chat, the reply so far and some tokens, read as one text."""
        chat = processor.apply_chat_template(
            judge.content(request, list(images), words), add_generation_prompt=True, tokenize=False
        )
        inputs = judge.vlm._inputs(chat + reply, list(images.values()))
        last = torch.tensor([tokens], dtype=torch.long)
        kinds = torch.cat([inputs["mm_token_type_ids"], torch.zeros_like(last, dtype=inputs["mm_token_type_ids"].dtype)], 1)
        ids = torch.cat([inputs["input_ids"], last], 1)
        seen = {name: inputs[name] for name in ("pixel_values", "image_grid_thw")}
        with torch.inference_mode():
            return model(input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=kinds, **seen).logits[0, -1]

    for (words, reply), row, found in zip(pairs, ends, scorer.log_chances(pairs, ends), strict=True):
        tokens = [processor.tokenizer(end, add_special_tokens=False)["input_ids"] for end in row]
        shared = next(place for place in range(99) if tokens[1][place] != tokens[2][place])
        first = following(words, reply, [])[[tokens[0][0], tokens[1][0]]].log_softmax(0)
        later = following(words, reply, tokens[1][:shared])[[tokens[1][shared], tokens[2][shared]]].log_softmax(0)
        wanted = [first[0], first[1] + later[0], first[1] + later[1]]
        assert found == pytest.approx([float(value) for value in wanted], abs=1e-3)


def test_an_answer_loses_nothing_by_being_written_in_more_tokens(folder):
    judge = hf.create(str(folder), {"mode": "choice"})
    request = asked()
    images = judge.shown(request)
    scorer = judge.vlm.scorer(lambda text: judge.content(request, list(images), text), list(images.values()), 4)
    short, long = ["yes.", "no."], ["yes, as far as anybody can see in these frames.", "no."]
    one, other = scorer.log_chances([("Is it so?", "")] * 2, [short, long])
    assert one == pytest.approx(other, abs=1e-3)


def test_choices_are_scored_in_the_tokens_in_which_a_model_would_write_them(tmp_path, monkeypatch):
    said = [("no", "null"), ("no (visually implausible)", "5"), ("yes", "9")]
    written = ", ".join(f'{{"question": "0.1", "reason": "", "answer": "{value}", "frame": {frame}}}' for value, frame in said)
    written = f'{{"answers": [{written}]}}'
    judge = hf.create(str(checkpoints.qwen3_vl(tmp_path / "vlm", words=(written,) * 20)), {"mode": "choice"})
    seen = []
    plain = hf_model.Scorer.log_chances
    monkeypatch.setattr(
        "intergeneval.judges.hf_model.Scorer.log_chances",
        lambda self, begun, ends: seen.extend(zip(begun, ends, strict=True)) or plain(self, begun, ends),
    )
    judge.answer(asked(1))
    tokenizer = judge.vlm._loaded.get()[1].tokenizer
    mark = tokenizer.encode('",', add_special_tokens=False)
    assert len(mark) == 1, "this vocabulary has quotation mark and comma as one token, as large ones do"
    assert len(seen) == 2
    for (_, reply), row in seen:
        # A frame ends in a bracket that may be one token with the next: the last character is left out there.
        for end in (whole.removesuffix("}") for whole in row):
            parts = [tokenizer.encode(part, add_special_tokens=False) for part in (reply, end, reply + end)]
            assert parts[0] + parts[1] == parts[2]
    yes_and_no = list(seen[0][1])[:2]
    assert all(tokenizer.encode(end, add_special_tokens=False)[-1:] == mark for end in yes_and_no)


def test_pictures_decide_what_is_chosen_and_batches_do_not(folder):
    first = asked()
    other = JudgeRequest(
        **{name: getattr(first, name) for name in JudgeRequest.__slots__ if name != "frames"}, frames=lambda: dark
    )
    dark = {index: np.zeros((*scenes.SIZE, 3), dtype=np.uint8) for index in FRAMES}
    one, eight = (hf.create(str(folder), {"mode": "choice", "batch": batch}) for batch in (1, 8))
    chances = [list(answer.evidence["frame_log_chances"].values()) for answer in one.answer(first)]
    assert [list(answer.evidence["frame_log_chances"].values()) for answer in eight.answer(first)] == [
        pytest.approx(row, abs=1e-3) for row in chances
    ]
    assert [list(answer.evidence["frame_log_chances"].values()) for answer in one.answer(other)] != chances


def test_generate_mode_takes_a_reply_as_strictly_as_the_api_judge_and_repairs_once(folder, monkeypatch):
    judge = hf.create(str(folder), {})
    good = {"question": "0.1", "reason": "seen", "frame": 5, "answer": "yes"}
    replies = [
        json.dumps({"walk": ["5: both stand", "9: one moves"], "bodies": [], "answers": [good]}),
        json.dumps({"answers": [{**good, "question": "0.2", "answer": "no", "frame": None}]}),
    ]
    turns, texts = [], []

    def write(messages, frames, limit):
        turns.append((len(messages), len(frames)))
        texts.append(messages[-1]["content"][-1]["text"])
        return wrote(replies[len(turns) - 1])

    monkeypatch.setattr(judge.vlm, "write", write)
    answers = judge.answer(asked())
    assert [(item.status, item.value, item.frame) for item in answers] == [
        (AnswerStatus.OK, AnswerValue.YES, 5),
        (AnswerStatus.OK, AnswerValue.NO, None),
    ]
    assert turns == [(2, 3), (4, 3)]
    assert [answer.evidence for answer in answers] == [{"seen": "both stand"}, {}]
    # What was told of the frames and answered is not asked for again.
    assert ('"walk":' in texts[0], "[0.1]" in texts[0]) == (True, True)
    assert ('"walk":' in texts[1], "[0.1]" in texts[1]) == (False, False)
    assert "question 0.2: 0 answers instead of one" in texts[1]


def test_a_yes_waits_for_what_its_frame_shows_and_a_no_does_not(folder, monkeypatch):
    judge = hf.create(str(folder), {})
    entries = [{"question": "0.1", "reason": "", "frame": 5, "answer": "yes"}]
    entries += [{"question": "0.2", "reason": "", "frame": None, "answer": "no"}]
    replies, texts = [{"answers": entries}, {}], []

    def write(messages, frames, limit):
        texts.append(messages[-1]["content"][-1]["text"])
        return wrote(json.dumps(replies.pop(0)))

    monkeypatch.setattr(judge.vlm, "write", write)
    answers = judge.answer(asked())
    assert [(item.status, item.value) for item in answers] == [(AnswerStatus.UNPARSED, None), (AnswerStatus.OK, AnswerValue.NO)]
    assert answers[0].reason.startswith('"walk" is not a list')
    assert ('"walk":' in texts[1], "[0.1]" in texts[1]) == (True, False)


STATED = [{"frame": frame, "emerged": False, "missing": [], "reason": ""} for frame in (5, 9)]
WALKED = {"walk": ["5: both stand", "9: one moves"], "emerged": [], "missing": [], "bodies": []}


@pytest.mark.parametrize("told", [{"frames": STATED}, WALKED], ids=["before", "walk"])
def test_a_reply_that_its_limit_cut_off_keeps_what_is_complete_and_only_the_rest_is_asked_for_in_a_chat_of_its_own(
    folder, monkeypatch, told
):
    judge = hf.create(str(folder), {})
    entries = [{"question": f"0.{number}", "reason": "seen", "answer": "yes", "frame": 5} for number in (1, 2)]
    first = json.dumps({**told, "answers": entries})
    first = "<think>It may be so.</think>" + first[: first.index("0.2")]
    replies = [wrote(first, cut=True), wrote(json.dumps({"answers": entries[1:]}))]
    asked_for = []

    def write(messages, frames, limit):
        asked_for.append((len(messages), messages[-1]["content"][-1]["text"]))
        return replies.pop(0)

    monkeypatch.setattr(judge.vlm, "write", write)
    found = judge.judge(asked(2, assess=Consistency(sample_id="scene", seed=0, frames=(5, 9))))
    assert [item.status for item in found.answers] == [AnswerStatus.OK] * 2
    assert found.consistency.emergence == (False, False)
    assert [turns for turns, _ in asked_for] == [2, 2]
    assert "[0.1]" not in asked_for[1][1]
    assert ['"walk":' in text for _, text in asked_for] == [True, False]


def test_thinking_that_the_chat_template_begins_is_no_answer_and_what_was_cut_off_says_so(folder):
    judge = hf.create(str(folder), {"max_tokens": 12})
    _, processor = judge.vlm._loaded.get()
    processor.chat_template += "{% if add_generation_prompt %}<think>\n{% endif %}"
    words = judge.content(asked(), [0], "What is this?")
    written = judge.vlm.write(words, scenes.frames(1), 12)
    assert written.text.startswith("<think>")
    assert written.cut
    answers = judge.answer(asked())
    assert {answer.status for answer in answers} == {AnswerStatus.UNPARSED}
    assert all(answer.reason.startswith("the reply was cut off at max_tokens 12; raise it") for answer in answers)


def test_special_tokens_that_tell_thinking_from_the_reply_stay_and_all_others_go(folder):
    judge = hf.create(str(folder), {})
    _, processor = judge.vlm._loaded.get()
    processor.tokenizer.add_special_tokens({"additional_special_tokens": ["[THINK]", "[/THINK]"]})
    text = "[THINK]it[/THINK]is<|im_end|>"
    ids = processor.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert hf_model._decoded(processor, ids) == "[THINK]it[/THINK]is"
    assert hf_model._decoded(processor, processor.tokenizer("it is<|im_end|>", add_special_tokens=False)["input_ids"]) == "it is"


def test_generate_mode_assesses_frames_when_asked(folder, monkeypatch):
    judge = hf.create(str(folder), {})
    base = Consistency(sample_id="scene", seed=0, frames=(5, 9))
    stated = [
        {"frame": 5, "emerged": True, "missing": [], "reason": "a second thing"},
        {"frame": 9, "emerged": False, "missing": ["id2"], "reason": ""},
    ]
    walked = {"walk": ["5: a second thing", "9: T2 left"], "emerged": [5], "missing": ["T2: 9"], "bodies": []}
    for told in ({"frames": stated}, walked):
        monkeypatch.setattr(judge.vlm, "write", lambda *_, told=told: wrote(json.dumps(told)))
        found = judge.judge(asked(0, assess=base)).consistency
        assert (found.emergence, found.disappearance) == ((True, False), (False, True))
        assert found.reasons[0] == "a second thing"
    for short in ({"frames": stated[:1]}, {**walked, "walk": walked["walk"][:1]}):
        monkeypatch.setattr(judge.vlm, "write", lambda *_, told=short: wrote(json.dumps(told)))
        assert judge.judge(asked(0, assess=base)).consistency.status is AnswerStatus.UNPARSED


def own_words(folder):
    """Words of before: questions and statements a frame, and the same with marks of bodies, each in a template of its own."""
    folder.mkdir()
    asks = "{{ questions }} {{ frames }} {{ instances }} {{ classes }}"
    (folder / "ask.j2").write_text(f"Answer: {asks}")
    (folder / "ask_bodies.j2").write_text(f'Mark "impossible" and answer: {asks}')
    return str(folder)


def written_frames(**second):
    entry = {"emerged": False, "missing": [], "reason": "three hands"}
    return {"frames": [{"frame": 5, **entry, **second}, {"frame": 9, **entry, "impossible": False}]}


BODIES = {
    "walk": (
        {**WALKED, "walk": ["5: three hands", "9: one moves"], "bodies": ["T1: 5"]},
        {**{name: told for name, told in WALKED.items() if name != "bodies"}},
        '"bodies" is not a list of lines',
        "bodies: likewise, whose",
    ),
    "walk, layout before": (
        written_frames(impossible=True),
        written_frames(),
        "impossible 'None' is neither true nor false",
        "bodies: likewise, whose",
    ),
    "own": (
        written_frames(impossible=True),
        written_frames(),
        "impossible 'None' is neither true nor false",
        'Mark "impossible"',
    ),
}


@pytest.mark.parametrize("words", sorted(BODIES))
def test_generate_mode_marks_bodies_where_asked_and_repairs_a_mark_left_out(folder, tmp_path, monkeypatch, words):
    whole, lacking, problem, asks = BODIES[words]
    judge = hf.create(str(folder), {"prompts": own_words(tmp_path / "own")} if words == "own" else {})
    base = Consistency(sample_id="scene", seed=0, frames=(5, 9))
    request = replace(asked(0, assess=base), bodies=True)
    replies, turns = [], []

    def write(messages, frames, limit):
        turns.append(messages[-1]["content"][-1]["text"])
        return wrote(json.dumps(replies.pop(0)))

    monkeypatch.setattr(judge.vlm, "write", write)
    replies[:] = [lacking, whole]
    found = judge.judge(request).consistency
    assert (found.implausible, found.reasons) == ((True, False), ("three hands", ""))
    assert problem in turns[1]
    assert all(asks in text for text in turns)
    replies[:] = [lacking] * 2
    found = judge.judge(request).consistency
    assert (found.status, found.implausible) == (AnswerStatus.UNPARSED, None)


def test_marks_of_own_words_have_a_cache_key_of_their_own_and_change_no_other_key_and_no_revision(folder, tmp_path):
    judge = hf.create(str(folder), {"prompts": own_words(tmp_path / "own")})
    before, after = keys_without_and_with_marks(judge)
    assert {name for name in before if before[name] != after[name]} == {""}
    assert judge.bodies_revision not in judge.revision


def test_a_walk_marks_bodies_whoever_asks_so_a_run_that_wants_marks_finds_all_keys_of_one_that_does_not(folder):
    judge = hf.create(str(folder), {})
    before, after = keys_without_and_with_marks(judge)
    assert set(before) == {"0.1", "0.2", ""}
    assert before == after


def keys_without_and_with_marks(judge):
    plain = asked(2, assess=Consistency(sample_id="scene", seed=0, frames=(5, 9)))
    images = judge.shown(plain)
    look = Look(frames=(5, 9), assess=True, all=True)
    return [judge.keys(replace(plain, bodies=bodies), images, look) for bodies in (False, True)]


def test_choice_mode_states_nothing_of_frames_and_so_marks_no_bodies(folder):
    assert bodies_revision(hf.create(str(folder), {"mode": "choice"})) == ""


def test_random_weights_in_generate_mode_are_unparsed_and_greedy(folder):
    judge = hf.create(str(folder), {"max_tokens": 12})
    answers = judge.answer(asked())
    assert {answer.status for answer in answers} == {AnswerStatus.UNPARSED}
    assert all(answer.reason for answer in answers)
    words = judge.content(asked(), [0], "What is this?")
    assert judge.vlm.generate(words, scenes.frames(1), 12) == judge.vlm.generate(words, scenes.frames(1), 12)


def test_a_lost_instance_is_asked_about_and_the_judge_told_that_it_has_no_outline(folder, monkeypatch):
    texts, plain = [], hf_model.Scorer.log_chances
    entries = [{"question": f"0.{number}", "reason": "", "frame": 9, "answer": "yes"} for number in (1, 2)]

    def log_chances(self, begun, ends):
        texts.extend(words for words, _ in begun)
        return plain(self, begun, ends)

    def write(messages, frames, limit):
        texts.append(messages[-1]["content"][-1]["text"])
        return wrote(json.dumps({"walk": WALKED["walk"], "bodies": [], "answers": entries}))

    monkeypatch.setattr(hf_model.Scorer, "log_chances", log_chances)
    for mode in hf.MODES:
        judge = hf.create(str(folder), {"mode": mode})
        monkeypatch.setattr(judge.vlm, "write", write)
        for state, notes in ((TrackState.LOST, 2), (TrackState.VISIBLE, 0)):
            texts.clear()
            assert [answer.status for answer in judge.answer(asked(state=state))] == [AnswerStatus.OK] * 2
            assert {text.count(" outline (no outline after frame 0)\n") for text in texts} == {notes}


def run(folder, tmp_path, settings):
    config = tmp_path / "run.toml"
    config.write_text("[settings.hf]\n" + settings)
    out = tmp_path / "run"
    command = ["run", "--model", "bench:clips", "--samples", "juggle", "--judge", f"hf:{folder}", "--config", str(config)]
    done = CliRunner().invoke(main, [*command, "--out", str(out)])
    return done, [json.loads(line) for line in (out / "answers.jsonl").read_text().splitlines()]


def test_a_run_in_choice_mode_answers_everything_and_is_complete(folder, tmp_path):
    done, answers = run(folder, tmp_path, 'mode = "choice"\nside = 96\n')
    assert done.exit_code == 0, done.output
    # The ten of its interaction and the one that must be no.
    assert sorted(item["question_id"] for item in answers) == list(range(1, 12))
    assert {item["status"] for item in answers} == {"ok"}


def test_a_run_in_generate_mode_with_random_weights_is_unparsed_and_exits_with_3(folder, tmp_path):
    done, answers = run(folder, tmp_path, 'mode = "generate"\nmax_tokens = 16\nside = 96\n')
    assert done.exit_code == 3, done.output
    assert {item["status"] for item in answers} == {"unparsed"}
    scores = [json.loads(line) for line in (tmp_path / "run" / "scores.jsonl").read_text().splitlines()]
    assert [item["if"] for item in scores] == [None]


def test_a_tracker_and_a_judge_of_one_name_have_settings_of_their_own(folder, sam2_folder, tmp_path):
    config = tmp_path / "run.toml"
    config.write_text('[settings.judge.hf]\nmode = "choice"\nside = 96\n[settings.tracker.hf]\ndtype = "float32"\n')
    command = [
        "run",
        "--model",
        "bench:clips",
        "--samples",
        "juggle",
        "--judge",
        f"hf:{folder}",
        "--tracker",
        f"hf:{sam2_folder}",
    ]
    done = CliRunner().invoke(main, [*command, "--config", str(config), "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output


def test_choice_mode_cannot_be_asked_what_emerged(folder, tmp_path):
    config = tmp_path / "run.toml"
    config.write_text('[settings.hf]\nmode = "choice"\n')
    command = ["run", "--model", "bench:clips", "--judge", f"hf:{folder}", "--consistency", "judge", "--config", str(config)]
    assert CliRunner().invoke(main, [*command, "--out", str(tmp_path / "run")]).exit_code == 2


def test_the_revision_names_whatever_may_change_an_answer(folder, tmp_path):
    (tmp_path / "ask.j2").write_text("Answer: {{ questions }} {{ frames }} {{ instances }} {{ classes }}")
    variants = [{}, {"mode": "choice"}, {"side": 64}, {"max_tokens": 9}, {"prompts": str(tmp_path)}]
    assert len({hf.create(str(folder), settings).revision for settings in variants}) == len(variants)


def test_weights_without_a_chat_template_are_refused(folder, tmp_path):
    for item in folder.iterdir():
        if item.name != "chat_template.jinja":
            (tmp_path / item.name).write_bytes(item.read_bytes())
    with pytest.raises(BackendError, match="brings no chat template"):
        hf.create(str(tmp_path), {}).answer(asked())


@pytest.mark.parametrize(
    ("argument", "settings", "message"),
    [("", {}, "say which model"), (None, {"mode": "guess"}, "mode 'guess' is not one of"), (None, {"batch": 0}, "batch is 0")],
)
def test_settings_that_cannot_be_used_are_named(folder, argument, settings, message):
    with pytest.raises(ConfigError, match=message):
        hf.create(str(folder) if argument is None else argument, settings)
