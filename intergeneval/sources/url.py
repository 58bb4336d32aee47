"""Videos that lie behind a URL (``--model s3://bucket/my-model``): a folder of videos as any other, copied here as it is read.

What is listed is the folder's; masks, tracks and the manifest are copied at once, a video when it is its turn, each into a local
cache that is named by the hash of the URL. A file that has changed since is copied again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from intergeneval.errors import ConfigError, UsageError
from intergeneval.records import Sample
from intergeneval.records.remote import Mirror, RemoteFolder, is_url, place_of
from intergeneval.sources import SourceVideo
from intergeneval.sources.folder import VIDEO_SUFFIXES, FolderSource


class UrlSource(FolderSource):
    """The videos of a folder that is elsewhere."""

    def __init__(self, url: str, name: str = "") -> None:
        """List it, and copy all but the videos. Raises UsageError for an empty one, StoreError where it cannot be read."""
        self._mirror = Mirror(RemoteFolder(url), place_of(url, os.environ, "videos"))
        self._mirror.refresh(later=_is_video)
        if next(self._mirror.folder.iterdir(), None) is None:
            raise UsageError(f"{url}: there is no such folder, or nothing in it")
        super().__init__(self._mirror.folder, name)

    def video(self, sample: Sample, seed: int) -> SourceVideo:
        """Return the copy of the file of a sample and seed, made now if need be; else as `FolderSource`. Raises StoreError."""
        found = super().video(sample, seed)
        if found.path is not None and found.path.is_file():
            try:
                self._mirror.fetch(found.path.relative_to(self._mirror.folder).as_posix())
            except FileNotFoundError:
                return SourceVideo(label=found.label, missing=f"{found.label!r} was listed, and is no longer there")
        return found


def _is_video(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in VIDEO_SUFFIXES


def create(argument: str, settings: Mapping[str, Any]) -> UrlSource:
    """Make the source of a URL; the setting ``name`` names the model. Raises UsageError, ConfigError and StoreError."""
    unknown = sorted(set(settings) - {"name"})
    if unknown:
        raise ConfigError(f"source 'url' has no setting {unknown[0]!r}; it knows: name")
    if not is_url(argument):
        raise UsageError(f"source 'url' needs a URL such as s3://bucket/folder, got {argument!r}")
    return UrlSource(argument, str(settings.get("name", "")))
