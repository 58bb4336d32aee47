"""One module from batch to loss: transformer, readout, decoders and losses, so that DDP sees a single forward.

Order of preparation: freeze the base, grow the projection, add the adapter (peft freezes again), then unfreeze projection and
decoders. What trains is fp32; the rest keeps the base's type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from intergeneval.errors import ConfigError
from matrix_train.alignment import TIMES
from matrix_train.backbones import Backbone, Grid, MapKind
from matrix_train.config import Config
from matrix_train.model import conditioning, lora
from matrix_train.model.batch import Batch, RoleEntry
from matrix_train.model.decoder import MaskDecoder
from matrix_train.model.losses import (
    TERMS,
    at_place,
    combine,
    intersection_over_union,
    log_mass,
    mask_terms,
    mass_outside,
    role_weights,
)
from matrix_train.model.readout import Readout

HEADS: dict[str, tuple[MapKind, ...]] = {"sga": (MapKind.V2T, MapKind.T2V), "spa": (MapKind.V2V,)}
"""Loss -> kinds of map it supervises; each loss has one decoder, shared by its layers."""
SHARED = "shared"
"""Name of the decoder where SGA and SPA have one together."""
SHARES = ("iou", "inside")
"""Parts that lie between 0 and 1, of which the mean over roles is told and not the sum, which losses are."""
EXCHANGED = {"sub": "obj", "obj": "sub"}
"""The role against whose mask another is held where masks are exchanged."""
WITHOUT_DECODER = ("mass", "log_mass")
"""Losses that compare attention itself with masks on the token grid."""


def loss_weights(config: Config) -> dict[str, float]:
    """Return the weights of the alignment losses that a config has: those above 0 that have a layer."""
    both = {name: getattr(config.loss, name) for name in HEADS}
    return {
        name: weight
        for name, weight in both.items()
        if weight > 0 and any(getattr(config.layers, kind.value) for kind in HEADS[name])
    }


class AlignedModel(nn.Module):
    """Denoising plus alignment: forward(batch) returns ``loss``, ``maps``, ``predicted`` and, detached, ``terms`` of the batch.

    ``parts`` are the losses that the loss is the weighted sum of, by name; `weights` are the alignment losses' and may be set
    anew before each step. ``clips`` has every term as (B,), NaN for a clip that has no role of that kind.
    """

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__()
        self.backbone = backbone
        self.config = config
        self.transformer = backbone.transformer
        self.transformer.requires_grad_(False)
        self.projection = None
        if config.condition.id_map != "none":
            channels = conditioning.id_map_channels(config.condition, backbone.latent_channels)
            self.projection = conditioning.grow(self.transformer, backbone.projection, channels)
        chosen = {kind: getattr(config.layers, kind.value) for kind in MapKind}
        self.adapted = lora.add(backbone, config.lora, config.train.seed, chosen) if config.lora.layers else ()
        self.weights = loss_weights(config)
        reading = config.readout
        # The older losses project again, so that trainings of before give the same numbers.
        taken = config.loss.kind == "log_mass"
        self.readout = Readout(backbone, chosen if self.weights else {}, reading.mode, scale=reading.scale, taken=taken)
        self.heads = nn.ModuleDict(self._decoders())
        if self.projection is not None:
            trained = self.projection if config.condition.projection == "all" else self.projection.grown
            trained.requires_grad_(True)
        for parameter in self.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
        # Pipelines read the transformer's type off its first tensor that is not named here, and validation needs the base's.
        model: Any = self.transformer
        model._keep_in_fp32_modules = [*(model._keep_in_fp32_modules or ()), backbone.projection, "lora_"]
        if config.model.gradient_checkpointing:
            getattr(self.transformer, "enable_gradient_checkpointing")()  # noqa: B009  # a mixin's method, unknown to the types

    def _decoders(self) -> dict[str, nn.Module]:
        if self.config.loss.kind != "decoder":
            return {}
        names = [SHARED] if self.config.decoder.shared and self.weights else list(self.weights)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.train.seed)
            return {name: MaskDecoder(self.config.decoder, self.backbone.strides[0]) for name in names}

    def head(self, name: str) -> nn.Module | None:
        """Return the decoder of a loss, its own or the shared one; None where the loss has none."""
        heads = dict(self.heads)
        return heads.get(name, heads.get(SHARED))

    def groups(self) -> dict[str, list[tuple[str, nn.Parameter]]]:
        """Return the trained parameters by group: lora, projection, decoder; nothing else has a gradient."""
        found: dict[str, list[tuple[str, nn.Parameter]]] = {}
        own = set() if self.projection is None else {id(parameter) for parameter in self.projection.parameters()}
        for name, parameter in self.named_parameters():
            if parameter.requires_grad:
                group = "decoder" if name.startswith("heads.") else "projection" if id(parameter) in own else "lora"
                found.setdefault(group, []).append((name, parameter))
        return found

    def forward(self, batch: Batch) -> dict[str, Any]:
        """Return the loss of a batch and what it is made of."""
        noising = self.backbone.noising
        noisy = noising.mix(batch.clean, batch.noise, batch.time_B)
        maps: dict[str, Tensor] = {}
        if self.readout.layers:
            with self.readout.recording():
                predicted = self.backbone.predict(noisy, batch.time_B, batch.condition)
                grid = self.backbone.grid((noisy.shape[2], noisy.shape[3], noisy.shape[4]))
                for kind, layers in self.readout.layers.items():
                    for layer in layers:
                        maps[f"{kind.value}/{layer}"] = self.readout.maps(kind, layer, batch.weights, grid)
        else:
            predicted = self.backbone.predict(noisy, batch.time_B, batch.condition)
        denoising_B = noising.loss(predicted, batch.clean, batch.noise, batch.time_B)
        parts = {"denoising": denoising_B.mean()}
        terms: dict[str, Tensor] = {"denoising": parts["denoising"].detach()}
        clips: dict[str, Tensor] = {"denoising": denoising_B.detach()}
        for name in self.weights:
            parts[name] = self._alignment(name, maps, batch, terms, clips)
        loss = self.total(parts)
        terms["loss"] = loss.detach()
        return {"loss": loss, "parts": parts, "terms": terms, "clips": clips, "maps": maps, "predicted": predicted}

    def total(self, parts: Mapping[str, Tensor]) -> Tensor:
        """Return the denoising loss plus the alignment losses, each times its present weight."""
        loss = parts["denoising"]
        for name, weight in self.weights.items():
            loss = loss + weight * parts[name]
        return loss

    def _alignment(
        self, name: str, maps: Mapping[str, Tensor], batch: Batch, terms: dict[str, Tensor], clips: dict[str, Tensor]
    ) -> Tensor:
        """Return L_SGA or L_SPA of the batch and note its parts, of the batch and of each clip."""
        chosen = {key: value for key, value in maps.items() if MapKind(key.split("/")[0]) in HEADS[name]}
        if self.config.readout.average_layers:
            chosen = _averaged(chosen)
        picked = self._picked(batch, name)
        head = self.head(name)
        if not picked:
            # Every process must touch the decoder in every step, or DDP waits for its gradient for ever.
            nothing = batch.clean.new_zeros((), dtype=torch.float32)
            return nothing if head is None else nothing + sum(0.0 * item.float().sum() for item in head.parameters())
        entries = [batch.entries[index] for index in picked]
        device = batch.clean.device
        owners = [(entry.clip, entry.interaction) for entry in entries]
        share_M = torch.tensor(role_weights(owners, len(batch.clips)), device=device)
        clip_M = torch.tensor([entry.clip for entry in entries], device=device)
        if self.config.loss.timesteps == "scheduler":
            share_M = share_M * self.backbone.noising.weight(batch.time_B).to(device)[clip_M]
        slot_M = torch.tensor([entry.slot for entry in entries], device=device)
        owners_of = mask_owners(batch.entries, self.config.loss.masks)
        wanted = torch.tensor([owners_of[index] for index in picked], device=device)
        target = at_place(batch.targets[wanted], self.config.loss.place)
        total = share_M.new_zeros(())
        parts_M: dict[str, Tensor] = {}
        for key, maps_BRFHW in chosen.items():
            parts = self._entry_terms(name, maps_BRFHW[clip_M, slot_M], target)
            layer = (share_M * parts[name]).sum()
            terms[f"{name}/{key}"] = layer.detach()
            total = total + layer
            parts_M = {part: parts_M.get(part, 0) + value.detach() / len(chosen) for part, value in parts.items()}
        total = total if self.config.loss.sum_layers else total / len(chosen)
        terms[name] = total.detach()
        clips_B = share_M.new_zeros(len(batch.clips))
        roles_B = clips_B.index_add(0, clip_M, torch.ones_like(share_M))
        for part, value_M in parts_M.items():
            if part.endswith(SHARES):
                # No number for a clip without a role.
                clips[part] = clips_B.index_add(0, clip_M, value_M) / roles_B
                terms[part] = value_M.mean()
                continue
            value_B = clips_B.index_add(0, clip_M, share_M * value_M)
            # A role's weight sums to one over the batch's clips; a clip's own value is as many times larger.
            clips[part] = torch.where(roles_B > 0, value_B * len(batch.clips), torch.nan)
            if part != name:
                terms[part] = value_B.sum()
        return total

    def _entry_terms(self, name: str, maps_MFHW: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return the loss of each supervised role under `name`, and what it is made of, (M,) each."""
        loss, reading = self.config.loss, self.config.readout.mode
        if loss.kind == "mass":
            return {name: mass_outside(maps_MFHW, target)}
        if loss.kind == "log_mass":
            found = log_mass(maps_MFHW, target, logits=reading == "logits")
            return {name: found, f"{name}/inside": torch.exp(-found.detach())}
        if self.config.readout.mode == "probs":
            # Relative to uniform attention, so that the decoder sees values around 1 at any length.
            maps_MFHW = maps_MFHW * maps_MFHW[0].numel()
        head = self.head(name)
        assert head is not None
        logits = head(maps_MFHW)
        parts = mask_terms(logits, target, loss)
        terms = {name: combine(parts, loss), **{f"{name}/{term}": parts[term] for term in TERMS}}
        return terms | {f"{name}/iou": intersection_over_union(logits.detach(), target)}

    def _picked(self, batch: Batch, name: str) -> list[int]:
        """Return the entries of a batch that a loss supervises, by role, timestep and mask."""
        picked, loss = supervised(batch.entries, name, self.config), self.config.loss
        if loss.band != (0.0, TIMES):
            times = batch.time_B.tolist()
            picked = [index for index in picked if loss.band[0] <= times[batch.entries[index].clip] <= loss.band[1]]
        owners = mask_owners(batch.entries, loss.masks)
        # Where the other role has no mask there is nothing to hold this one against.
        picked = [index for index in picked if index in owners]
        if loss.kind == "log_mass" and picked and batch.targets.device.type != "meta":
            # What is thinner than a token may have none on the grid, and the logarithm of nothing is no number.
            places = at_place(batch.targets, loss.place).flatten(1).any(dim=1).tolist()
            picked = [index for index in picked if places[owners[index]]]
        return picked

    def target_grid(self, grid: Grid) -> tuple[int, int, int]:
        """Return frames, height and width at which masks are compared with what is read from attention."""
        scale = self.config.decoder.scale
        if self.config.loss.kind in WITHOUT_DECODER:
            return grid.frames, grid.height, grid.width
        return 1 + self.backbone.strides[0] * (grid.frames - 1), grid.height * scale, grid.width * scale


