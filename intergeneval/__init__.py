"""InterGenEval: who does what to whom in a generated video, and does it hold over time."""

__version__ = "0.1.0"
