"""The training set as latents, encoded once: shards of safetensors, taken up where an interrupted call stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from intergeneval.errors import ConfigError
from intergeneval.records.disk import growing, read_text, write_atomically
from matrix_train.backbones.cogvideox.untrained import DEFAULT_FACTOR, encode, load_vae
from matrix_train.pretrain.config import PretrainConfig, WorldConfig
from matrix_train.pretrain.world import WorldClip, captions, world_clip

SHARD = 25
"""Clips of a file."""
INDEX = "latents.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"
_PIXELS, _FRAMES = 8, 4
"""Strides of the autoencoder."""

Say = Callable[[str], None]
"""Takes one line for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latents:
    """The training set, in memory."""

    means: Tensor
    """Means of the clips' latents, unscaled, shape (N, C, F, H, W), half precision."""
    spreads: Tensor
    """Their log-variances."""
    images: Tensor
    """Means of the first frames encoded alone, shape (N, C, H, W)."""
    figures: Tensor
    """Whether a latent cell holds a part of somebody or something, shape (N, F, H, W)."""
    captions: tuple[str, ...]
    """What the model is told."""
    factor: float
    """What latents are multiplied with, so that their deviation is near 1."""


def encode_world(
    config: PretrainConfig, vae_folder: Path, out: Path, say: Say = lambda _: None, part: tuple[int, int] = (0, 1)
) -> None:
    """Encode all clips of the world that are not encoded yet; `part` (I, N) does every Nth file only, from the Ith.

    Raises ConfigError where `out` holds latents of another autoencoder, world or precision.
    """
    out.mkdir(parents=True, exist_ok=True)
    world = config.world
    _check_index(out, {"encoder": encoder_digest(vae_folder), "world": _world_of(world), "precision": config.vae.precision})
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    vae = load_vae(vae_folder).eval().requires_grad_(requires_grad=False).to(device)
    files = _files(out, world)
    for number, path in enumerate(files):
        if number % part[1] != part[0] or path.is_file():
            continue
        wanted = range(number * SHARD, min((number + 1) * SHARD, world.clips))
        clips = (world_clip(world, index) for index in wanted)
        with torch.autocast(device.type, torch.bfloat16, enabled=config.vae.precision == "bfloat16"):
            items = [_encode(vae, clip, device) for clip in clips]
        _write(path, items)
        say(f"latents {number + 1}/{len(files)}")


def load_latents(config: PretrainConfig, vae_folder: Path, out: Path) -> Latents:
    """Read the encoded training set. The factor comes from the autoencoder's config where it was set, else from the first file.

    Raises ConfigError where a file is missing or torn.
    """
    shards = []
    for path in _files(out, config.world):
        try:
            shards.append(load_file(str(path)))
        except (OSError, SafetensorError) as error:
            raise ConfigError(f"{path}: cannot be read ({error}); run the encoding again") from None
    joined = {name: torch.cat([shard[name] for shard in shards]) for name in shards[0]}
    means, spreads = joined["video"].chunk(2, dim=1)
    return Latents(
        means=means,
        spreads=spreads,
        images=joined["image"],
        figures=joined["figures"].bool(),
        captions=captions(config.world, config.world.clips),
        factor=_factor(vae_folder, shards[0]["video"].chunk(2, dim=1)[0]),
    )


def _factor(vae_folder: Path, means: Tensor) -> float:
    settings = json.loads(read_text(vae_folder / "config.json"))
    if float(settings["scaling_factor"]) != DEFAULT_FACTOR:
        return float(settings["scaling_factor"])
    return round(1.0 / float(means.float().std()), 4)


def encoder_digest(vae_folder: Path) -> str:
    """Return a sha256 of an autoencoder's encoder; its decoder does not count. Raises ConfigError."""
    path = vae_folder / WEIGHTS
    digest = hashlib.sha256()
    try:
        with safe_open(str(path), framework="pt") as stream:
            for name in sorted(stream.keys()):
                if name.startswith("encoder."):
                    digest.update(name.encode())
                    digest.update(stream.get_tensor(name).numpy().tobytes())
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from None
    return digest.hexdigest()


def _world_of(world: WorldConfig) -> dict[str, Any]:
    # More clips may follow; those that are there stay what they are.
    return {name: value for name, value in world.to_json().items() if name != "clips"}


def _check_index(out: Path, key: dict[str, Any]) -> None:
    path = out / INDEX
    if path.is_file():
        # Indexes of an earlier version name no precision; it was single.
        before = {"precision": "float32", **json.loads(read_text(path))}
        other = [name for name, value in key.items() if before.get(name) != value]
        if other:
            raise ConfigError(f"{out}: holds latents of another {' and another '.join(other)}; delete the folder or give another")
        return
    write_atomically(path, json.dumps(key, indent=1) + "\n")


def _files(out: Path, world: WorldConfig) -> list[Path]:
    count = -(-world.clips // SHARD)
    # A last file that is not full must not pass for a full one once the world grows.
    sizes = [min(SHARD, world.clips - number * SHARD) for number in range(count)]
    return [out / f"{number:05d}-{size}.safetensors" for number, size in enumerate(sizes)]


@torch.no_grad()
def _encode(vae: Any, clip: WorldClip, device: torch.device) -> dict[str, Tensor]:
    pixels = torch.from_numpy(clip.frames).to(device).float().div(127.5).sub(1).permute(3, 0, 1, 2)[None]
    return {
        "video": encode(vae, pixels)[0].half().cpu(),
        "image": encode(vae, pixels[:, :, :1])[0].chunk(2)[0][:, 0].half().cpu(),
        "figures": torch.from_numpy(cells_of(clip.figures)),
    }


def cells_of(figures: np.ndarray[Any, np.dtype[np.bool_]]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return for each latent cell (F, H, W) whether any of its pixels (frames, height, width) is set."""
    frames, height, width = figures.shape
    rows = np.asarray(figures.reshape(frames, height // _PIXELS, _PIXELS, width // _PIXELS, _PIXELS).any(axis=(2, 4)))
    later = rows[1:].reshape((frames - 1) // _FRAMES, _FRAMES, *rows.shape[1:]).any(axis=1)
    return np.concatenate([rows[:1], later]).astype(np.uint8)


def _write(path: Path, items: list[dict[str, Tensor]]) -> None:
    with growing(path) as partial:
        save_file({name: torch.stack([item[name] for item in items]).contiguous() for name in items[0]}, str(partial))
