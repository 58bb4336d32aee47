"""Datasets of both layouts are read, every fault is named, and what is cached is what was there."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny_pipeline
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

from intergeneval.errors import ConfigError, RecordError
from intergeneval.masks import track_of
from intergeneval.records import Tracks, TrackState
from intergeneval.videos import Reader, write_video
from matrix_train import roles, targets
from matrix_train.backbones.load_encoders import load_encoder
from matrix_train.backbones.loading import load_backbone
from matrix_train.cli import main
from matrix_train.config import ConditionConfig, DataConfig, DecoderConfig
from matrix_train.data.batches import Batches, Plan
from matrix_train.data.cache import check_clip_cache, clip_digest, load_clip, notes_of, precompute
from matrix_train.data.checking import check_clip
from matrix_train.data.clips import read_own, write_own
from matrix_train.data.reading import read_dataset

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    return tiny_pipeline.cogvideox(tmp_path_factory.mktemp("base") / "cogvideox")


@pytest.fixture
def data(tmp_path):
    return tiny_pipeline.dataset(tmp_path / "data", clips=2)


def test_a_word_of_several_pieces_gives_all_its_tokens_and_nothing_else():
    tokenizer, caption = tiny_pipeline.tokenizer(), tiny_pipeline.CAPTIONS[1]
    found = tokenizer(caption, return_offsets_mapping=True)
    tokens = roles.token_indices(found["offset_mapping"], caption, roles.find_phrase(caption, "tall green block"))
    pieces = tokenizer.convert_ids_to_tokens(found["input_ids"])
    assert len(tokens) > 3
    assert "".join(pieces[index] for index in tokens).replace("▁", " ").strip() == "tall green block"


def test_a_verb_keeps_its_particle_and_leaves_out_what_stands_between():
    caption = tiny_pipeline.CAPTIONS[2]
    spans = roles.find_phrase(caption, "picks ... up")
    assert [caption[first:last] for first, last in spans] == ["picks", "up"]


def test_a_phrase_inside_another_word_is_not_found():
    assert roles.find_phrase("a cartoon of a car", "car") == ((15, 18),)
    assert roles.find_phrase("a cartoon", "car") == ()


def test_a_template_around_the_caption_leaves_the_captions_characters_and_empties_its_own():
    # "<s> Say: a box </s>" of which the first two tokens and the last never reach the model.
    offsets = [(0, 3), (4, 8), (8, 10), (10, 14), (15, 19)]
    assert roles.through_template(offsets, (2, 3, 4), prefix=9, length=5) == ((0, 1), (1, 5), (0, 0))
    assert roles.through_template(offsets, (3, 1), prefix=9, length=5) == ((1, 5), (0, 0))


def test_marks_leave_a_clean_caption_and_their_places():
    caption, places = roles.strip_marks("a <id1> person passes a ball to another <id2> person, then <id1> sits")
    assert caption == "a person passes a ball to another person, then sits"
    assert caption[places["id1"] :].startswith("person passes")
    assert caption[places["id2"] :].startswith("person, then")
    assert roles.strip_marks("no marks  here")[0] == "no marks here"


@given(st.integers(1, 6), st.integers(1, 40), st.integers(1, 40))
def test_packed_masks_come_back(frames, height, width):
    masks = np.random.default_rng(frames).random((frames, height, width)) < 0.3
    assert np.array_equal(targets.unpack(targets.pack(masks), masks.shape), masks)


def test_masks_are_resized_by_nearest_neighbour_and_never_blended():
    mask = np.zeros((1, 8, 8), dtype=bool)
    mask[:, :, 3] = True
    assert targets.resize(mask, (16, 16)).sum() == 2 * 16
    assert targets.resize(mask, (2, 2)).sum() == 0
    assert targets.resize(mask, (4, 4), (0, 2, 4, 4)).sum() == 4


def test_a_thin_mask_between_the_middles_of_all_tokens_has_those_it_touches_inside_the_window():
    mask = np.zeros((2, 8, 8), dtype=bool)
    mask[0, 1:6, 3] = True
    mask[0, :, 7] = True
    assert np.argwhere(targets.on_tokens(mask, (2, 2), (0, 0, 8, 6))[0]).tolist() == [[0, 1], [1, 1]]
    assert not targets.on_tokens(mask, (2, 2), (0, 4, 8, 3)).any()
    mask[0, 2, 2] = True
    assert targets.on_tokens(mask, (2, 2))[0].sum() == 1


def test_latent_frames_stand_for_the_first_frame_alone_and_the_middle_of_each_four():
    assert targets.latent_frames(9, 4).tolist() == [0, 3, 7]


def test_the_verb_is_compared_with_the_union():
    one, two = np.eye(4, dtype=bool)[None], np.fliplr(np.eye(4, dtype=bool))[None]
    assert np.array_equal(targets.of_role("verb", one, two), one | two)
    assert targets.of_role("obj", one, None) is None


def test_the_releases_layout_is_read_with_its_ids_paired_to_their_text(tmp_path):
    root = tiny_pipeline.release_dataset(tmp_path / "data")
    clips = read_dataset(root)
    assert [clip.caption for clip in clips] == ["a box pushes a ball", "the dog picks up a stick"]
    item = clips[1].interactions[0]
    assert [clips[1].caption[a:b] for a, b in (*item.subject_spans, *item.object_spans)] == ["dog", "stick"]
    assert [fault for clip in clips for fault in check_clip(root, clip, 9) if fault.fatal] == []


def test_interactions_that_the_metadata_states_are_taken_with_their_verbs(tmp_path):
    root = tiny_pipeline.release_dataset(tmp_path / "data", clips=1)
    stated = '[{"subject": "id1", "verb": "pushes", "object": "id2", "object_phrase": "ball"}]'.replace('"', '""')
    (root / "metadata.csv").write_text(f'video,prompt,interactions\n000000.mp4,"a <id1> box pushes a <id2> ball","{stated}"\n')
    item = read_dataset(root)[0].interactions[0]
    caption = "a box pushes a ball"
    assert [caption[a:b] for a, b in (*item.subject_spans, *item.verb_spans, *item.object_spans)] == ["box", "pushes", "ball"]


def faults_of(root, change=lambda clip: clip, frames=9):
    clip = change(read_own(root)[0])
    return [fault.what for fault in check_clip(root, clip, frames)]


def test_a_sound_clip_has_no_fault(data):
    assert faults_of(data) == []


def test_every_fault_of_a_clip_is_named(data):
    assert faults_of(data, frames=13) == ["videos/clip0.mp4 has 9 frames; data.frames asks for 13"]
    assert "has no roles" in faults_of(data, lambda clip: replace(clip, interactions=()))[0]
    nameless = faults_of(data, lambda clip: replace(clip, interactions=(replace(clip.interactions[0], object_spans=()),)))
    assert nameless == ["interaction 0: the caption has no text for id2 (obj)"]
    alone = faults_of(data, lambda clip: replace(clip, interactions=(replace(clip.interactions[0], object=None),)))
    assert "instance id2 takes part in no interaction" in alone
    stranger = faults_of(data, lambda clip: replace(clip, interactions=(replace(clip.interactions[0], subject="id7"),)))
    assert "interaction 0 names id7, which is not among the instances" in stranger
    outside = faults_of(data, lambda clip: replace(clip, video="../elsewhere.mp4"))
    assert "lies outside the dataset" in outside[0]
    missing = faults_of(data, lambda clip: replace(clip, instances=(*clip.instances, replace(clip.instances[0], id="id3"))))
    assert "instance id3 has no masks" in missing


def test_a_clip_whose_rate_varies_is_told_and_can_be_trained_on(tmp_path):
    root = tiny_pipeline.release_dataset(tmp_path / "data", clips=1)
    path = root / "videos" / "000000.mp4"
    frames = [frame.copy() for frame in Reader(path, keep=False)]
    write_video(path, frames, 4.0, [place / 8 + (2.0 if place > 3 else 0.0) for place in range(len(frames))])
    [fault] = [fault for fault in check_clip(root, read_dataset(root)[0], 9) if "rate" in fault.what]
    assert "variable frame rate" in fault.what
    assert not fault.fatal


def test_masks_of_another_size_or_number_are_named(tmp_path):
    root = tiny_pipeline.release_dataset(tmp_path / "data", clips=1)
    folder = root / "mask_annotation" / "000000" / "<id1>"
    (folder / "008.png").unlink()
    for path in (root / "mask_annotation" / "000000" / "<id2>").iterdir():
        cv2.imwrite(str(path), np.full((32, 32), 255, np.uint8))
    found = [fault.what for fault in check_clip(root, read_dataset(root)[0], 9)]
    assert found == ["id1 has 8 masks, the video 9 frames", "masks of id2 are 32x32, the video 64x64"]


def test_masks_that_no_text_names_are_told(tmp_path, data):
    root = tiny_pipeline.release_dataset(tmp_path / "release", clips=1)
    (root / "metadata.csv").write_text("video,prompt\n000000.mp4,a <id1> box pushes a ball\n")
    found = {fault.what for fault in check_clip(root, read_dataset(root)[0], 9)}
    assert "id2 has masks and no text: neither the prompt nor the instances name it" in found
    assert any("has no roles" in what for what in found)
    fewer = faults_of(data, lambda clip: replace(clip, instances=clip.instances[:1]))
    assert "id2 has masks and no text: neither the prompt nor the instances name it" in fewer


def test_damaged_tracks_are_a_fault_of_their_clip_and_end_nothing(data):
    (data / "tracks" / "clip0.json").write_text('{"bad')
    assert "clip0.json: not JSON" in faults_of(data)[0]


def test_a_verb_that_the_caption_does_not_say_is_told(data):
    mute = faults_of(data, lambda clip: replace(clip, interactions=(replace(clip.interactions[0], verb_spans=()),)))
    assert mute == ["interaction 0: the caption has no text for the verb 'pushes'"]


def test_a_damaged_line_is_named_with_its_number(data):
    with (data / "clips.jsonl").open("a") as stream:
        stream.write('{"id": "x"}\n')
    with pytest.raises(RecordError, match=r"clips\.jsonl:3: field 'video' is missing"):
        read_dataset(data)


def filled(settings, pipeline):
    encoder, backbone = load_encoder(pipeline, torch.float32, CPU), load_backbone(pipeline, torch.float32)
    clips = read_own(Path(settings.data.path))
    made = precompute(settings, clips, encoder, backbone)
    return clips, encoder, backbone, made


def test_the_cache_holds_the_masks_and_tokens_of_the_clip_and_is_filled_once(pipeline, data):
    settings = tiny_pipeline.config(pipeline, data)
    clips, encoder, backbone, made = filled(settings, pipeline)
    assert made == 2
    assert precompute(settings, clips, encoder, backbone) == 0
    _, first, second = tiny_pipeline.scene(0)
    found = load_clip(data / ".matrix-cache", clips[0])
    fine = found.tensors["masks"].bool().numpy()
    assert np.array_equal(fine[0], targets.resize(first, (8, 8)))
    assert np.array_equal(fine[2], targets.resize(first | second, (8, 8)))
    assert [entry.role for entry in found.entries] == ["sub", "obj", "verb"]
    assert all(entry.tokens and entry.has_cells for entry in found.entries)


def redrawn(data, second):
    """Give the second instance of the first clip the masks (F, H, W)."""
    _, first, _ = tiny_pipeline.scene(0)
    states = [TrackState.VISIBLE] * len(first)
    own = (track_of("id1", first, states, [1.0] * len(first)), track_of("id2", second, states, [1.0] * len(first)))
    made = Tracks(sample_id="clip0", seed=0, tracker="hand", size=first.shape[1:], tracks=own)
    (data / "tracks" / "clip0.json").write_text(json.dumps(made.to_json()))


def test_a_thin_instance_that_lies_on_the_middle_of_no_token_is_propagated_all_the_same(pipeline, data):
    thin = np.zeros((9, 64, 64), dtype=bool)
    thin[:, 20:40, 34:38] = True
    redrawn(data, thin)
    settings = replace(tiny_pipeline.config(pipeline, data), decoder=DecoderConfig(widths=(4, 4, 4, 4), scale=8))
    clips, _, backbone, _ = filled(settings, pipeline)
    found = load_clip(data / ".matrix-cache", clips[0])
    assert not found.tensors["coarse"][1].any()
    assert np.argwhere(found.tensors["cells"][1].numpy()).tolist() == [[1, 2], [2, 2]]
    assert found.entries[1].has_cells
    batch = Batches(settings, backbone, clips[:1], data / ".matrix-cache").draw(0)
    assert batch.weights.cells_BRC[0, 1].reshape(4, 4)[1:3, 2].tolist() == [0.5, 0.5]


def test_a_role_that_the_crop_leaves_nothing_of_is_left_out_and_told(pipeline, data):
    outside = np.zeros((9, 64, 64), dtype=bool)
    outside[:, :4] = True
    redrawn(data, outside)
    settings = tiny_pipeline.config(pipeline, data)
    clips, *_ = filled(replace(settings, data=replace(settings.data, height=32)), pipeline)
    found = load_clip(data / ".matrix-cache", clips[0])
    assert [entry.role for entry in found.entries] == ["sub", "verb"]
    assert len(found.tensors["masks"]) == len(found.tensors["cells"]) == 2
    assert notes_of(data / ".matrix-cache", clips[:1]) == [
        "clip0: interaction 0: no mask of obj reaches the part and the grid that are trained on, so it is left out"
    ]


def test_a_role_that_the_text_limit_cuts_off_is_told_by_cache_and_check(pipeline, data):
    clip, other = read_own(data)
    start = len("and then " * 20)
    moved = {
        name: tuple((first + start, last + start) for first, last in getattr(clip.interactions[0], name))
        for name in ("subject_spans", "verb_spans", "object_spans")
    }
    long = replace(clip, caption="and then " * 20 + clip.caption, interactions=(replace(clip.interactions[0], **moved),))
    write_own(data, (long, other))
    filled(tiny_pipeline.config(pipeline, data), pipeline)
    wanted = [
        f"clip0: interaction 0: the caption is cut before the end of the text of {role}; shorten it"
        for role in ("sub", "obj", "verb")
    ]
    assert notes_of(data / ".matrix-cache", read_own(data)) == wanted
    told = CliRunner().invoke(main, ["check", str(data), "--frames", "9", "--model", str(pipeline), "--json"])
    assert told.exit_code == 0, told.output
    assert [f"{item['clip']}: {item['what']}" for item in json.loads(told.stdout)["faults"]] == wanted


def test_a_stale_cache_is_refused_with_what_changed(pipeline, data):
    settings = tiny_pipeline.config(pipeline, data)
    clips, encoder, backbone, _ = filled(settings, pipeline)
    for changed, field in (
        (replace(settings, condition=ConditionConfig(id_map="target")), "id_map"),
        (replace(settings, decoder=DecoderConfig(widths=(4, 4, 4), scale=4)), "decoder_scale"),
        (replace(settings, data=replace(settings.data, height=32)), "sizes"),
    ):
        with pytest.raises(ConfigError, match=f"the cache is stale: {field} was"):
            precompute(changed, clips, encoder, backbone)
    half = load_encoder(pipeline, torch.bfloat16, CPU)
    with pytest.raises(ConfigError, match="the cache is stale: dtype was 'float32' and is now 'bfloat16'"):
        precompute(settings, clips, half, backbone)


def test_a_cache_of_another_text_length_is_refused(pipeline, data, tmp_path):
    settings = tiny_pipeline.config(pipeline, data)
    clips, _, backbone, _ = filled(settings, pipeline)
    longer = shutil.copytree(pipeline, tmp_path / "longer")
    tiny_pipeline.rewrite(longer / "transformer" / "config.json", max_text_seq_length=20)
    encoder = load_encoder(longer, torch.float32, CPU)
    with pytest.raises(ConfigError, match=r"the cache is stale: text_tokens was \d+ and is now 20"):
        precompute(settings, clips, encoder, backbone)


def test_a_clip_that_changed_is_refused_until_it_is_encoded_again(pipeline, data):
    settings = tiny_pipeline.config(pipeline, data)
    clips, encoder, backbone, _ = filled(settings, pipeline)
    changed = (replace(clips[0], caption=clips[0].caption.replace("floor", "table")), clips[1])
    with pytest.raises(ConfigError, match="clip 'clip0' changed since it was cached"):
        Batches(settings, backbone, changed, data / ".matrix-cache")
    write_own(data, changed)
    assert precompute(settings, changed, encoder, backbone) == 1
    with pytest.raises(ConfigError, match="is not cached"):
        Batches(settings, backbone, (replace(clips[0], id="new"),), data / ".matrix-cache")


def test_a_frame_that_changed_inside_a_folder_of_frames_is_noticed(data):
    (clip, *_), folder = read_own(data), data / "videos" / "frames"
    folder.mkdir()
    for place, picture in enumerate(tiny_pipeline.scene(0)[0]):
        cv2.imwrite(str(folder / f"{place:03d}.png"), picture)
    clip = replace(clip, video="videos/frames")
    before = clip_digest(data, clip)
    assert clip_digest(data, clip) == before
    cv2.imwrite(str(folder / "004.png"), np.zeros((64, 64, 3), np.uint8))
    assert clip_digest(data, clip) != before


def test_a_file_that_is_not_utf_8_is_named(data, tmp_path):
    (data / "tracks" / "clip0.json").write_bytes(b"\xff\xfe{")
    assert "clip0.json: is not UTF-8 text" in faults_of(data)[0]
    (data / "clips.jsonl").write_bytes("é".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"clips\.jsonl: is not UTF-8 text"):
        read_dataset(data)
    root = tiny_pipeline.release_dataset(tmp_path / "release", clips=1)
    (root / "metadata.csv").write_bytes("video,prompt\n000000.mp4,café\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"metadata\.csv: cannot be read"):
        read_dataset(root)


def test_a_batch_follows_from_seed_step_and_clip_alone(pipeline, data):
    settings = tiny_pipeline.config(pipeline, data)
    settings = replace(settings, train=replace(settings.train, batch=2))
    clips, _, backbone, _ = filled(settings, pipeline)
    folder = data / ".matrix-cache"
    one, again = (Batches(settings, backbone, clips, folder).draw(5) for _ in range(2))
    alone = replace(settings, train=replace(settings.train, batch=1))
    halves = [Batches(alone, backbone, clips, folder, processes=2).draw(5, 0, process) for process in range(2)]
    assert torch.equal(one.noise, again.noise)
    assert torch.equal(one.noise, torch.cat([half.noise for half in halves]))
    assert torch.equal(one.time_B, torch.cat([half.time_B for half in halves]))
    other = Batches(settings, backbone, clips, folder).draw(6)
    assert not torch.equal(one.noise, other.noise)


def test_an_epoch_shows_every_clip_once_and_batches_hold_one_shape():
    plan = Plan(buckets=[[0, 1, 2, 3], [4, 5]], batch=2, seed=1)
    for number in range(3):
        batches = plan.epoch(number)
        assert sorted(index for batch in batches for index in batch) == [0, 1, 2, 3, 4, 5]
        assert all((max(batch) < 4) or (min(batch) >= 4) for batch in batches)
    assert plan.epoch(0) != plan.epoch(1)


def test_frames_that_no_causal_vae_takes_are_refused():
    with pytest.raises(ValueError, match=r"data\.frames is 48"):
        DataConfig(frames=48)


@pytest.mark.parametrize(("value", "encoded"), [(255, 0), (2, 2)])
def test_a_cache_from_before_masks_were_read_by_value_is_filled_again_where_they_were_misread(tmp_path, pipeline, value, encoded):
    root = tiny_pipeline.release_dataset(tmp_path / "data")
    for path in root.glob("mask_annotation/*/*/*.png"):
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) // 255 * np.uint8(value))
    settings = tiny_pipeline.config(pipeline, root)
    write_own(root, read_dataset(root))
    clips, encoder, backbone, made = filled(settings, pipeline)
    assert made == 2
    for path in (root / ".matrix-cache").glob("*.safetensors"):
        with safe_open(str(path), framework="pt") as stream:
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118  # not a mapping
            metadata = {name: item for name, item in stream.metadata().items() if name != "mask_reader"}
        save_file(tensors, str(path), metadata)
    if encoded:
        with pytest.raises(ConfigError, match="were misread when cached"):
            check_clip_cache(root / ".matrix-cache", root, clips[0])
    assert precompute(settings, clips, encoder, backbone) == encoded
    check_clip_cache(root / ".matrix-cache", root, clips[0])


def test_what_another_tool_notes_of_a_clip_is_kept_and_encodes_nothing_anew(data):
    before, clip = clip_digest(data, read_own(data)[0]), read_own(data)[0]
    lines = [json.loads(line) for line in (data / "clips.jsonl").read_text().splitlines()]
    lines[0] |= {"licence": "CC-BY-4.0", "source": "film-7", "hash": "0f0f", "more": {"shot": [3, 9]}, "split": "validation"}
    lines[0]["interactions"][0]["category"] = "force"
    (data / "clips.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    clips = read_dataset(data)
    assert (clips[0].licence, clips[0].source, clips[0].said("hash"), clips[0].said("more")) == (
        "CC-BY-4.0", "film-7", "0f0f", {"shot": [3, 9]},
    )  # fmt: skip
    assert clip_digest(data, clips[0]) == before
    assert clips[0].state != clip.state
    assert clips[0].state == replace(clips[0], split="").state
    write_own(data, clips)
    assert [json.loads(line) for line in (data / "clips.jsonl").read_text().splitlines()] == lines


def test_a_side_of_a_split_that_nobody_knows_is_refused_with_its_line(data):
    text = (data / "clips.jsonl").read_text().replace('"id": "clip1"', '"split": "test", "id": "clip1"')
    (data / "clips.jsonl").write_text(text)
    with pytest.raises(RecordError, match=r"clips\.jsonl:2: split 'test' is neither train nor validation"):
        read_own(data)
