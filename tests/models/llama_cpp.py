"""A tiny random llama with an eye, as the two GGUF files that llama.cpp reads, and llama.cpp's own server over them."""

import contextlib
import subprocess
import sys

import numpy as np

WIDTH, INNER, HEADS, PICTURE, PATCH = 32, 64, 4, 28, 14
BYTES = 256
FIRST = 3
"""Token of byte 0: before it stand <unk>, <s> and </s>."""
CONTEXT = 65536
SERVE = """
import sys
import xllamacpp
asked = xllamacpp.CommonParams()
asked.model.path = sys.argv[1]
asked.mmproj.path = sys.argv[2]
asked.hostnames, asked.port, asked.n_ctx, asked.n_parallel, asked.cpuparams.n_threads = ["127.0.0.1"], 0, int(sys.argv[3]), 1, 1
server = xllamacpp.Server(asked)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


def token(character):
    """The token of an ASCII character: the vocabulary is the bytes."""
    return FIRST + ord(character)


SQUARE, UP, DOWN = (WIDTH, WIDTH), (INNER, WIDTH), (WIDTH, INNER)
ATTENTION = {"attn_q": SQUARE, "attn_k": SQUARE, "attn_v": SQUARE}


def write(folder):
    """Write ``model.gguf`` and ``eye.gguf`` and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    model, eye = folder / "model.gguf", folder / "eye.gguf"
    _write_model(model, np.random.default_rng(0))
    _write_eye(eye, np.random.default_rng(1))
    return model, eye


def _write_model(path, rng):
    import gguf

    writer, kinds = gguf.GGUFWriter(str(path), "llama"), gguf.TokenType
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(FIRST + BYTES)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([b"<unk>", b"<s>", b"</s>", *(f"<0x{byte:02X}>".encode() for byte in range(BYTES))])
    writer.add_token_scores([0.0] * (FIRST + BYTES))
    writer.add_token_types([kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL] + [kinds.BYTE] * BYTES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template("{% for turn in messages %}{{ turn['role'] }}: {{ turn['content'] }}\n{% endfor %}assistant: ")
    writer.add_tensor("token_embd.weight", _random(rng, FIRST + BYTES, WIDTH))
    writer.add_tensor("output.weight", _random(rng, FIRST + BYTES, WIDTH))
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
    shapes = {**ATTENTION, "attn_output": SQUARE, "ffn_gate": UP, "ffn_up": UP, "ffn_down": DOWN}
    for name, shape in shapes.items():
        writer.add_tensor(f"blk.0.{name}.weight", _random(rng, *shape))
    _close(writer)


def _write_eye(path, rng):
    import gguf

    writer = gguf.GGUFWriter(str(path), "clip")
    writer.add_type("mmproj")
    for name in ("has_vision_encoder", "has_llava_projector", "use_gelu"):
        writer.add_bool(f"clip.{name}", True)
    writer.add_string("clip.projector_type", "mlp")
    numbers = {"image_size": PICTURE, "patch_size": PATCH, "embedding_length": WIDTH, "feed_forward_length": INNER}
    for name, number in {**numbers, "projection_dim": WIDTH, "block_count": 1, "attention.head_count": HEADS}.items():
        writer.add_uint32(f"clip.vision.{name}", number)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    writer.add_tensor("v.patch_embd.weight", _random(rng, WIDTH, 3, PATCH, PATCH))
    writer.add_tensor("v.class_embd", _random(rng, WIDTH))
    writer.add_tensor("v.position_embd.weight", _random(rng, (PICTURE // PATCH) ** 2 + 1, WIDTH))
    for name in ("v.pre_ln", "v.post_ln", "v.blk.0.ln1", "v.blk.0.ln2"):
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(WIDTH, np.float32))
    shapes = {**ATTENTION, "attn_out": SQUARE, "ffn_up": UP, "ffn_down": DOWN}
    for name, shape in {**{f"v.blk.0.{name}": shape for name, shape in shapes.items()}, "mm.0": SQUARE, "mm.2": SQUARE}.items():
        writer.add_tensor(f"{name}.weight", _random(rng, *shape))
        writer.add_tensor(f"{name}.bias", np.zeros(shape[0], np.float32))
    _close(writer)


def _random(rng, *shape):
    return (rng.standard_normal(shape) * 0.2).astype(np.float32)


def _close(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@contextlib.contextmanager
def served(model, eye, log, context=CONTEXT):
    """llama.cpp's server on the loopback; gives its address up to and with ``/v1``. `eye` may be empty."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(model), str(eye), str(context)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        )
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), log.read_text()[-2000:]
        yield f"{address}/v1"
    finally:
        process.kill()
        process.communicate(timeout=30)
