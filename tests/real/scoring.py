"""Tracks held against what a reader saw: right, visible but wrong, needlessly lost, states, and what confidence is worth.

Works on any folder of videos and any file of labels written as `README.md` says. Pure but for `read_labels`.
"""

import json
from collections import Counter
from dataclasses import dataclass

import numpy as np

from intergeneval.masks import box, box_iou, decode
from intergeneval.records import TrackState

BOX_IOU = 0.5
"""Overlap of boxes above which a mask is on its instance ..."""
INSIDE = 0.7
"""... if also this share of it lies in the drawn box."""
SAID = {
    "hidden": TrackState.OCCLUDED,
    "left": TrackState.LEFT,
    "gone": TrackState.VANISHED,
}
"""What a tracker calls what a reader calls so."""
BINS = 10


@dataclass(frozen=True, kw_only=True)
class Look:
    """One instance in one frame: what was seen, and what the tracker said."""

    model: str
    sample: str
    instance: str
    frame: int
    seen: str
    """`visible`, `hidden`, `left` or `gone`."""
    said: TrackState
    confidence: float
    on_it: bool
    """Whether the mask lies on what was seen; False where there is nothing to lie on."""

    @property
    def right(self):
        """Whether it is called visible, and is where it is said to be."""
        return self.said is TrackState.VISIBLE and self.on_it


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Counts over many looks; shares are None where there is nothing to take a share of."""

    looks: int
    visible: int
    """Looks in which the instance can be seen."""
    right: int
    """Of those, called visible with the mask on it."""
    called_visible: int
    wrong: int
    """Of those called visible, on something else, or on nothing that can be seen."""
    lost: int
    """Of those that can be seen, called lost."""
    states: dict[str, tuple[int, int, int]]
    """State as the reader calls it -> (rightly said, said, seen)."""

    @property
    def right_share(self):
        return share(self.right, self.visible)

    @property
    def wrong_share(self):
        return share(self.wrong, self.called_visible)

    @property
    def lost_share(self):
        return share(self.lost, self.visible)


def share(part, whole):
    """A share; None of nothing."""
    return part / whole if whole else None


def read_labels(path):
    """(model, sample) -> the line of it."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {(line["model"], line["sample"]): line for line in lines}


def looks(label, tracks, *, sure_only=False):
    """Every labelled instance-frame of one video against its tracks; an instance without a track is lost throughout."""
    found = []
    for item in label["instances"]:
        track = tracks.track(item["id"])
        for seen in item["frames"]:
            if sure_only and not seen["sure"]:
                continue
            at = seen["frame"]
            known = track is not None and at < len(track.states)
            mask = decode(track.masks[at], tracks.size) if known else np.zeros(tracks.size, dtype=bool)
            found.append(
                Look(
                    model=label["model"],
                    sample=label["sample"],
                    instance=item["id"],
                    frame=at,
                    seen=seen["state"],
                    said=track.states[at] if known else TrackState.LOST,
                    confidence=track.confidence[at] if known else 0.0,
                    on_it=seen["box"] is not None and lies_on(mask, seen["box"]),
                )
            )
    return found


def lies_on(mask, drawn):
    """Whether a mask's box fits the drawn one and most of it lies inside."""
    held = box(mask)
    if held is None:
        return False
    x0, y0, x1, y1 = (max(0, round(value)) for value in drawn)
    return box_iou(held, tuple(map(float, drawn))) > BOX_IOU and mask[y0:y1, x0:x1].sum() >= INSIDE * mask.sum()


def figures(given):
    """Count looks."""
    visible = [look for look in given if look.seen == "visible"]
    called = [look for look in given if look.said is TrackState.VISIBLE]
    states = {
        name: (
            sum(look.seen == name and look.said is state for look in given),
            sum(look.said is state for look in given),
            sum(look.seen == name for look in given),
        )
        for name, state in SAID.items()
    }
    return Figures(
        looks=len(given),
        visible=len(visible),
        right=sum(look.right for look in visible),
        called_visible=len(called),
        wrong=sum(not look.on_it for look in called),
        lost=sum(look.said is TrackState.LOST for look in visible),
        states=states,
    )


