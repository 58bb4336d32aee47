"""The model of ``openai:MODEL``, asked through the server's batch interface (``openai-batch:MODEL``): submit, leave, come back.

What is asked, how replies are read and how they are remembered is the code of ``openai:MODEL``. Here is only the way: a request
that has no reply yet is gathered instead of sent, and the video left aside; when replies are there, the same code runs over the
same video again from the beginning, and what it asks is answered from what came back. So a repair turn is just the next request
that has no reply yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intergeneval.judges.openai_batch.judge import OpenAIBatchJudge
from intergeneval.judges.openai_batch.settings import read

__all__ = ["OpenAIBatchJudge", "create"]


def create(argument: str, settings: Mapping[str, Any]) -> OpenAIBatchJudge:
    """Make the judge for model `argument`. Raises ConfigError for settings that cannot be used; nothing is sent."""
    return OpenAIBatchJudge(*read(argument, settings))
