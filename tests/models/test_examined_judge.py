"""The exam (`validate`) of a vision-language judge that knows nothing: a tiny Qwen3-VL with random weights in ``choice`` mode."""

import json

import pytest
import torch
from click.testing import CliRunner
from transformers import AutoModelForImageTextToText

from intergeneval.cli import main
from tests.models import checkpoints

POLICIES = "perfect,no-action,roles-swapped,mix-09"
SHORT = {
    "system": "Judge.",
    "frame": "{{ index }}",
    "ask": "{% for item in questions %}{{ item.label }} {{ item.text }}{% endfor %}",
}
"""Short prompts, so that an exam takes seconds; how an answer is chosen is the same."""


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    scratch = tmp_path_factory.mktemp("exam")
    folder = checkpoints.qwen3_vl(scratch / "random-vlm")
    # With the small start that suits wide models a narrow one gives the same odds to every question, and attention that is spread
    # over all tokens hardly tells two questions apart. So: outputs of the size of inputs, and attention that picks its tokens.
    model = AutoModelForImageTextToText.from_pretrained(folder)
    torch.manual_seed(0)
    checkpoints.spread(model)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("q_norm.weight", "k_norm.weight")):
                weight.fill_(3.0)
    model.save_pretrained(folder)
    for name, text in SHORT.items():
        (scratch / f"{name}.j2").write_text(text)
    config = scratch / "exam.toml"
    config.write_text(f'[settings.hf]\nmode = "choice"\nside = 32\nbatch = 64\nprompts = "{scratch}"\n')
    command = ["validate", "--judge", f"hf:{folder}", "--config", str(config), "--split", "dev", "--scenes", "4"]
    more = ["--policies", POLICIES, "--size", "64x96", "--recheck", "0.3", "--out", str(scratch / "out"), "--json"]
    done = CliRunner().invoke(main, [*command, *more])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_random_judge_that_looks_gives_both_answers_and_agrees_with_the_truth_by_chance_alone(card):
    whole = card["detail"]["answers"]["all"]
    assert whole["answered"] == whole["asked"] == card["exam"]["answers"]
    assert 0.1 * whole["asked"] < whole["said_yes"] < 0.9 * whole["asked"]
    low, high = card["intervals"]["kappa"]
    assert low <= 0.0 <= high
    assert card["kappa"] != 0.0  # exactly 0 is a judge that always says the same


def test_it_is_held_against_what_the_frames_show_and_asked_again_and_the_other_way_round(card):
    assert card["exam"]["layer"] == "sampled"
    rounds = card["detail"]["rounds"]
    assert rounds["flips"]["value"] == 0.0  # nothing is drawn by chance, so the same question gets the same answer
    assert rounds["negation"]["applicable"]
    assert rounds["negation"]["count"] == rounds["flips"]["count"] > 0
