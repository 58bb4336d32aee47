"""The model behind the ``hf`` judge: a chat with pictures goes on greedily, or continuations get their log-probabilities."""

from __future__ import annotations

import copy
import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import transformers
from PIL import Image

from intergeneval.errors import BackendError
from intergeneval.judges import thinking
from intergeneval.plugins.weights import Once, locate, place

Frame = npt.NDArray[np.uint8]
"""One RGB frame, shape (H, W, 3), values 0..255."""
Messages = list[dict[str, Any]]
"""A chat: role and a list of parts, texts and places of pictures."""
SEED = 0
"""Greedy decoding draws nothing; the seed stands for whatever a model draws besides."""
_MARK = "\x1fQUESTION\x1f"
Row = tuple[list[int], list[int], list[list[int]]]
"""Tokens of a beginning, of one of its ends, and per token of the end which tokens are open there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a model wrote."""

    text: str
    """Its words, thinking included."""
    cut: bool
    """Whether the limit of tokens ended it."""


class Vlm:
    """One image-text-to-text model with its processor, loaded when first asked."""

    def __init__(self, owner: str, source: str, settings: Mapping[str, Any], side: int) -> None:
        """`side` is the longest side of a picture in pixels, 0: as it is. Raises ConfigError for weights that are not there."""
        self._owner = owner
        self.side = side
        self.weights = locate(owner, source, "config.json")
        self._device, self._dtype = place(owner, settings)
        self._loaded = Once(owner, self._load)
        self._counts = Counter[str]()

    def took(self, before: Mapping[str, int] | None = None) -> dict[str, int]:
        """Return requests and tokens so far, or since `before`; empty when nothing was asked."""
        since = Counter(self._counts)
        since.subtract(before or {})
        return {name: count for name, count in since.items() if count}

    def _count(self, sent: int, received: int) -> None:
        self._counts.update(requests=1, input_tokens=sent, output_tokens=received)

    @property
    def precision(self) -> str:
        """Name of the precision."""
        return str(self._dtype).removeprefix("torch.")

    def _load(self) -> tuple[Any, Any]:
        model = transformers.AutoModelForImageTextToText.from_pretrained(self.weights.source, dtype=self._dtype)
        processor = transformers.AutoProcessor.from_pretrained(self.weights.source)
        if not getattr(processor, "chat_template", None):
            raise BackendError(
                f"{self._owner}: {self.weights.source!r} brings no chat template; take the weights of a chat model"
            )
        return model.to(self._device).eval(), processor

    def probe(self) -> str:
        """Show one small picture and let the model write a few tokens; return what worked. Raises BackendError."""
        chat = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is this?"}]}]
        self.generate(chat, [np.zeros((64, 96, 3), dtype=np.uint8)], 4)
        return f"{self.weights.label} on {self._device} ({self.precision}): saw a picture and wrote"

    def generate(self, messages: Messages, frames: Sequence[Frame], limit: int) -> str:
        """Return what the model writes next, greedily and at most `limit` tokens; `frames` fill the pictures' places in order."""
        return self.write(messages, frames, limit).text

    def write(self, messages: Messages, frames: Sequence[Frame], limit: int) -> Written:
        """Return what `generate` does, and whether the limit ended it."""
        model, processor = self._loaded.get()
        prompt = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        inputs = self._inputs(prompt, frames)
        torch.manual_seed(SEED)
        with torch.inference_mode():
            # Sampling parameters that came with the weights mean nothing to greedy decoding, and each would be warned about.
            written = model.generate(
                **inputs, max_new_tokens=limit, do_sample=False, temperature=None, top_p=None, top_k=None, num_beams=1
            )
        sent = inputs["input_ids"].shape[1]
        self._count(sent, written.shape[1] - sent)
        ids = written[0, sent:].tolist()
        ends = model.generation_config.eos_token_id
        cut = len(ids) >= limit and ids[-1] not in (ends if isinstance(ends, list) else [ends])
        # Thinking that the template has begun is thinking, though its beginning is no part of what the model wrote.
        return Written(text=(thinking.open_thought(prompt) + _decoded(processor, ids)).strip(), cut=cut)

    def scorer(self, chat: Callable[[str], Messages], frames: Sequence[Frame], batch: int) -> Scorer:
        """Read rules and pictures once; `chat` gives the messages for a text that asks, which comes after the pictures."""
        model, processor = self._loaded.get()
        text = processor.apply_chat_template(chat(_MARK), add_generation_prompt=True, tokenize=False)
        head, mark, after = text.partition(_MARK)
        if not mark or not head:
            raise BackendError(f"{self._owner}: the chat template of {self.weights.source!r} drops what is asked")
        torch.manual_seed(SEED)
        inputs = self._inputs(head, frames)
        self._count(inputs["input_ids"].shape[1], 0)
        with torch.inference_mode():
            read = model(**inputs, use_cache=True)
        return Scorer(model, processor.tokenizer, getattr(read, cache_name(model)), after, batch)

    def _inputs(self, text: str, frames: Sequence[Frame]) -> Any:
        _, processor = self._loaded.get()
        pictures = [self._picture(frame) for frame in frames]
        inputs = processor(text=[text], images=pictures or None, return_tensors="pt").to(self._device)
        for name, value in inputs.items():
            if torch.is_tensor(value) and value.is_floating_point():
                inputs[name] = value.to(self._dtype)
        return inputs

    def _picture(self, frame: Frame) -> Image.Image:
        picture = Image.fromarray(frame)
        if self.side and max(picture.size) > self.side:
            picture.thumbnail((self.side, self.side), Image.Resampling.LANCZOS)
        return picture


