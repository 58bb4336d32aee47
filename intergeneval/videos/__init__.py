"""Videos: decode once in order, sample frames, draw instances on them, encode them again."""

from intergeneval.videos.container import VIDEO_SUFFIXES, look
from intergeneval.videos.drawing import annotate, overlay_frames
from intergeneval.videos.encoding import encode_jpeg, video_bytes, write_overlay, write_video
from intergeneval.videos.folder import IMAGE_SUFFIXES, frame_files, read_picture
from intergeneval.videos.identity import video_sha256
from intergeneval.videos.outlines import outlined, outlined_clip, outlined_frames
from intergeneval.videos.pixels import FITS, Frame
from intergeneval.videos.reader import Reader, unreadable
from intergeneval.videos.sampling import EQUAL_TIME, PAPER, sample_frames
from intergeneval.videos.stills import Pictures, pictures, still_paths, strip_frames

__all__ = [
    "EQUAL_TIME",
    "FITS",
    "IMAGE_SUFFIXES",
    "PAPER",
    "VIDEO_SUFFIXES",
    "Frame",
    "Pictures",
    "Reader",
    "annotate",
    "encode_jpeg",
    "frame_files",
    "look",
    "outlined",
    "outlined_clip",
    "outlined_frames",
    "overlay_frames",
    "pictures",
    "read_picture",
    "sample_frames",
    "still_paths",
    "strip_frames",
    "unreadable",
    "video_bytes",
    "video_sha256",
    "write_overlay",
    "write_video",
]
