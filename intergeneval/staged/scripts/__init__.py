"""The scripts, one module a category. To add a verb, write one function beside the others."""

from intergeneval.staged.play import SCRIPTS, Script
from intergeneval.staged.scripts import contact, force, manipulation, social, transport

__all__ = ["SCRIPTS", "Script", "contact", "force", "manipulation", "social", "transport"]
