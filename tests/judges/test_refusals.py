"""What servers say when they refuse for good, in their own dialects, and the setting that each of them leads to."""

from __future__ import annotations

import json

import pytest

from intergeneval.judges.openai.causes import Cause
from intergeneval.judges.openai.refusals import refusal_of
from intergeneval.judges.openai.settings import OpenAISettings

SETTINGS = OpenAISettings(
    model="m", base_url="http://host:8000/v1", parameters={"temperature": 0, "max_tokens": 4096, "seed": 1, "top_p": 0.9}
)


def openai(message, code=None, param=None, type_="invalid_request_error"):
    return {"error": {"message": message, "type": type_, "param": param, "code": code}}


def vllm(message, type_="BadRequestError", code=400):
    return {"object": "error", "message": message, "type": type_, "param": None, "code": code}


def gemini(message, status, reason=None, code=400):
    error = {"code": code, "message": message, "status": status}
    if reason:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    return [{"error": error}]


def exhausted(*names_and_values):
    pairs = zip(names_and_values[::2], names_and_values[1::2], strict=True)
    violations = [{"quotaMetric": "requests", "quotaId": name, "quotaValue": value} for name, value in pairs]
    (body,) = gemini("You exceeded your current quota. Please retry in 35s.", "RESOURCE_EXHAUSTED", code=429)
    failure = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations}
    body["error"]["details"] = [{"@type": "type.googleapis.com/google.rpc.Help", "links": []}, failure]
    return [body]


