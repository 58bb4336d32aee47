"""The page on which a person says who is meant: boxes, scribbles and names on first frames, served on loopback alone."""

from intergeneval.annotate.server import AnnotateServer
from intergeneval.annotate.session import Session

__all__ = ["AnnotateServer", "Session"]
