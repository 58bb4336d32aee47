"""Every class of body on the stage by its noun."""

from __future__ import annotations

from intergeneval.staged.animals import Cat, Dog, Horse
from intergeneval.staged.machines import RobotArm
from intergeneval.staged.people import Child, Man, Woman
from intergeneval.staged.props import (
    Bag,
    Ball,
    Book,
    Bottle,
    Box,
    Cart,
    Chair,
    Cup,
    Door,
    Drawer,
    Drum,
    Easel,
    Lamp,
    Plant,
    Suitcase,
    Table,
    Vase,
)
from intergeneval.staged.rig import Actor, Rig

ACTORS: dict[str, type[Actor]] = {item.kind: item for item in (Man, Woman, Child, Dog, Cat, Horse, RobotArm)}
"""Class noun -> rig of those who act."""
PROPS: dict[str, type[Rig]] = {
    item.kind: item
    for item in (Bag, Ball, Book, Bottle, Box, Cart, Chair, Cup, Door, Drawer, Drum, Easel, Lamp, Plant, Suitcase, Vase)
}
"""Class noun -> rig of things."""
KINDS: dict[str, type[Rig]] = {**ACTORS, **PROPS, Table.kind: Table}
"""All of them, and the furniture."""
DEPTH = {"door": -2.0, "drawer": -1.0, "table": -1.5, "chair": -0.7, "canvas": -0.9, "lamp": -0.8}
"""Added to the depth of a class, so that people stand in front of furniture."""
