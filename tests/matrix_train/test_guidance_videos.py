"""Guided videos from real tiny pipelines on disk: through the command line, the Python class and as a source of a run."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import tiny_pipeline
from click.testing import CliRunner

from intergeneval.cli import main as evaluate
from intergeneval.errors import ConfigError
from intergeneval.records import Instance, Interaction, Sample
from intergeneval.videos import Reader
from matrix_train.backbones import Grid
from matrix_train.cli import main
from matrix_train.guidance.config import GuidanceConfig
from matrix_train.guidance.regions import on_grid
from matrix_train.guidance.roles import described_sample, roles_of
from matrix_train.sample.config import SampleConfig
from matrix_train.sample.generate import Generator
from matrix_train.sample.source import create

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

PROMPT = "a red box pushes a blue ball"
SAMPLING = SampleConfig(dtype="float32", steps=2)
FORM = "is not of the form SUBJECT|VERB|OBJECT"
BOTH = GuidanceConfig(kinds=("cmg", "cag"), cmg_layers=(1, 2), cag_layers=(2,))
SHAPE = {"frames": 9, "height": 64, "width": 64}
SHAPES = {"cogvideox": {}, "wan": SHAPE, "hunyuan": SHAPE, "hunyuan-concat": SHAPE}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp("guided")
    tiny_pipeline.cogvideox(root / "cogvideox")
    tiny_pipeline.wan(root / "wan")
    tiny_pipeline.hunyuan(root / "hunyuan")
    tiny_pipeline.hunyuan(root / "hunyuan-concat", variant="latent_concat")
    write_bench(root / "bench")
    return root


def write_bench(folder):
    """One sample of a box that pushes a ball; the second's prompt does not name the ball."""
    (folder / "masks").mkdir(parents=True)
    pictures, first, second = tiny_pipeline.scene(0)
    cv2.imwrite(str(folder / "first.png"), pictures[0][..., ::-1])
    for name, masks in (("id1", first), ("id2", second)):
        cv2.imwrite(str(folder / "masks" / f"{name}.png"), masks[0].astype(np.uint8) * 255)
    lines = [sample_of(name, prompt).to_json() for name, prompt in (("s1", PROMPT), ("s2", "a red box pushes a stick"))]
    (folder / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "bench.toml").write_text('name = "tiny"\nversion = "1"\ndescription = "For tests."\nlicence = "Apache-2.0"\n')


def sample_of(name="s1", prompt=PROMPT):
    instances = (
        Instance(id="id1", class_="box", appearance="red box", colour="red", mask="masks/id1.png"),
        Instance(id="id2", class_="ball", appearance="blue ball", colour="blue", mask="masks/id2.png"),
    )
    interaction = Interaction(subject="id1", verb="pushes", object="id2")
    return Sample(id=name, prompt=prompt, instances=instances, interactions=(interaction,), image="first.png", size=(64, 64))


def video_of(places, guidance, name="cogvideox", sample=None, masks=None, seed=3):
    pictures, first, second = tiny_pipeline.scene(0)
    generator = Generator(places / name, replace(SAMPLING, **SHAPES[name]), guidance)
    given = {"id1": first[0], "id2": second[0]} if masks is None else masks
    return generator.frames(pictures[0], sample or sample_of(), given, seed=seed), generator


@pytest.mark.parametrize("name", SHAPES)
def test_scale_0_gives_the_unguided_video_bit_for_bit_and_a_scale_above_it_another_one_each_time_alike(places, name):
    plain, _ = video_of(places, None, name)
    assert np.array_equal(video_of(places, replace(BOTH, scale=0.0), name)[0], plain)
    for kind in ("cmg", "cag"):
        chosen = replace(BOTH, kinds=(kind,))
        guided, generator = video_of(places, chosen, name)
        assert not np.array_equal(guided, plain), kind
        assert np.array_equal(video_of(places, chosen, name)[0], guided), kind
        # The pipeline is left as it was: the same object samples without guidance again.
        generator._guide = None
        assert np.array_equal(generator.frames(tiny_pipeline.scene(0)[0][0], sample_of(), {}, seed=3), plain)


def calls(generator):
    seen = []
    generator._pipeline.transformer.register_forward_pre_hook(lambda *_: seen.append(1))
    return seen


