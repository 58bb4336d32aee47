"""A study's file: what it becomes, and what it refuses."""

from dataclasses import replace

import pytest
import tiny_study
from click.testing import CliRunner

from intergeneval.errors import ConfigError
from matrix_train.cli import main
from matrix_train.study.arms import config_of, seeds_of, settings_of
from matrix_train.study.pieces import Kind, choose, pieces_of
from matrix_train.study.plan import PLANS, LayerSet, StudyPlan, load

GUIDED = """
[[arms]]
name = "cmg"
adapter_of = "base"
layers = "found"

[arms.generation.attention_guidance]
kinds = ["cmg"]
scale = 2.0
"""


@pytest.fixture
def plan(tmp_path):
    return load(tiny_study.write_plan(tmp_path / "study.toml", "model", seeds="0, 1"))


def with_layers(name):
    """A plan that comes with the package, with the layers it leaves open."""
    found = load(name)
    some = LayerSet(lora=(2, 3, 5), v2t=(2, 3), v2v=(5,))
    return replace(found, layers={"found": some, "wrong": LayerSet(lora=(0, 1, 7), v2t=(0, 1), v2v=(7,))})


def test_the_arms_of_the_cpu_plan_differ_in_what_makes_the_arm_and_in_nothing_else():
    found = with_layers("staged-cpu")
    configs = {arm.name: config_of(found, arm, 0) for arm in found.arms}
    assert list(configs) == ["base", "lora", "sga-v2t", "matrix", "wrong-layers"]
    matrix = configs["matrix"]
    assert matrix.layers.to_json() == {"v2t": [2, 3], "t2v": [], "v2v": [5]}
    assert (matrix.train.steps, matrix.decoder.scale, matrix.lora.layers) == (300, 2, (2, 3, 5))
    assert replace(configs["sga-v2t"], layers=matrix.layers) == matrix
    assert replace(configs["lora"], layers=matrix.layers) == matrix
    assert replace(configs["wrong-layers"], layers=matrix.layers, lora=matrix.lora) == matrix
    assert configs["base"].train.steps == 0
    assert (len(found.seeds), found.bench.scenes) == (3, 120)


def test_the_gpu_plan_has_every_arm_of_the_papers_ablation_the_baseline_guidance_and_the_control():
    found = with_layers("staged-gpu")
    assert {arm.label for arm in found.arms} >= {"I", "III", "IV", "V", "VI", "VII"}
    assert {arm.name for arm in found.arms} >= {"target", "cmg", "cag", "wrong-layers", "lora"}
    configs = {arm.name: config_of(found, arm, 1) for arm in found.arms if arm.recipe}
    assert configs["lora-all"].lora.layers == (-1,)
    assert configs["sga-t2v"].layers.to_json() == {"v2t": [], "t2v": [2, 3], "v2v": []}
    assert configs["target"].readout.mode == "probs"
    guided = settings_of(found, found.arm("cag"))["attention_guidance"]
    assert guided == {"kinds": ["cag"], "cag_layers": [5]}


def test_the_arms_of_the_binding_plan_differ_from_the_plain_one_in_their_losses_and_layers_alone():
    found = with_layers("binding")
    configs = {arm.name: config_of(found, arm, 0) for arm in found.arms}
    plain = configs["plain"]
    assert configs["base"].train.steps == 0
    for name, config in configs.items():
        if name not in ("base", "plain-all", "plain-full-rank", "mass-wrong-layers"):
            assert replace(config, loss=plain.loss, layers=plain.layers) == plain, name
    assert configs["mass-first-place"].loss == replace(configs["mass-0.3"].loss, place="first")
    assert configs["mass-late"].loss == replace(configs["mass-0.3"].loss, band=(0.0, 700.0))
    assert configs["mass-wrong-masks"].loss == replace(configs["mass-0.3"].loss, masks="exchanged")
    assert configs["plain-full-rank"].lora.rank == 96
    assert configs["plain-full-rank"].lora.layers == (-1,)
    assert [configs[f"mass-{dose}"].loss.balance for dose in ("0.03", "0.1", "0.3")] == [0.03, 0.1, 0.3]
    assert configs["mass-wrong-layers"].layers.v2t == (0, 1)
    assert (found.outcomes.reference, found.outcomes.control, found.outcomes.scenes) == ("plain", "base", 600)
    assert len(found.seeds) == 4


def test_the_quick_binding_plan_has_three_arms_one_seed_and_forty_steps_and_needs_no_layers():
    found = load("binding-quick")
    names = [piece.name for piece in pieces_of(found)]
    assert names[:4] == ["gate", "register", "bench", "data"]
    assert [name for name in names if name.startswith("train/")] == ["train/base", "train/plain/0", "train/mass-0.3/0"]
    assert config_of(found, found.arm("plain"), 0).train.steps == 40


@pytest.mark.parametrize(
    "name", sorted({path.stem for path in PLANS.glob("*.toml")} - {"binding", "binding-forms", "binding-quick"})
)
def test_a_plan_without_layers_says_how_they_are_found(name):
    with pytest.raises(ConfigError, match=r"add \[layers\.found\] with lora, v2t and v2v, as `matrix-train analyze` suggests"):
        pieces_of(load(name))


def test_pieces_are_done_seed_by_seed_and_an_untrained_arm_once(plan):
    names = [piece.name for piece in pieces_of(plan)]
    assert names[:5] == ["bench", "data", "encode/palette-x2", "train/base", "run/base"]
    assert names[5:11] == ["train/matrix/0", "train/wrong/0", "run/matrix/0", "run/wrong/0", "train/matrix/1", "train/wrong/1"]
    assert names[-3:] == ["labels", "table", "report"]
    assert len([name for name in names if name.startswith("train/")]) == 1 + 2 * 2


