"""What a run may take before its first request: rough on purpose, and on the high side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from intergeneval.judges.inquiries import Inquiry
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.prompting import Prompts
from intergeneval.judges.services import CostEstimate

CHARACTERS_A_TOKEN = 4
ANSWER_TOKENS = 40
FRAME_TOKENS = 30
BODY_TOKENS = 6
"""What bodies that cannot be add to what is said of a frame."""
VIDEO_TOKENS = 6000
"""Tokens of a whole video that is shown as one, rough."""
_QUESTION_CHARACTERS = 100
_LOOK_CHARACTERS = 1500


def expected_tokens(
    settings: OpenAISettings, messages: Sequence[Mapping[str, Any]], questions: int, frames: int, *, bodies: bool = False
) -> tuple[int, int]:
    """Return (sent, received) tokens of one request that asks `questions` questions and assesses `frames` frames.

    With `bodies` the frames are marked as well.
    """
    parts = [part for message in messages for part in _parts(message["content"])]
    pictures = sum(part["type"] == "image_url" for part in parts)
    characters = sum(len(part["text"]) for part in parts if part["type"] == "text")
    clips = sum(part["type"] == "video_url" for part in parts)
    sent = clips * VIDEO_TOKENS + pictures * settings.image_tokens + characters // CHARACTERS_A_TOKEN
    return sent, questions * ANSWER_TOKENS + frames * _frame_tokens(bodies)


def estimate_run(
    settings: OpenAISettings, prompts: Prompts, size: tuple[int, int, int], *, assess: bool, bodies: bool = False
) -> CostEstimate:
    """Return what a run of (videos, questions in all, pictures a video) may take without a cache."""
    videos, questions, frames = size
    rules = len(prompts.render("system", {})) + _LOOK_CHARACTERS
    # Frame 0 is shown twice.
    shown = 2 * settings.image_tokens + VIDEO_TOKENS if settings.clip else (frames + 1) * settings.image_tokens
    sent = videos * (shown + rules // CHARACTERS_A_TOKEN)
    sent += questions * _QUESTION_CHARACTERS // CHARACTERS_A_TOKEN
    received = questions * ANSWER_TOKENS + videos * (frames - 1) * _frame_tokens(assess or bodies)
    return CostEstimate(
        requests=videos,
        input_tokens=sent,
        output_tokens=received,
        cost=settings.prices.cost(sent, 0, received) if settings.prices is not None else None,
        basis=f"{frames + 1} pictures a video at {settings.image_tokens} tokens each, nothing from the cache, no second turns",
    )


def estimate_inquiries(settings: OpenAISettings, inquiries: Sequence[Inquiry]) -> CostEstimate:
    """Return what these inquiries, without pictures, may take without a cache."""
    sent = sum((len(item.system) + len(item.text)) // CHARACTERS_A_TOKEN for item in inquiries)
    received = sum(item.reply_tokens for item in inquiries)
    return CostEstimate(
        requests=len(inquiries),
        input_tokens=sent,
        output_tokens=received,
        cost=settings.prices.cost(sent, 0, received) if settings.prices is not None else None,
        basis=f"{len(inquiries)} of the requests word questions for verbs that the lexicon does not know",
    )


def _frame_tokens(bodies: bool) -> int:
    return FRAME_TOKENS + (BODY_TOKENS if bodies else 0)


def _parts(content: Any) -> list[Mapping[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
