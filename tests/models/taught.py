"""A tiny vision-language model that was taught to write one reply to the ordinary prompts: what a trained model brings along."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.judges import hf, hf_model
from tests.models import checkpoints

SECONDS = 60
SAMPLE = "juggle"
"""The sample of the benchmark ``clips`` that it knows."""
FRAMES = (*range(5, 50, 5), 48)
"""The frames after the first that it is shown."""
WALK = {frame: f"M at {frame}" for frame in FRAMES}
"""What it says of each, before it answers."""
ANSWERS = [*(("yes", 5) if number % 2 else ("no", None) for number in range(1, 11)), ("no", None)]
"""What it says to the ten questions, then to the control question: value and frame."""
REPLY = json.dumps(
    {
        "walk": [f"{frame}: {seen}" for frame, seen in WALK.items()],
        "bodies": [],
        "answers": [
            {"question": f"0.{number}", "reason": "", "frame": frame, "answer": value}
            for number, (value, frame) in enumerate(ANSWERS, start=1)
        ],
    },
    separators=(",", ":"),
)


@dataclass(frozen=True)
class Taught:
    """The model and what it took."""

    folder: Path
    untaught: Path
    """The same model before."""
    seconds: float
    tokens: int
    """Tokens of what it is asked."""


def run(judge, out, config=""):
    """Judge the sample's real clip."""
    place = out.parent / f"{out.name}.toml"
    place.write_text(config)
    command = ["run", "--model", "bench:clips", "--samples", SAMPLE, "--judge", judge, "--config", str(place)]
    done = CliRunner().invoke(main, [*command, "--out", str(out)])
    return done, [json.loads(line) for line in (out / "answers.jsonl").read_text().splitlines()]


def make(root):
    """Write a random model, see what a run asks it, and train it on that conversation until it writes the reply."""
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hf.Vlm, "write", lambda self, *given: asked.append(given[:2]) or hf_model.Written(text="", cut=False))
        first = checkpoints.qwen3_vl(root / "first")
        run(f"hf:{first}", root / "untaught-run", 'cache = "off"\n')
    conversation, pictures = asked[0]
    words = tuple(part["text"] for message in conversation[:2] for part in message["content"] if part["type"] == "text")
    untaught = checkpoints.qwen3_vl(root / "untaught", words=(REPLY, *words))
    folder = checkpoints.qwen3_vl(root / "taught", words=(REPLY, *words))
    seconds, tokens = _teach(folder, conversation[:2], pictures)
    return Taught(folder=folder, untaught=untaught, seconds=seconds, tokens=tokens)


def _teach(folder, conversation, pictures):
    judge = hf.create(str(folder), {})
    model, processor = judge.vlm._loaded.get()
    text = processor.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)
    inputs = judge.vlm._inputs(text, pictures)
    last = torch.tensor([processor.tokenizer(REPLY + "<|im_end|>", add_special_tokens=False)["input_ids"]])
    ids = torch.cat([inputs["input_ids"], last], 1)
    kinds = torch.cat([inputs["mm_token_type_ids"], torch.zeros_like(last, dtype=inputs["mm_token_type_ids"].dtype)], 1)
    seen = {name: inputs[name] for name in ("pixel_values", "image_grid_thw")}
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    began, count = time.process_time(), last.shape[1]
    model.train()
    while time.process_time() - began < SECONDS:
        logits = model(
            input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=kinds, logits_to_keep=count + 1, **seen
        ).logits
        answer = logits[0, -count - 1 : -1]
        # Sure enough that pictures written as JPEG, as a server gets them, change nothing.
        if (answer.argmax(-1) == last[0]).all() and answer.softmax(-1).amax(-1).min() > 0.9:
            break
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(answer, last[0]).backward()
        optimiser.step()
    model.eval()
    model.save_pretrained(folder)
    return time.process_time() - began, inputs["input_ids"].shape[1]