def pooled(*counted):
    """Counts of states of several sets of looks together."""
    return {name: tuple(np.sum([item[name] for item in counted], axis=0).tolist()) for name in SAID}


def reliability(given):
    """Rows (from, to, count, mean confidence, share right) of what is called visible, and the expected calibration error."""
    called = [look for look in given if look.said is TrackState.VISIBLE]
    bins = np.minimum((np.array([look.confidence for look in called]) * BINS).astype(int), BINS - 1)
    rows, error = [], 0.0
    for place in range(BINS):
        inside = [look for look, bin_ in zip(called, bins, strict=True) if bin_ == place]
        if not inside:
            rows.append((place / BINS, (place + 1) / BINS, 0, None, None))
            continue
        mean, true = np.mean([look.confidence for look in inside]), np.mean([look.right for look in inside])
        rows.append((place / BINS, (place + 1) / BINS, len(inside), float(mean), float(true)))
        error += len(inside) / len(called) * abs(mean - true)
    return rows, float(error)


def emergences(label, sightings):
    """How many of the things that emerged in a video were seen, how many sightings there are, and how many of them are right.

    A sighting is right where it shares time and place with something that emerged, whatever it was taken for.
    """
    pairs = [(item, sighting) for sighting in sightings for item in label["emergence"] if _same(item, sighting)]
    found = {id(item) for item, _ in pairs}
    return len(found), len(sightings), len({id(sighting) for _, sighting in pairs})


def _same(item, sighting):
    first, last = item["seen"]
    for frame, box_ in zip(sighting.frames, sighting.boxes, strict=True):
        if not first <= frame <= last:
            continue
        near = min(item["boxes"], key=lambda known: abs(known["frame"] - frame))
        x0, y0, x1, y1 = near["box"]
        wide, high = min(x1, box_[2]) - max(x0, box_[0]), min(y1, box_[3]) - max(y0, box_[1])
        smaller = min((x1 - x0) * (y1 - y0), (box_[2] - box_[0]) * (box_[3] - box_[1]))
        if wide > 0 and high > 0 and wide * high > 0.3 * smaller:
            return True
    return False


def text_of(name, given):
    """All figures of one set of looks as a table."""
    groups = {"all": given}
    groups |= {key: [look for look in given if look.sample == key] for key in dict.fromkeys(look.sample for look in given)}
    groups |= {key: [look for look in given if look.model == key] for key in dict.fromkeys(look.model for look in given)}
    lines = [f"{name}: tracks against what a reader saw", f"{'':>12}  looks  right  of  wrong  of visible  needless lost  of"]
    for key, chosen in groups.items():
        one = figures(chosen)
        lines.append(
            f"{key:>12}  {one.looks:5}  {percent(one.right_share)} {one.visible:3}  {percent(one.wrong_share)}"
            f" {one.called_visible:8}  {percent(one.lost_share):>12} {one.visible:5}"
        )
    lines.append(states_text(figures(given).states))
    rows, error = reliability(given)
    lines.append(f"confidence of what is called visible, expected calibration error {error:.3f}")
    for low, high, count, mean, true in rows:
        told = f"mean {mean:.2f}, right {true:.2f} {'#' * round(40 * true)}" if count else ""
        lines.append(f"  {low:.1f} to {high:.1f}  {count:4}  {told}")
    return "\n".join(lines)


def states_text(states):
    """Precision and recall of every state that is not visible."""
    told = [
        f"{name}: precision {percent(share(hit, said))} of {said}, recall {percent(share(hit, seen))} of {seen}"
        for name, (hit, said, seen) in states.items()
    ]
    return "\n".join(told)


def percent(value):
    """A share for a table."""
    return "    -" if value is None else f"{value:5.1%}"


def needless(given):
    """What visible instances were called instead, by state."""
    return Counter(look.said.value for look in given if look.seen == "visible" and not look.right)
