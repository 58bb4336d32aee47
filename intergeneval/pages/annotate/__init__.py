"""The page on which a person says who is meant: boxes, scribbles and names on first frames, served on loopback alone."""

from intergeneval.pages.annotate.server import AnnotateServer
from intergeneval.pages.annotate.session import Session

__all__ = ["AnnotateServer", "Session"]