def test_two_passes_sample_twice_and_first_frame_or_cag_alone_once(places):
    pictures, first, second = tiny_pipeline.scene(0)
    for chosen, passes in ((BOTH, 2), (replace(BOTH, regions="first_frame"), 1), (replace(BOTH, kinds=("cag",)), 1)):
        generator = Generator(places / "cogvideox", SAMPLING, chosen)
        seen = calls(generator)
        generator.frames(pictures[0], sample_of(), {"id1": first[0], "id2": second[0]}, seed=3)
        assert len(seen) == passes * SAMPLING.steps, chosen


def run_sample(
    places, folder, *extra, masks=("id1", "id2"), config="[attention_guidance]\ncmg_layers = [1, 2]\ncag_layers = [2]\n"
):
    (folder / "g.toml").write_text("[sample]\nsteps = 2\ndtype = 'float32'\n" + config)
    arguments = ["sample", str(places / "cogvideox"), "--image", str(places / "bench" / "first.png"), "--prompt", PROMPT]
    arguments += [item for name in masks for item in ("--mask", str(places / "bench" / "masks" / f"{name}.png"))]
    arguments += ["--config", str(folder / "g.toml"), "--out", str(folder / "v.mp4")]
    return CliRunner().invoke(main, [*arguments, *extra])


def test_the_command_line_writes_a_guided_video_of_a_plain_base(places, tmp_path):
    found = run_sample(places, tmp_path, "--guidance", "cmg,cag", "--interaction", "red box|pushes|blue ball", "--json")
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["frames"] == 9
    assert len(list(Reader(tmp_path / "v.mp4"))) == 9


@pytest.mark.parametrize(
    ("extra", "masks", "config", "message"),
    [
        (["--guidance", "cmg", "--interaction", "red box|pushes|blue ball"], (), "", "speaks of mask 1, and 0 were given"),
        (["--guidance", "cmg"], ("id1", "id2"), "", "and there is no interaction"),
        (
            ["--guidance", "cmg", "--interaction", "red box|kicks|blue ball"], ("id1", "id2"), "",
            "the verb 'kicks' does not stand in the prompt",
        ),
        (["--guidance", "cmg", "--interaction", "red box pushes"], ("id1", "id2"), "", FORM),
        (["--guidance", "cmg,cag"], (), None, "cmg_layers is not set"),
        (["--guidance", "cag"], (), "[attention_guidance]\ncag_layers = [4]\n", "layer 4 does not exist; this cogvideox has"),
        (["--guidance", "cgm"], (), "", "'cgm' is not one of cmg, cag"),
        (["--guidance", "cmg", "--regions", "all"], (), "", "'all' is not one of two_pass, first_frame"),
        (["--guidance", "cag"], (), "[attention_guidance]\nlayers = 4\n", "unknown field 'layers'"),
        (["--steps", "0"], (), "", "steps is 0"),
        (["--base", "elsewhere"], (), "", "is a pipeline itself, so base is not to be set"),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_sentence(places, tmp_path, extra, masks, config, message):
    settings = {"config": "" if config is None else config or "[attention_guidance]\ncmg_layers = [1]\ncag_layers = [2]\n"}
    found = run_sample(places, tmp_path, *extra, masks=masks, **settings)
    assert found.exit_code == 2, found.output
    assert message in found.stderr
    assert "Traceback" not in found.output
    assert not (tmp_path / "v.mp4").exists()


def test_a_mask_of_another_size_is_named_with_both_sizes(places, tmp_path):
    cv2.imwrite(str(tmp_path / "wide.png"), np.full((64, 80), 255, np.uint8))
    found = run_sample(places, tmp_path, "--mask", str(tmp_path / "wide.png"))
    assert found.exit_code == 2
    assert "wide.png: the mask is 80x64, the first frame 64x64" in found.stderr


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((64, 64), bool), "the first-frame mask of id2 is empty"),
        (np.ones((32, 64), bool), "the mask of id2 is 64x32, the video 64x64"),
        (None, "id2 has no first-frame mask"),
    ],
)
def test_a_region_that_cannot_be_guided_is_an_error_before_anything_is_sampled(places, mask, message):
    masks = {"id1": tiny_pipeline.scene(0)[1][0]} | ({} if mask is None else {"id2": mask})
    with pytest.raises(ConfigError, match=message):
        video_of(places, replace(BOTH, regions="first_frame"), masks=masks)


