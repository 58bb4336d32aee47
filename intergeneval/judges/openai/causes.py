"""The causes for which servers refuse a request for good, and the codes and words by which they are known.

The words are those of OpenAI, Azure, Anthropic's and Gemini's compatible interfaces, OpenRouter, LiteLLM, vLLM, SGLang,
llama.cpp, Ollama, LM Studio, ``transformers serve`` and text-generation-inference.
"""

from __future__ import annotations

import enum
import re


class Cause(enum.Enum):
    """What a server objects to."""

    KEY = "key"
    QUOTA = "quota"
    PERMISSION = "permission"
    REGION = "region"
    MODEL = "model name"
    ADDRESS = "address"
    REDIRECT = "redirect"
    TOKENS_NAME = "max_tokens"
    TEMPERATURE = "temperature"
    PARAMETER = "parameter"
    VALUE = "parameter value"
    PICTURES = "no pictures"
    PICTURE_COUNT = "too many pictures"
    PICTURE_SIZE = "picture size"
    CONTEXT = "context length"
    RATE = "larger than the rate limit"
    SCHEMA = "schema"
    FILTER = "content filter"
    UNKNOWN = "unknown"


DAILY_QUOTA = "a daily quota"
NO_QUOTA = "a quota of nothing"
"""Codes of ours for quotas that are told by a name and a value."""
CODES: tuple[tuple[Cause, str], ...] = (
    (
        Cause.QUOTA,
        "insufficient_quota billing_hard_limit_reached billing_not_active insufficient_balance insufficient_credits "
        "insufficient_user_quota exceeded_current_quota_error account_deactivated credit_balance_too_low arrearage "
        "1113",  # Zhipu's number for an empty account
    ),
    (
        Cause.FILTER,
        "content_filter content_policy_violation responsibleaipolicyviolation data_inspection_failed datainspectionfailed "
        "moderation_blocked prohibited_content flagged_input "
        "1301",  # Zhipu's number for unsafe content
    ),
    (Cause.KEY, "invalid_api_key api_key_invalid authentication_error token_expired unauthenticated"),
    (Cause.REGION, "unsupported_country_region_territory user_location_unsupported"),
    (
        Cause.MODEL,
        "model_not_found deploymentnotfound model_not_available invalid_model unknown_model model_not_exist modelnotfound",
    ),
    (Cause.CONTEXT, "context_length_exceeded exceed_context_size_error string_above_max_length context_window_exceeded"),
    (Cause.PERMISSION, "permission_denied permission_error insufficient_permissions service_disabled"),
)
"""Cause -> codes, types and reasons, in small letters, with spaces between."""

_IMAGES = r"(?:images?|pictures?|image\(s\)|multimodal)"
WORDS: tuple[tuple[Cause, tuple[str, ...]], ...] = (
    (
        Cause.RATE,
        # Larger than a whole minute may hold, not one more than this minute has left.
        (r"request too large.{0,300}(?:tokens per min|\(tpm\))",),
    ),
    (
        Cause.QUOTA,
        (
            r"insufficient[ _](?:account )?(?:balance|credits?|funds|quota)",
            r"credit balance is too low",
            r"out of credits|requires more credits|purchase (?:more )?credits|no credits? (?:left|remaining)",
            r"billing (?:hard )?limit|account is not active|arrears",
        ),
    ),
    (
        Cause.FILTER,
        (
            r"content management policy|content filter|safety system|prohibited content",
            r"(?:input|prompt|request|content) (?:was |is )?flagged|requires moderation|inappropriate content|new_sensitive",
        ),
    ),
    (
        Cause.REGION,
        (
            r"(?:country|region|territory|location) (?:is )?(?:not supported|unsupported)",
            r"not available in your (?:country|reg)",
        ),
    ),
    (
        Cause.PICTURE_COUNT,
        (
            rf"at most [1-9]\d* {_IMAGES}|too many {_IMAGES}|more than \d+ {_IMAGES}",
            rf"(?:maximum|max|limit)(?: number)? (?:of|is) \d+ {_IMAGES}|(?:number|amount|count) of {_IMAGES}",
            rf"exceeds? (?:the )?(?:maximum )?(?:image limit|image count)|{_IMAGES} per (?:request|prompt|message)",
            r"supports? (?:only |at most |up to )(?:\d+|one|a single) images?\b",
            r"(?:1|one|a single) image (?:is )?(?:allowed|supported)",
        ),
    ),
    (
        Cause.PICTURES,
        (
            r"image input is not supported|(?:does|do) not (?:support|accept|take) (?:image|vision|multimodal|picture)",
            r"not (?:a )?(?:vision|multimodal)|support image input|missing data required for image input|at most 0 image",
            r"unknown variant .?image_url|image_url.{0,30} (?:is|are) (?:only|not) supported",
            r"(?:images?|multimodal|vision) (?:inputs? )?(?:is|are) not (?:supported|enabled|available)",
            r"without (?:a )?mmproj|no vision (?:support|capab)|invalid content type.{0,20}image_url",
            r"content.{0,20}(?:must|should) be a (?:valid )?string",
        ),
    ),
    (
        Cause.PICTURE_SIZE,
        (
            r"image.{0,60}(?:too (?:large|big)|exceeds?|dimensions|max(?:imum)? (?:allowed )?size)",
            r"(?:payload|entity|body|request)(?: size)?(?: is)? too large|request_too_large",
        ),
    ),
    (
        Cause.CONTEXT,
        (
            r"maximum context length|context (?:size|length|window)|max_model_len|reduce the length of",
            r"prompt is too long|input (?:is )?too long|too many (?:input )?tokens|(?:input )?token count.{0,40}exceed",
            r"must be <= \d+\. given|longer than the (?:model|maximum)|exceeds? (?:the )?maximum (?:input )?tokens",
        ),
    ),
    (
        Cause.MODEL,
        (
            r"(?:model|deployment)s?\b.{0,120}(?:not found|does not exist|doesn't exist|not exist|not (?:currently )?loaded)",
            r"not a valid model|invalid model name|no (?:such )?model\b|unknown model|no models? (?:is |are )?loaded",
        ),
    ),
    (
        Cause.KEY,
        (
            r"(?:invalid|incorrect|missing|expired|no) (?:api[ _-]?key|token|x-api-key|authentication|credentials)",
            r"api[ _-]?key.{0,20}(?:not valid|invalid|expired|missing|not found|required)",
        ),
    ),
)
"""Cause -> patterns of messages in small letters, the surer causes first."""

SCHEMA = re.compile(r"response_?format|json_?schema|response_?schema|structured output|guided|grammar|\bschema\b")
NOT_TAKEN = re.compile(
    r"unsupported|not supported|does not support|unrecognized|unknown|extra inputs|not permitted|not allowed|deprecated|"
    r"extra_forbidden|unexpected|cannot be specified|use 'max_completion_tokens'"
)
AT_MOST = re.compile(rf"at most ([1-9]\d{{0,2}}) {_IMAGES}")
_PATTERNS = tuple((cause, re.compile("|".join(patterns))) for cause, patterns in WORDS)
_CODES = (
    (Cause.QUOTA, frozenset({DAILY_QUOTA, NO_QUOTA})),
    *((cause, frozenset(codes.split())) for cause, codes in CODES),
)


def by_code(codes: frozenset[str]) -> Cause | None:
    """Return the cause that one of these codes, in small letters, names; None for none."""
    return next((cause for cause, known in _CODES if codes & known), None)


def by_words(message: str) -> Cause | None:
    """Return the cause that a message, in small letters, speaks of; None for none."""
    return next((cause for cause, pattern in _PATTERNS if pattern.search(message)), None)
