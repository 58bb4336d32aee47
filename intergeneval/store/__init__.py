"""What is kept on disk: the run folder, judge answers by content (`answer_cache`), and what they cost (`spending`)."""

from intergeneval.records.disk import write_atomically
from intergeneval.store.run_folder import (
    DOUBTS,
    HEADER,
    LineFile,
    RunStore,
    RunWriter,
    locked,
    merge_shards,
    open_lock,
    read_doubts,
    read_lines,
    writing,
)

__all__ = [
    "DOUBTS",
    "HEADER",
    "LineFile",
    "RunStore",
    "RunWriter",
    "locked",
    "merge_shards",
    "open_lock",
    "read_doubts",
    "read_lines",
    "write_atomically",
    "writing",
]
