"""Ways in which tools write two masks as pictures, and a PNG writer that can write all of them."""

import struct
import zlib

import cv2
import numpy as np

SIZE = (96, 128)
FRAMES = 6
HIDDEN = 3
"""Frame in which the second instance is hidden."""
PIXELS = {"id1": 600, "id2": 400}
"""Pixels of each wherever it is seen."""
GREY, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6
DAVIS = ((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0))


def mask_of(name, frame):
    mask = np.zeros(SIZE, np.uint8)
    if name == "id1":
        mask[30:60, 10 + 4 * frame : 30 + 4 * frame] = 1
    elif frame != HIDDEN:
        mask[40:60, 80:100] = 1
    return mask


def pixels_of(name):
    """What is right to be read, a number a frame."""
    return [int(mask_of(name, frame).sum()) for frame in range(FRAMES)]


def png(pixels, kind=GREY, bits=8, palette=(), clear=()):
    """A PNG of pixels (H, W) or (H, W, channels), chunk by chunk: no library writes all that tools write."""
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    if bits == 16:
        packed = rows.astype(">u2").view(np.uint8).reshape(height, -1)
    elif bits < 8:
        each = np.unpackbits(rows.astype(np.uint8)[..., None], axis=-1)[..., 8 - bits :].reshape(height, -1)
        packed = np.packbits(each, axis=-1)
    else:
        packed = rows.astype(np.uint8)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))]
    chunks += [(b"PLTE", bytes(np.array(palette, np.uint8).ravel()))] * bool(palette) + [(b"tRNS", bytes(clear))] * bool(clear)
    chunks += [(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in packed))), (b"IEND", b"")]
    written = [struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def number(name):
    return int(name[2:])


def noise(frame):
    return np.random.default_rng(frame).integers(0, 2, SIZE).astype(np.uint8)


def colourful():
    return np.random.default_rng(7).integers(1, 256, (*SIZE, 3))


def both(frame):
    return mask_of("id1", frame) + 2 * mask_of("id2", frame)


def jpeg(pixels):
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()


def soft(mask):
    large = cv2.resize(mask * 255, (SIZE[1] * 3, SIZE[0] * 3), interpolation=cv2.INTER_CUBIC)
    return cv2.resize(cv2.GaussianBlur(large, (5, 5), 0), (SIZE[1], SIZE[0]), interpolation=cv2.INTER_AREA)


WAYS = {
    "255": lambda name, at: png(mask_of(name, at) * 255),
    "0 and 1": lambda name, at: png(mask_of(name, at)),
    "palette as DAVIS writes it": lambda name, at: png(mask_of(name, at) * number(name), PALETTE, palette=DAVIS),
    "palette of two bits": lambda name, at: png(mask_of(name, at) * number(name), PALETTE, 2, palette=DAVIS),
    "palette whose colours are all black": lambda name, at: png(mask_of(name, at), PALETTE, palette=[(0, 0, 0)] * 3),
    "palette on white": lambda name, at: png(mask_of(name, at), PALETTE, palette=[(255, 255, 255), (200, 0, 0)]),
    "palette with a clear index": lambda name, at: png(mask_of(name, at), PALETTE, palette=[(9, 9, 9), (7, 7, 7)], clear=[0]),
    "ids of eight bits": lambda name, at: png(mask_of(name, at) * number(name)),
    "ids of sixteen bits": lambda name, at: png(mask_of(name, at) * number(name), bits=16),
    "sixteen bits, white": lambda name, at: png(mask_of(name, at).astype(np.uint16) * 65535, bits=16),
    "one bit": lambda name, at: png(mask_of(name, at), bits=1),
    "pure red": lambda name, at: png(np.dstack([mask_of(name, at) * 255, noise(0) * 0, noise(0) * 0]), COLOUR),
    "alpha": lambda name, at: png(np.dstack([np.full((*SIZE, 3), 90), mask_of(name, at) * 255]), COLOUR_ALPHA),
    "grey and alpha": lambda name, at: png(np.dstack([mask_of(name, at) * 255] * 2), GREY_ALPHA),
    "white background": lambda name, at: png(255 - mask_of(name, at) * 255),
    "red on white": lambda name, at: png(np.dstack([noise(0) * 0 + 255] + [255 - mask_of(name, at) * 255] * 2), COLOUR),
    "both in one picture": lambda name, at: png(both(at)),
    "both in one palette": lambda name, at: png(both(at), PALETTE, palette=DAVIS),
    "0 and 1, noise where hidden": lambda name, at: png(noise(at) if name == "id2" and at == HIDDEN else mask_of(name, at)),
    "255, noise where hidden": lambda name, at: png(noise(at) if name == "id2" and at == HIDDEN else mask_of(name, at) * 255),
    "0 and 1 with noise": lambda name, at: png(mask_of(name, at) + (noise(at) & noise(at + 99) & noise(at + 999))),
    "255 here and 1 there": lambda name, at: png(mask_of(name, at) * (255 if at % 2 else 1)),
    "three greys": lambda name, at: png(mask_of(name, at) * 255 + (both(at) == 0) * np.uint8(100)),
    "a mean up to 127": lambda name, at: png(np.tile(np.arange(SIZE[1], dtype=np.uint8), (SIZE[0], 1))),
    "JPEG": lambda name, at: jpeg(mask_of(name, at) * 255),
    "red JPEG": lambda name, at: jpeg(np.dstack([noise(0) * 0, noise(0) * 0, mask_of(name, at) * 255])),
    "soft edges": lambda name, at: png(soft(mask_of(name, at))),
}
"""Name -> what writes the picture of an instance and a frame."""


def write(folder, way, names=("id1", "id2"), brackets=False):
    """Write the tracks of both instances below a folder, one folder each."""
    suffix = "jpg" if "JPEG" in way else "png"
    for name in names:
        own = folder / (f"<{name}>" if brackets else name)
        own.mkdir(parents=True)
        for frame in range(FRAMES):
            (own / f"{frame:03d}.{suffix}").write_bytes(WAYS[way](name, frame))
