"""What is kept on disk: the run folder, judge answers by content (`answer_cache`), and what they cost (`spending`)."""

from intergeneval.store.run_folder import HEADER, LineFile, RunStore, RunWriter, locked, read_lines, write_atomically

__all__ = ["HEADER", "LineFile", "RunStore", "RunWriter", "locked", "read_lines", "write_atomically"]
