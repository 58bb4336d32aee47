#!/usr/bin/env bash
# llama.cpp's server answers a picture for a model that takes no pictures with status 500, "server_error", so that clients send it again and again.
#
# A request that can never succeed is expected to get a status of the 400s, as it does here for a prompt that is too long or for n=2. For a
# picture without a projector it is 500, the status of a passing fault: OpenAI's own client sends the same picture three times before it gives
# up, and raises InternalServerError, as if the server had broken down; what turns to another endpoint on 500, or counts broken servers, is
# misled likewise. Text goes on being answered. In all these errors "code" is the status as a number, where OpenAI has a word or nothing,
# so that code cannot tell them apart; type tells the long prompt, and only the message, "image input is not supported", the picture.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet xllamacpp==2026.10.11549 gguf==0.19.0 openai==3.57.0 numpy==2.4.6
cat > "$work/write.py" <<'PY'
import sys

import gguf
import numpy as np

WIDTH, WORDS = 32, 259
rng = np.random.default_rng(0)
out = gguf.GGUFWriter(sys.argv[1], "llama")
out.add_context_length(2048)
out.add_embedding_length(WIDTH)
out.add_block_count(1)
out.add_feed_forward_length(2 * WIDTH)
out.add_head_count(4)
out.add_head_count_kv(4)
out.add_layer_norm_rms_eps(1e-5)
out.add_rope_dimension_count(WIDTH // 4)
out.add_vocab_size(WORDS)
out.add_tokenizer_model("llama")
out.add_token_list([b"<unk>", b"<s>", b"</s>"] + [f"<0x{byte:02X}>".encode() for byte in range(256)])
out.add_token_scores([0.0] * WORDS)
out.add_token_types([gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [gguf.TokenType.BYTE] * 256)
out.add_bos_token_id(1)
out.add_eos_token_id(2)
out.add_chat_template("{% for message in messages %}{{ message['content'] }}{% endfor %}")
shapes = {"token_embd": (WORDS, WIDTH), "output": (WORDS, WIDTH)}
shapes |= {f"blk.0.attn_{name}": (WIDTH, WIDTH) for name in ("q", "k", "v", "output")}
shapes |= {"blk.0.ffn_gate": (2 * WIDTH, WIDTH), "blk.0.ffn_up": (2 * WIDTH, WIDTH), "blk.0.ffn_down": (WIDTH, 2 * WIDTH)}
for name, shape in shapes.items():
    out.add_tensor(f"{name}.weight", rng.normal(0, 0.2, shape).astype(np.float32))
for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
    out.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
out.write_header_to_file()
out.write_kv_data_to_file()
out.write_tensors_to_file()
out.close()
PY
cat > "$work/serve.py" <<'PY'
import sys

import xllamacpp

settings = xllamacpp.CommonParams()
settings.model.path = sys.argv[1]
settings.hostnames, settings.port = ["127.0.0.1"], 0
settings.n_ctx, settings.n_parallel, settings.cpuparams.n_threads = 2048, 1, 1
server = xllamacpp.Server(settings)
print(server.listening_address, flush=True)
sys.stdin.read()
PY
cat > "$work/probe.py" <<'PY'
import base64
import struct
import subprocess
import sys
import zlib
from importlib.metadata import version

import openai

print("xllamacpp", version("xllamacpp"), "openai", openai.__version__)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


rows = b"".join(b"\0" + b"\x80" * 24 for _ in range(8))
png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
png += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
address = "data:image/png;base64," + base64.b64encode(png).decode()
picture = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": address}}]
asked = {
    "text": {"messages": [{"role": "user", "content": "hi"}]},
    "a picture": {"messages": [{"role": "user", "content": picture}]},
    "too long a text": {"messages": [{"role": "user", "content": "x" * 5000}]},
    "two choices": {"messages": [{"role": "user", "content": "hi"}], "n": 2},
    "text again": {"messages": [{"role": "user", "content": "hi"}]},
}
sent = []
process = subprocess.Popen([sys.executable, sys.argv[1], sys.argv[2]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
seen = {}
try:
    server = process.stdout.readline().strip()
    hooks = {"request": [lambda request: sent.append(request.url.path)]}
    client = openai.OpenAI(base_url=f"{server}/v1", api_key="none", http_client=openai.DefaultHttpxClient(event_hooks=hooks, trust_env=False))
    for name, body in asked.items():
        sent.clear()
        try:
            client.chat.completions.create(model="any", max_tokens=3, **body)
        except openai.APIStatusError as error:
            seen[name] = error.status_code, type(error).__name__, error.type, error.body["code"], len(sent)
            print(f"{name}: status {error.status_code}, {error.body}; the client sent it {len(sent)} time(s): {type(error).__name__}")
        else:
            seen[name] = 200, len(sent)
            print(f"{name}: answered")
finally:
    process.kill()
    process.wait()
expected = {
    "text": (200, 1),
    "a picture": (500, "InternalServerError", "server_error", 500, 3),
    "too long a text": (400, "BadRequestError", "exceed_context_size_error", 400, 1),
    "two choices": (400, "BadRequestError", "invalid_request_error", 400, 1),
    "text again": (200, 1),
}
assert seen == expected, f"the behaviour has changed: {seen}"
print("as described")
PY
"$work/venv/bin/python" "$work/write.py" "$work/model.gguf"
"$work/venv/bin/python" "$work/probe.py" "$work/serve.py" "$work/model.gguf" 2> "$work/log" || { tail -5 "$work/log"; exit 1; }
