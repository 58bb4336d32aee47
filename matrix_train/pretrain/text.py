"""The text side: a tokenizer whose pieces are the captions' words, and a small T5 encoder."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import T5Config, T5EncoderModel, T5Tokenizer

from intergeneval.errors import ConfigError
from matrix_train.pretrain.config import TextConfig

VOCABULARY = 3000
"""Scenes whose captions give the words."""
_WORD, _LETTER = -2.0, -5.0
"""Scores: a known word is always taken whole, an unknown one letter by letter."""


def new_tokenizer(captions: Sequence[str]) -> T5Tokenizer:
    """Return a tokenizer with a piece for each word of the captions, and for each letter, digit and sign."""
    words = sorted({word.strip(string.punctuation) for caption in captions for word in caption.split()} - {""})
    letters = sorted({*string.ascii_letters, *string.digits, *string.punctuation})
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [(f"▁{word}", _WORD) for word in words]
    pieces += [("▁", _LETTER), *((letter, _LETTER) for letter in letters)]
    return T5Tokenizer(vocab=pieces, extra_ids=0)


def new_encoder(config: TextConfig, tokenizer: Any) -> T5EncoderModel:
    """Return a T5 encoder with random weights, drawn from torch's global generator."""
    settings = T5Config(
        vocab_size=len(tokenizer),
        d_model=config.width,
        d_kv=config.width // config.heads,
        d_ff=2 * config.width,
        num_layers=config.layers,
        num_heads=config.heads,
        dropout_rate=0.0,
    )
    model = T5EncoderModel(settings)
    if config.near:
        _prefer_neighbours(model, config.near)
    return model


@torch.no_grad()
def _prefer_neighbours(model: Any, strength: float) -> None:
    """Let each head start by looking at one neighbour: the word before, the one behind, the one before that, and so on."""
    # One table of (bucket, head) serves all layers; distances up to a quarter of the buckets have one of their own in each half.
    table = model.encoder.block[0].layer[0].SelfAttention.relative_attention_bias.weight
    for head in range(table.shape[1]):
        distance = head // 2 + 1
        table[distance if head % 2 == 0 else table.shape[0] // 2 + distance, head] += strength


def token_ids(tokenizer: Any, captions: Sequence[str], length: int) -> Tensor:
    """Return token ids (N, length), padded as the pipeline pads. Raises ConfigError for a caption that is too long."""
    found = tokenizer(list(captions), padding="max_length", max_length=length, truncation=False)
    longest = max(range(len(captions)), key=lambda index: len(found["input_ids"][index]))
    count = len(found["input_ids"][longest])
    if count > length:
        raise ConfigError(f"text.tokens is {length}, and the caption {captions[longest]!r} has {count} tokens")
    return torch.tensor(found["input_ids"], dtype=torch.long)
