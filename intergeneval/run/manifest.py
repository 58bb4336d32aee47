"""The manifest of videos that a run made itself: ``videos/manifest.jsonl``, with which that folder is a model like any other."""

from __future__ import annotations

from intergeneval.ids import canonical_json
from intergeneval.records import Video, VideoStatus
from intergeneval.store import RunStore, write_atomically

FOLDER = "videos"
"""Where a run keeps what its source renders or generates."""
_WHOLE = (VideoStatus.OK, VideoStatus.FOREIGN_FIRST_FRAME)
"""What a run made to its end: whether it begins with the right picture is found out wherever it is scored."""


def write_manifest(store: RunStore) -> None:
    """Write which file is the video of which sample and seed, with hashes, and how all were made; nothing where none was made.

    Derived from the run's records and rewritten whole, so equal runs have equal manifests. Raises OSError.
    """
    latest = {(video.sample_id, video.seed): video for video in store.read("videos", Video)}
    made = [video for video in latest.values() if video.generated and video.status in _WHOLE]
    if not made:
        return
    header = store.header
    lines = [
        {
            "bench": header.bench,
            "source": header.source,
            "source_hash": header.source_hash,
            "settings": header.config.get("settings", {}),
        }
    ]
    for video in sorted(made, key=lambda item: (item.sample_id, item.seed)):
        path = video.path.removeprefix(f"{FOLDER}/")
        lines.append({"sample_id": video.sample_id, "seed": video.seed, "path": path, "sha256": video.sha256})
    write_atomically(store.folder / FOLDER / "manifest.jsonl", "".join(canonical_json(line) + "\n" for line in lines))