def test_a_thin_instance_between_the_middles_of_tokens_has_the_tokens_it_touches_and_a_lost_one_none():
    track = np.zeros((9, 64, 64), bool)
    track[:5, 10:30, 2] = True
    found = on_grid(track, Grid(frames=3, height=4, width=4), 9, 4).reshape(3, 4, 4)
    assert np.argwhere(found).tolist() == [[0, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0]]
    track[0, :, 8] = True
    assert on_grid(track, Grid(frames=3, height=4, width=4), 9, 4).reshape(3, 4, 4)[0].sum() == 4


def test_roles_are_found_in_the_prompt_and_one_that_is_not_there_is_named():
    prompt = "The man in red lifts the kettle and the man in blue drinks tea from the blue mug."
    sample = described_sample(prompt, ("1:man in red|lifts|2:kettle", "3:man in blue|drinks ... from|4:blue mug"), masks=4)
    roles = roles_of(sample, ("sub", "obj", "verb"))
    words = [[prompt[first:last] for first, last in role.spans] for role in roles]
    assert words == [["man in red"], ["kettle"], ["lifts"], ["man in blue"], ["blue mug"], ["drinks", "from"]]
    assert [role.instances for role in roles][2::3] == [("id1", "id2"), ("id3", "id4")]
    assert [role.name for role in roles_of(sample, ("verb",))] == ["verb", "verb"]
    other = replace(sample, prompt=prompt.replace("kettle", "pot"))
    with pytest.raises(ConfigError, match="the object 'kettle' does not stand in the prompt"):
        roles_of(other, ("obj",))
    twins = replace(sample, instances=tuple(replace(item, class_="man") for item in sample.instances))
    with pytest.raises(ConfigError, match="'man' would not tell id1 from id2"):
        roles_of(replace(twins, prompt=prompt.replace("man in red", "red man")), ("sub",))


def source_of(places, **settings):
    return create(str(places / "cogvideox"), {"dtype": "float32", "steps": 2, **settings})


GUIDED = {"kinds": ["cmg", "cag"], "cmg_layers": [1, 2], "cag_layers": [2]}


def test_a_run_with_other_guidance_has_another_config_hash_and_scale_0_that_of_no_guidance(places):
    plain = source_of(places).describe()
    found = [
        source_of(places, attention_guidance={**GUIDED, **change}).describe()
        for change in ({}, {"scale": 2.0}, {"kinds": ["cag"]}, {"cag_layers": [3]}, {"regions": "first_frame"})
    ]
    assert len({json.dumps(item) for item in [plain, *found]}) == 6
    assert source_of(places, attention_guidance={**GUIDED, "scale": 0.0}).describe() == plain
    assert source_of(places, attention_guidance=GUIDED).name == "cogvideox+cmg+cag"
    with pytest.raises(ConfigError, match="guidance is a number; cmg and cag stand in attention_guidance"):
        source_of(places, guidance="cmg,cag")
    with pytest.raises(ConfigError, match="layer 9 does not exist"):
        source_of(places, attention_guidance={**GUIDED, "cag_layers": [9]})


def test_intergeneval_run_judges_guided_videos_and_records_why_one_cannot_be_guided(places, tmp_path):
    (tmp_path / "run.toml").write_text(
        "[settings.matrix]\nsteps = 2\ndtype = 'float32'\n"
        "[settings.matrix.attention_guidance]\nkinds = ['cmg', 'cag']\ncmg_layers = [1, 2]\ncag_layers = [2]\n"
    )
    arguments = ["run", "--model", f"matrix:{places / 'cogvideox'}", "--bench", str(places / "bench"), "--tracker", "flow"]
    arguments += ["--judge", "geometry", "--config", str(tmp_path / "run.toml"), "--out", str(tmp_path / "run")]
    found = CliRunner().invoke(evaluate, arguments)
    assert found.exit_code == 3, found.output
    scores = [json.loads(line) for line in (tmp_path / "run" / "scores.jsonl").read_text().splitlines()]
    # An untrained model shows noise: another picture from its first frame on, of which nothing is asked.
    assert [item["status"] for item in scores] == ["foreign_first_frame", "missing"]
    assert not (tmp_path / "run" / "answers.jsonl").exists()
    videos = {item["sample_id"]: item for item in map(json.loads, (tmp_path / "run" / "videos.jsonl").read_text().splitlines())}
    assert videos["s1"]["status"] == "foreign_first_frame"
    assert "the object 'blue ball' does not stand in the prompt" in videos["s2"]["reason"]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["model"] == "cogvideox+cmg+cag"
