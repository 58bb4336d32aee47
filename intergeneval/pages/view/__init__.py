"""The page that lists runs and follows one that is going on: it reads run folders and changes nothing."""

from intergeneval.pages.view.server import ViewServer

__all__ = ["ViewServer"]
