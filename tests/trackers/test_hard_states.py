"""Precision and recall of hidden and left, on one staged crossing: the whole table is `python -m tests.trackers.hard_states`."""

from dataclasses import replace

import pytest

from intergeneval import plugins, staged
from intergeneval.records import TrackState
from tests.real.scoring import figures
from tests.trackers.hard_states import CROSSINGS, crossing


class Blind:
    """A tracker that calls nothing hidden, left or gone: all that it does not see is lost."""

    def track(self, request):
        found = plugins.build("trackers", "flow").track(request)
        known = (TrackState.VISIBLE, TrackState.LOST)
        dark = [
            replace(track, states=tuple(state if state in known else TrackState.LOST for state in track.states))
            for track in found.tracks
        ]
        return replace(found, tracks=tuple(dark))


@pytest.mark.parametrize(("tracker", "told"), [(plugins.build("trackers", "flow"), True), (Blind(), False)])
def test_what_goes_behind_another_is_hidden_and_what_goes_out_has_left(tracker, told, tmp_path):
    seen = crossing(tracker, staged.scene(staged.DEVELOPMENT_SEED, CROSSINGS[7]), tmp_path / "crossing.mp4")
    states = figures(seen).states
    assert {name: there for name, (_, _, there) in states.items() if there}.keys() == {"hidden", "left"}
    assert [hit > 0 for hit, _, there in states.values() if there] == [told, told]
    assert all(hit >= 0.8 * said for hit, said, _ in states.values())
