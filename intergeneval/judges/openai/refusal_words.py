"""A refusal in one sentence of ours: what the server objects to, and which setting to change."""

from __future__ import annotations

from dataclasses import dataclass

from intergeneval.judges.openai.causes import Cause
from intergeneval.judges.openai.settings import LEAST_PICTURES, OpenAISettings
from intergeneval.judges.openai.tokens_name import NAMES

_PARAMETERS = "[settings.openai.parameters]"
_FEWER = "show fewer frames with --sampling stride:N"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the sentences are made of."""

    settings: OpenAISettings
    """Settings of the judge."""
    status: int
    """The HTTP status of the refusal; 0: it came with none."""
    name: str
    """The parameter it is about; empty for none."""
    pictures: int
    """Pictures that were sent."""
    most: int
    """Pictures that the server takes; 0: it does not say."""
    judge: str = "openai"
    """What the judge is called on the command line, before its model."""

    def sentence(self, cause: Cause) -> str:
        """Return one sentence with the setting to change."""
        status = f" (status {self.status})" if self.status else ""
        return f"{self._what(cause)}{status}: {self._way_out(cause)}"

    def _what(self, cause: Cause) -> str:
        settings, model = self.settings, repr(self.settings.model)
        value = repr(settings.parameters.get(self.name))[:40]
        key = f"does not accept the key in ${settings.key_variable}" if settings.key else "wants a key, and none was sent"
        count = f"at most {self.most} pictures a request" if self.most else "fewer pictures a request"
        return {
            Cause.KEY: f"the server {key}",
            Cause.QUOTA: "the account has no credit or quota left",
            Cause.PERMISSION: f"the server does not let this key use the model {model}",
            Cause.REGION: "the server does not serve this region",
            Cause.MODEL: f"the server serves no model {model}",
            Cause.ADDRESS: f"no chat interface answers at {settings.base_url}/chat/completions",
            Cause.REDIRECT: f"{settings.base_url} sends requests elsewhere, where no key is taken along",
            Cause.TOKENS_NAME: f"the server takes neither {' nor '.join(NAMES)}",
            Cause.TEMPERATURE: f"the model takes no temperature but its own, and {value} was sent",
            Cause.PARAMETER: f"the server does not take the parameter {self.name!r}",
            Cause.VALUE: f"the server does not take {self.name} = {value}",
            Cause.PICTURES: f"the model {model} takes no pictures here",
            Cause.PICTURE_COUNT: f"the server takes {count}, and {self.pictures} were sent",
            Cause.PICTURE_SIZE: f"the {self.pictures} pictures of the request, or one of them, are too large for the server",
            Cause.CONTEXT: f"{self.pictures} pictures and the questions are more than the model's context holds",
            Cause.RATE: f"{self.pictures} pictures and the questions are more tokens than the account's limit for a minute",
            Cause.SCHEMA: "the server refuses the JSON schema",
            Cause.FILTER: "a content filter of the server declined",
            Cause.UNKNOWN: "the server refused the request, for no cause that is known here",
        }[cause]

    def _way_out(self, cause: Cause) -> str:
        settings, key, judge = self.settings, self.settings.key_variable, f"--judge {self.judge}:MODEL"
        return {
            Cause.KEY: f"put a valid key into ${key}, or name another variable with key_variable in [settings.openai]",
            Cause.QUOTA: f"top it up, wait until a daily quota is renewed, or put the key of another account into ${key}",
            Cause.PERMISSION: f"check the key in ${key}, or name another model with {judge}",
            Cause.REGION: "set base_url in [settings.openai] to a server that does",
            Cause.MODEL: f"name one with {judge}; {settings.base_url}/models lists them",
            Cause.ADDRESS: "correct base_url in [settings.openai], which ends in /v1 mostly",
            Cause.REDIRECT: "set base_url in [settings.openai] to the final address",
            Cause.TOKENS_NAME: f"write {_PARAMETERS} without them",
            Cause.TEMPERATURE: f"write {_PARAMETERS} without temperature, {self._rest()}",
            Cause.PARAMETER: f"take {self.name} out of {_PARAMETERS}",
            Cause.VALUE: f"change {self.name} in {_PARAMETERS}",
            Cause.PICTURES: f"name one that looks at pictures with {judge}, or load its vision part into the server",
            Cause.PICTURE_COUNT: f"{self._cap()}{_FEWER}, or raise the server's own limit",
            Cause.PICTURE_SIZE: f"{_FEWER}, or raise the server's own limit",
            Cause.CONTEXT: f"{_FEWER}, lower max_tokens in {_PARAMETERS}, or give the server a longer context",
            Cause.RATE: f"{_FEWER}, lower max_tokens in {_PARAMETERS}, or have the account's limit of tokens raised",
            Cause.SCHEMA: "set json_schema = false in [settings.openai], or look into the server's log",
            Cause.FILTER: "other pictures may pass",
            Cause.UNKNOWN: "look into the server's log, and at model, base_url and parameters in [settings.openai]",
        }[cause]

    def _cap(self) -> str:
        """Return what to write into the setting `pictures`: nothing where the server's number was gone by, or is too small."""
        if not self.most:
            return f"set pictures in [settings.openai] to a number that it takes, {LEAST_PICTURES} or more, "
        fits = LEAST_PICTURES <= self.most < self.settings.pictures
        return f"set pictures = {self.most} in [settings.openai], " if fits else ""

    def _rest(self) -> str:
        """Return which parameters are left: given ones replace the built-in ones as a whole."""
        rest = {name: value for name, value in self.settings.parameters.items() if name != self.name}
        numbers = [f"{name} = {value}" for name, value in rest.items() if isinstance(value, int | float)]
        return f"such as with {', '.join(numbers)} alone" if numbers else "or as an empty table"
