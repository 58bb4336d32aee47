"""Questions worded by a model behind a server, for verbs that no template knows."""

from __future__ import annotations

from intergeneval.judges import question_writing
from intergeneval.judges.inquiries import InquiryError
from intergeneval.judges.openai.inquiring import inquire
from intergeneval.judges.openai.servers import Servers
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.prompting import Prompts


def write_questions(servers: Servers, settings: OpenAISettings, prompts: Prompts, words: tuple[str, str, str]) -> tuple[str, ...]:
    """Return ten questions for (verb, subject, object), from the cache or a request with one repair turn.

    Raises BackendError when the model gives none that can be used, BudgetError at the cost limit.
    """
    try:
        return tuple(inquire(servers, settings, question_writing.inquiry(prompts, words)).value)
    except InquiryError as error:
        raise question_writing.useless(f"openai:{settings.model}", words, str(error)) from None