def test_a_guided_arm_samples_the_adapter_of_another_and_trains_nothing(tmp_path):
    plan = load(tiny_study.write_plan(tmp_path / "study.toml", "model", arms=tiny_study.ARMS + GUIDED))
    pieces = {piece.name: piece for piece in pieces_of(plan)}
    assert "train/cmg" not in pieces
    assert pieces["run/cmg"].needs == ("bench", "train/base")
    assert pieces["run/cmg"].inputs["generation"]["attention_guidance"] == {"kinds": ["cmg"], "scale": 2.0, "cmg_layers": [1]}
    assert seeds_of(plan, plan.arm("cmg")) == (None,)


def test_the_rate_of_a_studys_own_clips_is_no_news_to_pieces_made_before_it_was_named(plan):
    pieces = {piece.name: piece for piece in pieces_of(plan)}
    assert config_of(plan, plan.arm("matrix"), 0).data.fps == plan.shape.rate
    wanted = {"path", "frames", "height", "width", "sizes"}
    assert set(pieces["train/matrix/0"].inputs["data"]) == wanted, "a further field would have every arm trained anew"


def test_pieces_are_chosen_by_pattern_and_up_to_one(plan):
    pieces = pieces_of(plan)
    assert [item.name for item in choose(pieces, only=("train/*/1",))] == ["train/matrix/1", "train/wrong/1"]
    assert choose(pieces, until="train/base")[-1].name == "train/base"
    assert {item.kind for item in choose(pieces, only=("run/*",), until="run/wrong/0")} == {Kind.RUN}
    with pytest.raises(ConfigError, match="--only train/none: no piece of that name"):
        choose(pieces, only=("train/none",))
    with pytest.raises(ConfigError, match="--until nothing: no piece of that name"):
        choose(pieces, until="nothing")


def test_a_plan_reads_back_as_it_was(plan):
    assert StudyPlan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("find", "put", "message"),
    [
        ('label = "VII"\nrecipe = "matrix"', 'recipe = "nothing"', "there is no recipe 'nothing'; recipes are base, lora, "),
        ('layers = "wrong"', 'layers = "other"', "there is no layer set 'other'"),
        ('better = "matrix"', 'better = "best"', "orders, control and outcomes name arms; 'best' is none of base, matrix"),
        ("scenes = 2", "scenes = 0", "bench.scenes, clips.count and labels.clips must be at least 1"),
        ("scenes = 2", "seed = 7\nscenes = 2", ""),
        ("count = 4", "count = 4\nseed = 1", "clips.seed 1 is the seed of a benchmark or of the development split"),
        ("count = 4", "count = 4\nseed = 2", "clips.seed 2 is the seed of a benchmark or of the development split"),
        ("[clips]\n", "staged_seeds = [3101]\n[clips]\n", "clips.seed 3101 is one that the base was trained on"),
        ("[clips]\n", "staged_seeds = [1]\n[clips]\n", "bench.seed 1 is one that the base was trained on"),
        ("seeds = [0]", "seeds = [0, 0]", "name at least one training seed, each once"),
        ('label = "VII"\nrecipe = "matrix"', 'recipe = "lora"\ntraining.train.steps = 9', "training.train is shared by all arms"),
        ('label = "VII"\nrecipe = "matrix"', 'recipe = "lora"\ntraining.lora.layers = "all"', "lora.layers: expected a list"),
        ('label = "VII"\nrecipe = "matrix"', 'recipe = "lora"\nadapter_of = "base"', "give either recipe or adapter_of"),
        ("[training.lora]", "[training.layers]\nv2t = [1]\n[training.lora]", "layers stand in [layers.NAME]"),
        ("rank = 4", "rank = 4\nspeed = 2", "unknown field 'speed'"),
        ("steps = 2", "step = 2", ""),
    ],
)
def test_a_mistake_in_a_study_file_is_one_sentence_and_exit_code_2(tmp_path, find, put, message):
    path = tiny_study.write_plan(tmp_path / "study.toml", "model")
    text = path.read_text()
    assert find in text
    path.write_text(text.replace(find, put, 1))
    found = CliRunner().invoke(main, ["study", str(path), "--out", str(tmp_path / "out"), "--plan"])
    # An empty message: what the list of pieces cannot know, such as a setting of the source, is told by the piece.
    assert found.exit_code == (2 if message else 0), found.output
    assert message in found.stderr
    assert "Traceback" not in found.stderr
    assert not (tmp_path / "out").exists()


def test_an_unknown_plan_names_those_that_come_with_the_package(tmp_path):
    found = CliRunner().invoke(main, ["study", "no-such", "--out", str(tmp_path / "out")])
    assert found.exit_code == 2
    assert "plans are binding, binding-forms, binding-gpu, binding-large, binding-quick, staged-cpu, staged-gpu" in found.stderr


def test_a_fresh_study_lists_every_piece_as_open_without_doing_anything(tmp_path):
    path = tiny_study.write_plan(tmp_path / "study.toml", "model")
    found = CliRunner().invoke(main, ["study", str(path), "--out", str(tmp_path / "out"), "--plan"])
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert lines[0].split()[:2] == ["open", "bench"]
    assert "0.0 h left; 9 pieces are of a kind that was not done yet" in lines[-1]
