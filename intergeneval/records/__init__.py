"""The typed records that pass between stages, one for each arrow: frozen, strict, JSON in and out."""

from intergeneval.records.answers import (
    KISA_IDS,
    SGI_IDS,
    Answer,
    AnswerStatus,
    AnswerValue,
    Consistency,
    Diagnostics,
    Predicate,
    Question,
    Stage,
)
from intergeneval.records.bench import BOX_COLOURS, Category, Direction, Instance, Interaction, Sample
from intergeneval.records.codec import Record
from intergeneval.records.header import RUN_SCHEMA, Comparability, RunHeader
from intergeneval.records.score import InteractionScore, Profile, Score, ScoreStatus
from intergeneval.records.truth import TrueAnswer, Truth
from intergeneval.records.video import (
    Box,
    Detection,
    Detections,
    Fit,
    Track,
    Tracks,
    TrackState,
    Video,
    VideoStatus,
)

__all__ = [
    "BOX_COLOURS",
    "KISA_IDS",
    "RUN_SCHEMA",
    "SGI_IDS",
    "Answer",
    "AnswerStatus",
    "AnswerValue",
    "Box",
    "Category",
    "Comparability",
    "Consistency",
    "Detection",
    "Detections",
    "Diagnostics",
    "Direction",
    "Fit",
    "Instance",
    "Interaction",
    "InteractionScore",
    "Predicate",
    "Profile",
    "Question",
    "Record",
    "RunHeader",
    "Sample",
    "Score",
    "ScoreStatus",
    "Stage",
    "Track",
    "TrackState",
    "Tracks",
    "TrueAnswer",
    "Truth",
    "Video",
    "VideoStatus",
]
