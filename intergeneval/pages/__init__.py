"""Pages that are served on this machine alone: annotating first frames, and looking at runs."""
