"""What the first process holds of each video while a run goes on: a large run must not hold them all."""

import gc
from collections import Counter
from dataclasses import replace

import pytest

from intergeneval.config import RunConfig
from intergeneval.records import Answer, Question, Tracks
from intergeneval.run.job import Job
from intergeneval.run.run import Run
from tests import tiny_world

IDS = tuple(f"s{number:02d}" for number in range(12))
QUESTIONS = 10


class _Counting:
    """An engine that does jobs here, and counts before each what is held of all videos."""

    def __init__(self):
        self.most = dict.fromkeys((Job, Question, Tracks, Answer), 0)
        gc.collect()
        # What other tests of this process left behind is no matter of a run.
        self._before = Counter(map(type, gc.get_objects()))

    def outcomes(self, setup, jobs):
        run = setup.build()
        for job in jobs:
            gc.collect()
            # No name for the list: it would hold what it counts.
            held = Counter(map(type, gc.get_objects()))
            self.most = {kind: max(most, held[kind] - self._before[kind]) for kind, most in self.most.items()}
            yield run(job)

    def close(self):
        pass


@pytest.fixture
def config(tmp_path):
    bench = tiny_world.write_benchmark(tmp_path / "bench", IDS)
    model = tiny_world.write_videos(tmp_path / "model", IDS)
    return RunConfig(model=str(model), bench=str(bench), tracker="stored", out=str(tmp_path / "run"), workers=1)


def test_jobs_and_questions_are_made_when_it_is_their_turn(config):
    engine = _Counting()
    Run(config, engine=engine).execute()
    # The one under way, and the one before it as long as its result is looked at.
    assert engine.most[Job] <= 2
    assert engine.most[Question] <= 3 * QUESTIONS


def test_a_run_that_goes_on_reads_what_is_known_of_a_video_when_it_is_its_turn(config, tmp_path):
    first = Run(config)
    first.execute()
    scores = (tmp_path / "run/scores.jsonl").read_bytes()
    del first
    engine = _Counting()
    assert Run(replace(config), engine=engine).execute().observed == 0
    assert engine.most[Tracks] <= 2
    assert engine.most[Answer] <= 2 * QUESTIONS
    assert (tmp_path / "run/scores.jsonl").read_bytes() == scores