GRAMMAR = "failed to parse grammar"
TOO_MANY = (
    "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 9000, please reduce your message size"
)
UNEXPECTED = "if this is unexpected, you may need to provide the mmproj"
TEMPERATURE = "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported."
RENAMED = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
ROUTED = {"code": 400, "message": "Provider returned error", "metadata": {"raw": json.dumps(openai(RENAMED, "x", "max_tokens"))}}
PYDANTIC = [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "input": 1}]
DIALECTS = {
    "OpenAI, renamed": (400, openai(RENAMED, "unsupported_parameter", "max_tokens"), Cause.TOKENS_NAME, "max_completion_tokens"),
    "Azure, renamed, without a code": (400, openai(RENAMED), Cause.TOKENS_NAME, "max_completion_tokens"),
    "OpenRouter, another's error in words": (400, {"error": ROUTED}, Cause.TOKENS_NAME, "max_completion_tokens"),
    "OpenAI, temperature": (
        400,
        openai(TEMPERATURE, "unsupported_value", "temperature"),
        Cause.TEMPERATURE,
        "without temperature",
    ),
    "LiteLLM, temperature": (
        400,
        openai(f"litellm.BadRequestError: OpenAIException - {TEMPERATURE}", "400"),
        Cause.TEMPERATURE,
        "max_tokens = 4096",
    ),
    "Anthropic, temperature and top_p": (
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": "`top_p` cannot be specified with temperature"}},
        Cause.PARAMETER,
        "take top_p out of [settings.openai.parameters]",
    ),
    "OpenAI, seed": (
        400,
        openai("Unsupported parameter: 'seed'.", "unsupported_parameter", "seed"),
        Cause.PARAMETER,
        "take seed out",
    ),
    "OpenAI, unknown argument": (400, openai("Unrecognized request argument supplied: top_p"), Cause.PARAMETER, "take top_p out"),
    "FastAPI, a list of details": (422, {"detail": PYDANTIC}, Cause.PARAMETER, "take seed out"),
    "vLLM, details in words": (
        400,
        vllm("[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'Extra inputs are not permitted', 'input': 1}]"),
        Cause.PARAMETER,
        "take seed out",
    ),
    "OpenAI, a limit too large": (
        400,
        openai("max_tokens is too large: 4096. This model supports at most 2048 completion tokens.", None, "max_tokens"),
        Cause.VALUE,
        "change max_tokens in [settings.openai.parameters]",
    ),
    "vLLM, a value out of range": (400, vllm("temperature must be non-negative, got -1."), Cause.VALUE, "change temperature"),
    "OpenAI, quota": (
        429,
        openai("You exceeded your current quota", "insufficient_quota", None, "insufficient_quota"),
        Cause.QUOTA,
        "top it up",
    ),
    "OpenRouter, credits": (402, {"error": {"code": 402, "message": "Insufficient credits"}}, Cause.QUOTA, "top it up"),
    "DeepSeek, balance": (
        402,
        openai("Insufficient Balance", "invalid_request_error", None, "unknown_error"),
        Cause.QUOTA,
        "top it up",
    ),
    "Anthropic, credit": (
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low to access"}},
        Cause.QUOTA,
        "OPENAI_API_KEY",
    ),
    "a bare 402": (402, b"", Cause.QUOTA, "top it up"),
    "OpenAI, key": (401, openai("Incorrect API key provided: sk-12", "invalid_api_key"), Cause.KEY, "$OPENAI_API_KEY"),
    "a bare 401": (401, b"", Cause.KEY, "key_variable"),
    "Gemini, key with 400": (
        400,
        gemini("API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", "API_KEY_INVALID"),
        Cause.KEY,
        "$OPENAI_API_KEY",
    ),
    "a bare 403": (403, b"<html>Forbidden</html>", Cause.PERMISSION, "check the key"),
    "Gemini, permission": (403, gemini("Permission denied", "PERMISSION_DENIED", code=403), Cause.PERMISSION, "another model"),
    "OpenAI, region": (
        403,
        openai("Country, region, or territory not supported", "unsupported_country_region_territory"),
        Cause.REGION,
        "base_url",
    ),
    "Gemini, region": (
        400,
        gemini("User location is not supported for the API use.", "FAILED_PRECONDITION"),
        Cause.REGION,
        "base_url",
    ),
    "OpenAI, model": (404, openai("The model `m` does not exist", "model_not_found"), Cause.MODEL, "--judge openai:MODEL"),
    "vLLM, model": (404, vllm("The model `m` does not exist.", "NotFoundError", 404), Cause.MODEL, "/v1/models lists them"),
    "Ollama, model": (404, openai('model "m" not found, try pulling it first', None, None, "api_error"), Cause.MODEL, "--judge"),
    "Azure, deployment": (
        404,
        {"error": {"code": "DeploymentNotFound", "message": "The API deployment"}},
        Cause.MODEL,
        "--judge",
    ),
    "LiteLLM, model": (400, openai("Invalid model name passed in model=m. Call `/v1/models`"), Cause.MODEL, "--judge"),
    "OpenRouter, model": (400, {"error": {"message": "m is not a valid model ID", "code": 400}}, Cause.MODEL, "--judge"),
    "LM Studio, nothing loaded": (404, {"error": "No models loaded. Please load a model"}, Cause.MODEL, "--judge"),
    "Gemini, model": (404, gemini("models/m is not found for API version v1main", "NOT_FOUND", code=404), Cause.MODEL, "--judge"),
    "FastAPI, path": (404, {"detail": "Not Found"}, Cause.ADDRESS, "base_url"),
    "a page of nginx": (404, b"<html><body><h1>404 Not Found</h1></body></html>", Cause.ADDRESS, "ends in /v1"),
    "Go, path": (404, b"404 page not found", Cause.ADDRESS, "base_url"),
    "method": (405, {"detail": "Method Not Allowed"}, Cause.ADDRESS, "base_url"),
    "a redirect": (308, b"", Cause.REDIRECT, "final address"),
    "vLLM, pictures": (
        400,
        vllm("At most 4 image(s) may be provided in one request."),
        Cause.PICTURE_COUNT,
        "at most 4 pictures",
    ),
    "vLLM, pictures in a prompt": (
        400,
        vllm("At most 1 image(s) may be provided in one prompt."),
        Cause.PICTURE_COUNT,
        "--sampling",
    ),
    "Anthropic, pictures": (
        400,
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "messages: Too many images and documents: 30 + 0 > 20"},
        },
        Cause.PICTURE_COUNT,
        "--sampling",
    ),
    "OpenAI, a text model": (
        400,
        openai("Invalid content type. image_url is only supported by certain models.", None, "messages.[1].content.[0].type"),
        Cause.PICTURES,
        "looks at pictures",
    ),
    "llama.cpp without mmproj": (
        500,
        {
            "error": {
                "code": 500,
                "message": "image input is not supported - hint: you may need to provide the mmproj",
                "type": "server_error",
            }
        },
        Cause.PICTURES,
        "vision part",
    ),
    "vLLM, a text model": (400, vllm("m is not a multimodal model"), Cause.PICTURES, "--judge openai:MODEL"),
    "DeepSeek, a text model": (
        400,
        openai("Failed to deserialize the JSON body: messages[1]: unknown variant `image_url`, expected `text`"),
        Cause.PICTURES,
        "--judge openai:MODEL",
    ),
    "OpenRouter, no endpoint": (
        404,
        {"error": {"message": "No endpoints found that support image input", "code": 404}},
        Cause.PICTURES,
        "--judge",
    ),
    "Ollama, no vision": (500, {"error": "this model is missing data required for image input"}, Cause.PICTURES, "--judge"),
    "nginx, too large": (413, b"<html><h1>413 Request Entity Too Large</h1></html>", Cause.PICTURE_SIZE, "--sampling"),
    "Anthropic, a picture": (
        400,
        {"type": "error", "error": {"type": "invalid_request_error", "message": "messages.0: image exceeds 5 MB maximum"}},
        Cause.PICTURE_SIZE,
        "too large",
    ),
    "OpenAI, context": (
        400,
        openai("This model's maximum context length is 8192 tokens.", "context_length_exceeded", "messages"),
        Cause.CONTEXT,
        "lower max_tokens",
    ),
    "vLLM, context by max_tokens": (
        400,
        vllm("'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 2048 tokens"),
        Cause.CONTEXT,
        "lower max_tokens",
    ),
    "llama.cpp, context": (
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size",
                "type": "exceed_context_size_error",
            }
        },
        Cause.CONTEXT,
        "longer context",
    ),
    "TGI, context": (
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 9",
            "error_type": "validation",
        },
        Cause.CONTEXT,
        "--sampling",
    ),
    "SGLang, context": (
        400,
        {"object": "error", "message": "The input (9000 tokens) is longer than the model's context length (8192 tokens)."},
        Cause.CONTEXT,
        "--sampling",
    ),
    "Gemini, context": (
        400,
        gemini("The input token count (2000000) exceeds the maximum number of tokens allowed", "INVALID_ARGUMENT"),
        Cause.CONTEXT,
        "--sampling",
    ),
    "Anthropic, context": (
        400,
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum"},
        },
        Cause.CONTEXT,
        "--sampling",
    ),
    "OpenAI, schema": (
        400,
        openai("Invalid schema for response_format 'reply'", None, "response_format"),
        Cause.SCHEMA,
        "json_schema = false",
    ),
    "Azure, filter": (
        400,
        {"error": {"code": "content_filter", "message": "filtered", "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
        Cause.FILTER,
        "declined",
    ),
    "OpenRouter, moderation": (
        403,
        {"error": {"code": 403, "message": "m requires moderation. Your input was flagged"}},
        Cause.FILTER,
        "declined",
    ),
    "Gemini, a daily quota": (429, exhausted("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "50"), Cause.QUOTA, "renewed"),
    "Gemini, a quota of nothing": (429, exhausted("GenerateRequestsPerMinutePerProject-FreeTier", "0"), Cause.QUOTA, "top it up"),
    "Gemini, a daily quota behind others": (
        429,
        exhausted("GenerateContentInputTokensPerModelPerMinute", "250000", "GenerateRequestsPerDay", "250"),
        Cause.QUOTA,
        "no credit or quota left",
    ),
    "Zhipu, no balance": (429, {"error": {"code": "1113", "message": "no balance"}}, Cause.QUOTA, "top it up"),
    "Zhipu, unsafe": (400, {"error": {"code": "1301", "message": "unsafe"}}, Cause.FILTER, "declined"),
    "DashScope, filter": (400, {"code": "DataInspectionFailed", "message": "no"}, Cause.FILTER, "declined"),
    "OpenRouter, moderation told by what it flags": (
        403,
        {"error": {"code": 403, "message": "no", "metadata": {"reasons": ["violence"], "flagged_input": "a man"}}},
        Cause.FILTER,
        "declined",
    ),
    "llama.cpp, grammar": (
        500,
        {"error": {"code": 500, "message": GRAMMAR, "type": "server_error"}},
        Cause.SCHEMA,
        "json_schema",
    ),
    "a router before a server without schemas": (502, openai("invalid JSON Schema"), Cause.SCHEMA, "json_schema = false"),
    "Groq, more tokens than a minute's": (413, openai(TOO_MANY, "rate_limit_exceeded", None, "tokens"), Cause.RATE, "--sampling"),
    "OpenAI, more tokens than a minute's": (429, openai(TOO_MANY, "rate_limit_exceeded"), Cause.RATE, "limit for a minute"),
    "xllamacpp without mmproj": (
        500,
        {"error": {"code": 500, "message": f"image input is not supported - hint: {UNEXPECTED}", "type": "server_error"}},
        Cause.PICTURES,
        "vision part",
    ),
    "nothing known": (400, openai("The request could not be processed."), Cause.UNKNOWN, "server's log"),
    "a text": (400, "something is wrong", Cause.UNKNOWN, "server's log"),
    "JSON of another kind": (422, [1, None, {"a": {"b": []}}], Cause.UNKNOWN, "server's log"),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_each_dialect_leads_to_one_cause_and_to_the_setting_that_mends_it(name):
    status, body, cause, said = DIALECTS[name]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = refusal_of(status, content, SETTINGS, 12)
    assert found is not None
    assert found.cause is cause, found.text
    assert said in found.text
    assert f"(status {status}): " in found.text
    assert "sk-12" not in found.text


PASSING = {
    "a rate limit": (429, openai("Rate limit reached for m", "rate_limit_exceeded", None, "requests")),
    "a rate limit worded like an empty account": (
        429,
        gemini("You exceeded your current quota, please check your plan and billing details.", "RESOURCE_EXHAUSTED", code=429),
    ),
    "Gemini, a quota of a minute": (429, exhausted("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "10")),
    "the rest of a minute's tokens": (
        429,
        openai(
            "Rate limit reached for m on tokens per min (TPM): Limit 30000, Used 25000, Requested 9000", "rate_limit_exceeded"
        ),
    ),
    "Zhipu, a rate limit": (429, {"error": {"code": "1302", "message": "too many at once"}}),
    "a broken server": (500, openai("The server had an error", None, None, "server_error")),
    "a gateway's page": (502, b"<html>502 Bad Gateway</html>"),
    "an overloaded server": (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    "a model that is loading": (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}),
    "a slow server": (408, b""),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_may_pass_is_no_refusal(name):
    status, body = PASSING[name]
    assert refusal_of(status, body if isinstance(body, bytes) else json.dumps(body).encode(), SETTINGS, 12) is None


def test_a_prompt_that_the_server_quotes_names_no_parameter():
    quoted = openai("Invalid request: messages[1]: the man checks the temperature of a seed with top_p of force")
    found = refusal_of(400, json.dumps(quoted).encode(), SETTINGS, 12)
    assert found is not None
    assert found.cause is Cause.UNKNOWN


def test_a_broken_server_that_speaks_of_a_schema_is_asked_again_where_none_was_sent():
    body = json.dumps({"error": {"message": GRAMMAR}}).encode()
    assert refusal_of(500, body, SETTINGS, 12, schema=False) is None
