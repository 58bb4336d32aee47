"""More frames than a server takes pictures in one request: fewer of them, or several requests that hand on what was seen."""

from __future__ import annotations

from itertools import pairwise

from intergeneval.judges.openai.causes import Cause
from intergeneval.judges.openai.client import AskError
from intergeneval.judges.openai.refusals import Objection
from intergeneval.judges.openai.requests import Shown
from intergeneval.judges.openai.settings import LEAST_PICTURES, OpenAISettings


class CapError(AskError):
    """A request holds more pictures than the server takes, which is known from now on: what it asks may be asked with fewer."""


def cap_known(most: int, sent: int, settings: OpenAISettings) -> CapError:
    """Return why a request with `sent` pictures need not be sent, where the server said before that it takes `most`."""
    refusal = Objection(cause=Cause.PICTURE_COUNT, most=most).refusal(0, settings, sent)
    return CapError(refusal.kind, refusal.text, refusal)


def cap_named(error: AskError, sent: int) -> int:
    """Return how many pictures a request may have, where one of `sent` was refused for that and can be made to fit; else 0."""
    refusal = error.refusal
    if refusal is None or refusal.cause is not Cause.PICTURE_COUNT:
        return 0
    return refusal.most if LEAST_PICTURES <= refusal.most < sent else 0


def thinned(shown: Shown, cap: int) -> Shown:
    """Return what fits into `cap` pictures: the first frame, the last, and others in even steps."""
    if not cap or shown.clip is not None or shown.pictures <= cap:
        return shown
    frames, count = list(shown.jpegs), cap - (shown.plain is not None)
    last = len(frames) - 1
    return shown.only(sorted({frames[round(step * last / (count - 1))] for step in range(count)}))


def pieces(shown: Shown, cap: int) -> list[Shown]:
    """Return what is shown in turn, each of at most `cap` pictures and each with the first frame; all at once where that fits."""
    if not cap or shown.clip is not None or shown.pictures <= cap:
        return [shown]
    first, *rest = shown.jpegs
    size = cap - 1 - (shown.plain is not None)
    count = -(-len(rest) // size)
    cuts = [len(rest) * place // count for place in range(count + 1)]
    return [shown.only([first, *rest[start:end]]) for start, end in pairwise(cuts)]


def told(shown: Shown, whole: Shown, turns: int, cap: int) -> str:
    """Return how pictures were shown otherwise than all at once, for the record; empty where they were."""
    if len(shown.jpegs) < len(whole.jpegs):
        return f"{len(shown.jpegs)} of {len(whole.jpegs)} frames, for the server takes {cap} pictures a request"
    return f"frames in {turns} requests, for the server takes {cap} pictures a request" if turns > 1 else ""
