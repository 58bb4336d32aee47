"""Inquiries to a local model: greedy, read strictly, with one repair turn."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from intergeneval.errors import BackendError
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
        reply = vlm.generate(turns, frames, limit)
        try:
            return Found(value=inquiry.read(reply))
        except ValueError as error:
            problem = str(error)
        turns += [
            {"role": "assistant", "content": [_text(reply or "(nothing)")]},
            {"role": "user", "content": [_text(inquiry.correct(problem))]},
        ]
    raise InquiryError("reply", problem, {})


def _text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def _decoded(jpeg: bytes) -> Frame:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise BackendError("a picture of an inquiry does not decode")
    return np.ascontiguousarray(picture[:, :, ::-1], dtype=np.uint8)