def _averaged(maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return one map a kind, the mean of its layers'."""
    kinds: dict[str, list[Tensor]] = {}
    for key, value in maps.items():
        kinds.setdefault(key.split("/")[0], []).append(value)
    return {f"{kind}/mean": torch.stack(values).mean(dim=0) for kind, values in kinds.items()}


def supervised(entries: Sequence[RoleEntry], name: str, config: Config) -> list[int]:
    """Return the indices of the entries that a loss supervises: SGA needs text, SPA needs cells."""
    roles = config.loss.sga_roles if name == "sga" else config.loss.spa_roles
    return [
        index
        for index, entry in enumerate(entries)
        if entry.role in roles and (entry.has_text if name == "sga" else entry.has_cells)
    ]


def mask_owners(entries: Sequence[RoleEntry], masks: str) -> dict[int, int]:
    """Return for each entry the entry whose mask it is held against, by index.

    That is itself, or with `exchanged` masks the interaction's other role; an entry whose other role has no mask is left out.
    """
    if masks == "own":
        return {index: index for index in range(len(entries))}
    places = {(entry.clip, entry.interaction, entry.role): index for index, entry in enumerate(entries)}
    others = ((entry.clip, entry.interaction, EXCHANGED.get(entry.role, entry.role)) for entry in entries)
    return {index: places[other] for index, other in enumerate(others) if other in places}


def trainable_state(model: AlignedModel) -> dict[str, Tensor]:
    """Return the trained tensors by name, detached, on the CPU."""
    return {name: item.detach().cpu() for name, item in model.named_parameters() if item.requires_grad}


def load_trainable(model: AlignedModel, state: Mapping[str, Tensor], where: str) -> None:
    """Put trained tensors back. Raises ConfigError when names or shapes differ from the model's."""
    own = {name: item for name, item in model.named_parameters() if item.requires_grad}
    if set(own) != set(state):
        odd = sorted(set(own) ^ set(state))
        raise ConfigError(f"{where}: does not belong to this config; {odd[0]!r} is on one side only")
    with torch.no_grad():
        for name, item in own.items():
            if item.shape != state[name].shape:
                raise ConfigError(f"{where}: {name} has shape {tuple(state[name].shape)}, the config makes {tuple(item.shape)}")
            item.copy_(state[name])
