"""Bring pictures of high dynamic range or of a wide gamut to what all others are: BT.709 primaries and the sRGB curve, 8 bits.

Read as they stand, their numbers mean other light: red turns brown, white a middle grey, and no judge or tracker is told. What is
as bright as a sheet of paper there (203 cd/m2, the reference white of ITU-R BT.2408) becomes white here; brighter lights are
clipped, and so is colour that BT.709 does not have. Inside that range colours are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Deep = npt.NDArray[np.uint16]
"""Pictures with values 0..65535, shape (H, W, 3)."""

WHITE = 203.0
"""Luminance that becomes white, in cd/m2 (BT.2408, table 1)."""
_HLG_PEAK, _HLG_GAMMA = 1000.0, 1.2
"""The nominal display of HLG (BT.2100): its reference white, 75 % of the signal, then has WHITE."""
_PQ, _HLG = 16, 18
_BT709, _UNKNOWN, _BT2020, _P3 = 1, 2, 9, 12
_TO_BT709 = {
    _BT2020: ((1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730)),
    _P3: ((1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274)),
}
"""From light of other primaries to that of BT.709, all of white D65 (from the chromaticities in BT.2020 and SMPTE EG 432-1)."""
_LUMA_2020 = (0.2627, 0.6780, 0.0593)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """How the numbers of one kind of picture become sRGB."""

    transfer: int
    """Transfer characteristics, as ITU-T H.273 numbers them."""
    primaries: int
    """Colour primaries, likewise."""

    @property
    def remark(self) -> str:
        """What is done, in words."""
        if self.transfer in {_PQ, _HLG}:
            name = "PQ" if self.transfer == _PQ else "HLG"
            return f"HDR ({name}) mapped to SDR: {WHITE:g} cd/m2 as white, brighter light clipped"
        return f"{'BT.2020' if self.primaries == _BT2020 else 'Display P3'} colours mapped to BT.709"

    def apply(self, deep: Deep) -> npt.NDArray[np.uint8]:
        """Return a picture (H, W, 3) as sRGB uint8."""
        light = _light(self.transfer)[deep]
        if self.transfer == _HLG:
            luma = cv2.transform(light, np.array([_LUMA_2020], dtype=np.float32))
            light = light * np.power(np.maximum(luma, 1e-9), _HLG_GAMMA - 1).reshape(*light.shape[:2], 1)
            light *= np.float32(_HLG_PEAK / WHITE)
        if self.primaries in _TO_BT709:
            light = np.asarray(cv2.transform(light, np.array(_TO_BT709[self.primaries], dtype=np.float32)), dtype=np.float32)
        shares = np.clip(light * np.float32(65535) + np.float32(0.5), 0, 65535).astype(np.uint16)
        return np.asarray(_srgb()[shares], dtype=np.uint8)


def mapping_of(picture: Any, named: tuple[int, int] = (_UNKNOWN, _UNKNOWN)) -> Mapping | None:
    """Return how a decoded picture of PyAV becomes sRGB; None for all that is near enough to it.

    `named` are transfer and primaries as the container names them, for pictures that say nothing themselves (ProRes, often).
    """
    found = (int(picture.color_trc), int(picture.color_primaries))
    transfer, primaries = (other if own == _UNKNOWN else own for own, other in zip(found, named, strict=True))
    if transfer in {_PQ, _HLG}:
        return Mapping(transfer=transfer, primaries=_BT2020 if primaries == _UNKNOWN else primaries)
    return Mapping(transfer=_BT709, primaries=primaries) if primaries in _TO_BT709 else None


@cache
def _light(transfer: int) -> Floats:
    """Return the light of each of 65536 values: 1 is WHITE, but for HLG, whose light is that of the scene, 0 to 1."""
    value = np.linspace(0, 1, 65536)
    if transfer == _PQ:  # SMPTE ST 2084
        root = value ** (32 / 2523)
        light = 10_000 / WHITE * (np.maximum(root - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * root)) ** (16384 / 2610)
    elif transfer == _HLG:  # BT.2100, table 5
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(value <= 0.5, value**2 / 3, (np.exp((value - c) / a) + b) / 12)
    else:
        light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


@cache
def _srgb() -> npt.NDArray[np.uint8]:
    """Return the sRGB value (IEC 61966-2-1) of each of 65536 shares of white."""
    light = np.linspace(0, 1, 65536)
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(255 * value).astype(np.uint8)
