"""The staged source, the oracle judge and the staged detector."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from intergeneval import plugins
from intergeneval.consistency import assess
from intergeneval.detectors import DetectRequest
from intergeneval.errors import BackendError, ConfigError
from intergeneval.judges import JudgeRequest
from intergeneval.masks import decode
from intergeneval.questions import questions_for
from intergeneval.records import AnswerStatus, Profile, Tracks, Truth, Video, VideoStatus
from intergeneval.scores import score_video
from intergeneval.staged import Request, perform, scene, scenes
from intergeneval.trackers.states import StateRule

SAMPLE = scene(1, 8).sample()


def _played(policy: str = "wrong-agent") -> tuple[Video, Truth]:
    found = plugins.build("sources", f"staged:{policy}", {"frames": 17}).video(SAMPLE, 0)
    video = Video(sample_id=SAMPLE.id, seed=0, status=VideoStatus.OK, size=SAMPLE.size, frames=17, sampled=found.truth.frames)
    return video, found.truth


def test_the_source_gives_frames_and_truth_at_the_size_of_the_benchmark():
    """Frames can be walked more than once; the truth names its policy and survives JSON."""
    source = plugins.build("sources", "staged:perfect", {"frames": 9, "fps": 12.0})
    found = source.video(SAMPLE, 3)
    assert source.seeds(SAMPLE, ()) == (0,)
    assert [frame.shape for frame in found.frames()] == [(*SAMPLE.size, 3)] * 9
    assert np.array_equal(next(found.frames()), next(found.frames()))
    assert (found.fps, found.truth.policy, found.truth.seed) == (12.0, "perfect", 3)
    assert Truth.from_json(found.truth.to_json()) == found.truth


@pytest.mark.parametrize("spec", ["staged", "staged:sloppy"])
def test_an_unknown_policy_lists_those_there_are(spec):
    """The message names the way out."""
    with pytest.raises(ConfigError, match="perfect"):
        plugins.build("sources", spec)
    with pytest.raises(ConfigError, match="unknown setting 'speed'"):
        plugins.build("sources", "staged:perfect", {"speed": 2})


def test_the_oracle_answers_every_question_with_the_true_answer():
    """Value and decisive frame come from the sampled layer of the truth."""
    video, truth = _played()
    questions = questions_for(SAMPLE)
    answers = plugins.build("judges", "oracle").answer(
        JudgeRequest(sample=SAMPLE, video=video, tracks=truth.visible, questions=questions, truth=truth)
    )
    true = {(item.interaction, item.question_id): item for item in truth.sampled}
    assert len(answers) == len(questions)
    for answer in answers:
        known = true[answer.interaction, answer.question_id]
        assert (answer.status, answer.value) == (AnswerStatus.OK, known.value)
        assert answer.frame == (known.frames[0] if known.frames else None)


def test_the_oracle_and_the_staged_detector_refuse_videos_without_truth():
    """Nothing is made up for a video that was not staged."""
    video, truth = _played()
    request = JudgeRequest(sample=SAMPLE, video=video, tracks=truth.visible, questions=questions_for(SAMPLE))
    with pytest.raises(BackendError, match="needs a staged video"):
        plugins.build("judges", "oracle").answer(request)
    with pytest.raises(BackendError, match="needs a staged video"):
        plugins.build("detectors", "staged").detect(DetectRequest(sample=SAMPLE, video=video, frames={}, classes=["man"]))


def test_the_staged_detector_finds_the_asked_classes_in_the_asked_frames_only():
    """Classes that were not asked for are left out; a frame that the truth does not know is an error."""
    video, truth = _played("duplicate")
    detector = plugins.build("detectors", "staged")
    kind = SAMPLE.instances[0].class_
    picture = np.zeros((*SAMPLE.size, 3), dtype=np.uint8)
    found = detector.detect(
        DetectRequest(sample=SAMPLE, video=video, frames={0: picture, 16: picture}, classes=[kind], truth=truth)
    )
    assert found.frames == (0, 16)
    assert {item.class_ for items in found.found for item in items} == {kind}
    with pytest.raises(BackendError, match="holds no objects of frame 3"):
        detector.detect(DetectRequest(sample=SAMPLE, video=video, frames={3: picture}, classes=[kind], truth=truth))


@pytest.mark.parametrize("policy", ["perfect", "vanishes", "flickers", "duplicate", "foreign", "mix-06"])
def test_the_ordinary_formulas_give_the_true_if_from_the_oracle(policy):
    """Oracle answers, states derived from true masks and true detections end at the true IF under both profiles, to 1e-9."""
    size, count = (160, 240), 13
    for item in scenes(1, 144)[7::24]:
        truth = perform(item, Request(policy=policy, size=size, frames=count)).truth()
        sample = item.sample()
        tracks = _derived(truth, size, count)
        video = Video(sample_id=item.id, seed=0, status=VideoStatus.OK, size=size, frames=count, fps=8.0, sampled=truth.frames)
        request = JudgeRequest(sample=sample, video=video, tracks=tracks, questions=questions_for(sample), truth=truth)
        answers = plugins.build("judges", "oracle").answer(request)
        classes = sorted({instance.class_ for instance in sample.instances})
        picture = np.zeros((*size, 3), dtype=np.uint8)
        wanted = DetectRequest(
            sample=sample, video=video, frames=dict.fromkeys(truth.frames, picture), classes=classes, truth=truth
        )
        consistency = assess(sample, video, tracks, plugins.build("detectors", "staged").detect(wanted))
        for profile in (Profile.PAPER, Profile.BOUNDED):
            score = score_video(sample, video, answers, consistency, profile)
            assert score.if_ == pytest.approx(truth.details["scores"][profile.value]["if"], abs=1e-9), (item.id, profile)


def _derived(truth: Truth, size: tuple[int, int], count: int) -> Tracks:
    """Return the true masks with states by the rule that trackers use."""
    masks = {track.instance_id: [decode(mask, size) for mask in track.masks] for track in truth.visible.tracks}
    rule = StateRule(masks)
    states = [rule.step({name: found[frame] for name, found in masks.items()}) for frame in range(count)]
    tracks = tuple(replace(track, states=tuple(state[track.instance_id] for state in states)) for track in truth.visible.tracks)
    return replace(truth.visible, tracks=tracks)
