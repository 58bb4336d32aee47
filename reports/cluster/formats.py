"""In which form tracks are kept: size, seconds to write, and milliseconds to read the tracks of one video, form by form.

`python reports/cluster/formats.py TRACKS.jsonl` measures the lines of a run folder as they are, in Zstandard frames of several
sizes, and in Parquet with a line a row. CPU time; every line that is read is held against what was written. Needs pyarrow.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path

import pyarrow
import pyarrow.parquet
import zstandard

Read = Callable[[int], bytes]
"""Returns the line of that number."""
LEVEL, READS = 3, 200


def as_lines(lines: Sequence[bytes], path: Path) -> Read:
    """Write lines as they are."""
    path.write_bytes(b"".join(lines))
    places = list(pairwise([0, *accumulate(map(len, lines))]))

    def read(number: int) -> bytes:
        start, end = places[number]
        with path.open("rb") as stream:
            stream.seek(start)
            return stream.read(end - start)

    return read


def as_frames(lines: Sequence[bytes], path: Path, most: int) -> Read:
    """Write Zstandard frames, each ended by the line with which it has `most` bytes."""
    compressor, parts, places = zstandard.ZstdCompressor(level=LEVEL), [bytearray()], []
    for line in lines:
        if len(parts[-1]) >= most:
            parts.append(bytearray())
        places.append((len(parts) - 1, len(parts[-1]), len(line)))
        parts[-1] += line
    frames = [compressor.compress(bytes(part)) for part in parts]
    path.write_bytes(b"".join(frames))
    starts = list(accumulate(map(len, frames), initial=0))

    def read(number: int) -> bytes:
        frame, start, length = places[number]
        with path.open("rb") as stream:
            stream.seek(starts[frame])
            text = zstandard.ZstdDecompressor().decompress(stream.read(starts[frame + 1] - starts[frame]))
        return text[start : start + length]

    return read


def as_parquet(lines: Sequence[bytes], path: Path, group: int) -> Read:
    """Write Parquet with so many rows a group."""
    table = pyarrow.table({"number": range(len(lines)), "line": lines})
    pyarrow.parquet.write_table(
        table, path, compression="zstd", compression_level=LEVEL, row_group_size=group, use_dictionary=False
    )

    def read(number: int) -> bytes:
        rows = pyarrow.parquet.ParquetFile(path).read_row_group(number // group, columns=["line"])
        return bytes(rows.column("line")[number % group].as_py())

    return read


def main() -> None:
    """Measure every form and print a row of a table for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tracks", type=Path)
    lines = parser.parse_args().tracks.read_bytes().splitlines(keepends=True)
    raw = sum(map(len, lines))
    forms: dict[str, Callable[[Sequence[bytes], Path], Read]] = {"lines": as_lines}
    forms["Zstandard, a frame a video"] = partial(as_frames, most=1)
    for size in (64, 256, 1024):
        forms[f"Zstandard, {size} kB a frame"] = partial(as_frames, most=size << 10)
    for group in (16, 128):
        forms[f"Parquet, {group} rows a group"] = partial(as_parquet, group=group)
    print(f"{len(lines)} videos, {raw / 1e6:.1f} MB\n")
    print("| form | size | written, MB a CPU second | one video read, ms |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, write in forms.items():
            path = Path(folder) / "tracks"
            began = time.process_time()
            read = write(lines, path)
            written, took = time.process_time() - began, 0.0
            for number in random.Random(0).choices(range(len(lines)), k=READS):
                began = time.process_time()
                found = read(number)
                took += time.process_time() - began
                assert found == lines[number]
            size = path.stat().st_size / raw
            print(f"| {name} | {size:.1%} | {raw / 1e6 / written:,.0f} | {took / READS * 1000:.2f} |", flush=True)


if __name__ == "__main__":
    main()
