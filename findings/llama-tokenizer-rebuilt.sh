#!/usr/bin/env bash
# transformers 5: the class LlamaTokenizerFast does not read a tokenizer.json as it stands; it builds Llama 2's rules anew around its vocabulary.
#
# A class named "fast" is expected to run the tokenizer of the file. For a byte-level file, as Llama 3 has them, LlamaTokenizerFast (an alias of
# LlamaTokenizer now) loads without error or warning and cuts the text into other tokens: the spaces are gone, and decoding does not give
# the text back. AutoTokenizer and PreTrainedTokenizerFast read the same folder rightly; AutoTokenizer logs that the named class does not
# fit the file. Pipelines of diffusers name the class of each component in model_index.json and load it by that class; those of
# HunyuanVideo name LlamaTokenizerFast, for a byte-level tokenizer of Llama 3. There the prompt that reaches the model is
# not the one that was typed, unless the tokenizer is loaded apart and handed over.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet transformers==5.24.0 tokenizers==0.23.3
cat > "$work/probe.py" <<'PY'
import json
import sys

import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, LlamaTokenizerFast, PreTrainedTokenizerFast

print("transformers", transformers.__version__)
own = Tokenizer(models.BPE())
own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
own.decoder = decoders.ByteLevel()
own.train_from_iterator(
    ["a man hands the red cup to a woman", "1. who acts\n2. on whom\n"] * 50,
    trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|begin_of_text|>", "<|end_of_text|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    ),
)
own.save(f"{sys.argv[1]}/tokenizer.json")
config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>"}
with open(f"{sys.argv[1]}/tokenizer_config.json", "w") as stream:
    json.dump(config, stream)
text = "a man hands the cup\n1. who"
right = own.encode(text, add_special_tokens=False).tokens
print("the file itself:", right)
agree = {}
for cls in (AutoTokenizer, PreTrainedTokenizerFast, LlamaTokenizerFast):
    loaded = cls.from_pretrained(sys.argv[1])
    ids = loaded(text, add_special_tokens=False)["input_ids"]
    agree[cls.__name__, type(loaded).__name__] = loaded.convert_ids_to_tokens(ids) == right, loaded.decode(ids) == text
    print(f"{type(loaded).__name__}: {loaded.convert_ids_to_tokens(ids)}, decoded {loaded.decode(ids)!r}")
assert [*agree.values()] == [(True, True), (True, True), (False, False)], f"the behaviour has changed: {agree}"
print("as described")
PY
mkdir "$work/tokenizer"
"$work/venv/bin/python" "$work/probe.py" "$work/tokenizer"
