"""The ``hf`` judge in generate mode, end to end: a tiny model is first taught to emit one reply, then asked as any other is."""

import json
import time

import torch
from click.testing import CliRunner

from intergeneval.cli import main
from intergeneval.judges import hf
from tests.models import checkpoints

SECONDS = 60


def wanted_reply():
    """Answers to the ten questions of one interaction, in the format the prompts ask for."""
    answers = [
        {"question": f"0.{number}", "reason": "", "answer": "yes" if number % 2 else "no", "frame": 5 if number % 2 else None}
        for number in range(1, 11)
    ]
    return json.dumps({"answers": answers}, separators=(",", ":"))


def teach(folder, conversation, pictures, reply):
    """Train the model on one conversation until it writes the reply; return the seconds it took."""
    judge = hf.create(str(folder), {"side": 64})
    model, processor = judge.vlm._loaded.get()
    text = processor.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)
    inputs = judge.vlm._inputs(text, pictures)
    last = torch.tensor([processor.tokenizer(reply + "<|im_end|>", add_special_tokens=False)["input_ids"]])
    ids = torch.cat([inputs["input_ids"], last], 1)
    kinds = torch.cat([inputs["mm_token_type_ids"], torch.zeros_like(last, dtype=inputs["mm_token_type_ids"].dtype)], 1)
    seen = {name: inputs[name] for name in ("pixel_values", "image_grid_thw")}
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    began, count = time.perf_counter(), last.shape[1]
    model.train()
    while time.perf_counter() - began < SECONDS:
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=kinds, **seen).logits
        answer = logits[0, -count - 1 : -1]
        if (answer.argmax(-1) == last[0]).all() and answer.softmax(-1).amax(-1).min() > 0.8:
            break
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(answer, last[0]).backward()
        optimiser.step()
    model.eval()
    model.save_pretrained(folder)
    return time.perf_counter() - began


def test_a_model_taught_the_format_is_read_asked_and_scored(tmp_path, capsys, monkeypatch):
    folder = checkpoints.qwen3_vl(tmp_path / "tiny-vlm", words=(wanted_reply(),))
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    # Short prompts, so that a step of training takes little; what is read and scored is the same.
    for name, text in {"system": "Judge.", "frame": "{{ index }}", "ask": "{{ questions | length }} questions"}.items():
        (prompts / f"{name}.j2").write_text(text)
    config = tmp_path / "run.toml"
    config.write_text("[settings.hf]\nside = 64\nmax_tokens = 1024\n")
    command = [
        "run",
        "--model",
        "bench:clips",
        "--samples",
        "juggle",
        "--judge",
        f"hf:{folder}",
        "--config",
        str(config),
        "--prompts",
        str(prompts),
    ]
    asked = []
    generate = hf.Vlm.generate
    monkeypatch.setattr(hf.Vlm, "generate", lambda self, *given: asked.append(given[:2]) or "")
    assert CliRunner().invoke(main, [*command, "--out", str(tmp_path / "untaught")]).exit_code == 3
    monkeypatch.setattr(hf.Vlm, "generate", generate)
    conversation, pictures = asked[0]
    seconds = teach(folder, conversation[:2], pictures, wanted_reply())
    done = CliRunner().invoke(main, [*command, "--out", str(tmp_path / "taught")])
    answers = [json.loads(line) for line in (tmp_path / "taught" / "answers.jsonl").read_text().splitlines()]
    with capsys.disabled():
        print(f"\ntaught a tiny Qwen3-VL one reply in {seconds:.0f} s")
    assert done.exit_code == 0, done.output + str(answers[:1])
    assert [(item["status"], item["value"], item["frame"]) for item in answers] == [
        ("ok", "yes", 5) if number % 2 else ("ok", "no", None) for number in range(1, 11)
    ]
