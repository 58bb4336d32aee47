"""Inquiries to a local model: greedy, read strictly, with one repair turn."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from intergeneval.errors import BackendError
from intergeneval.judges import thinking, wrapping
from intergeneval.judges.hf_model import Frame, Vlm
from intergeneval.judges.inquiries import Found, Inquiry, InquiryError


def inquire(vlm: Vlm, inquiry: Inquiry, limit: int) -> Found:
    """Return what the model writes, in at most `limit` tokens a turn. Raises InquiryError when nothing usable comes."""
    frames = [_decoded(picture) for picture in inquiry.pictures]
    turns: list[dict[str, Any]] = [
        {"role": "system", "content": [_text(inquiry.system)]},
        {"role": "user", "content": [*({"type": "image"} for _ in frames), _text(inquiry.text)]},
    ]
    problem = ""
    for _ in range(2):
        reply = vlm.write(turns, frames, limit)
        try:
            if reply.cut:
                wrapping.sole_object(reply.text, cut=True)
            return Found(value=inquiry.read(reply.text))
        except ValueError as error:
            problem = f"{cut_off(limit)}; {error}" if reply.cut else str(error)
        turns += [
            {"role": "assistant", "content": [_text(thinking.without_thinking(reply.text) or "(nothing)")]},
            {"role": "user", "content": [_text(inquiry.correct(problem))]},
        ]
    raise InquiryError("reply", problem, {})


def cut_off(limit: int) -> str:
    """Return what is wrong with a reply that was cut off, and the way out."""
    return f"the reply was cut off at max_tokens {limit}; raise it in [settings.hf], and more for a model that thinks"


def _text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def _decoded(jpeg: bytes) -> Frame:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise BackendError("a picture of an inquiry does not decode")
    return np.ascontiguousarray(picture[:, :, ::-1], dtype=np.uint8)