def _decoded(processor: Any, ids: Sequence[int]) -> str:
    """Return tokens as a text, of special tokens only those that tell thinking from the reply."""
    added = getattr(processor.tokenizer, "added_tokens_decoder", {})
    special = {number for number, token in added.items() if token.special}
    kept = {number for number in special if thinking.thinks(str(added[number]))}
    if not kept.intersection(ids):
        return str(processor.batch_decode([list(ids)], skip_special_tokens=True)[0])
    shown = [number for number in ids if number not in special or number in kept]
    return str(processor.batch_decode([shown], skip_special_tokens=False)[0])


class Scorer:
    """Says how likely continuations are after pictures that were read once."""

    def __init__(self, model: Any, tokenizer: Any, cache: Any, after: str, batch: int) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._cache = cache
        self._after = after
        self._batch = batch

    def log_chances(self, begun: Sequence[tuple[str, str]], ends: Sequence[Sequence[str]]) -> list[list[float]]:
        """Return per beginning the log-probability of each of its ends, of which one is taken: their probabilities sum to 1.

        A beginning is what is asked and the reply so far. The model is held to the ends token by token, as by a grammar: at each
        token only those count that continue one of them. So a token without an alternative is certain, and an end loses nothing
        by being written in more tokens than another. No end may be the beginning of another.
        """
        rows: list[Row] = []
        for (words, reply), row in zip(begun, ends, strict=True):
            first, tokens = self._ids(words + self._after + reply), [self._ids(end) for end in row]
            rows += [(first, second, _open(second, tokens)) for second in tokens]
        found = [value for start in range(0, len(rows), self._batch) for value in self._score(rows[start : start + self._batch])]
        scores, position = [], 0
        for row in ends:
            scores.append(found[position : position + len(row)])
            position += len(row)
        return scores

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _score(self, rows: Sequence[Row]) -> list[float]:
        """Return the log-probability of the second part of each row after its first, among what is open, in one batch."""
        length = max(len(first) + len(second) for first, second, _ in rows)
        # Filled up on the right: what comes after a row's end cannot reach back, so no mask is needed.
        ids = torch.zeros((len(rows), length), dtype=torch.long)
        for index, (first, second, _) in enumerate(rows):
            ids[index, : len(first) + len(second)] = torch.tensor(first + second)
        cache = copy.deepcopy(self._cache)
        cache.batch_repeat_interleave(len(rows))
        device = self._model.device
        with torch.inference_mode():
            logits = self._model(input_ids=ids.to(device), use_cache=True, **{cache_name(self._model): cache}).logits
            totals = []
            for index, (first, second, choices) in enumerate(rows):
                part = logits[index, len(first) - 1 : len(first) + len(second) - 1].double()
                steps = zip(part, second, choices, strict=True)
                totals.append(sum(float(step[token] - step[rivals].logsumexp(0)) for step, token, rivals in steps))
        return totals


def cache_name(model: Any) -> str:
    """Return how a model calls what it remembers of the text so far: transformers 5.24 gave it a new name, model by model."""
    return "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"


def _open(end: Sequence[int], ends: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return per token of an end which tokens could stand there, its own among them, for one of the ends to be written."""
    return [sorted({other[place] for other in ends if other[:place] == end[:place]}) for place in range(len(end))]
