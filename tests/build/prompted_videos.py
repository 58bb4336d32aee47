"""Folders of small videos with names of a user's own, and the page's session on them."""

import numpy as np

from intergeneval.cli.annotate import opened
from intergeneval.cli.prompted import read_prompts
from intergeneval.videos.encoding import write_video

LIFT, CHASE = "A man lifts a red box.", "a dog chases a cat"
SIZE = (48, 64)


def picture(shade, step=0):
    """Return a frame with two blocks, of which the right one moves; `shade` tells one video from another."""
    frame = np.full((*SIZE, 3), shade, np.uint8)
    frame[10:40, 5:20] = (200, 40, 40)
    frame[20:40, 35 + step : 50 + step] = (40, 60, 210)
    return frame


def videos(folder, *names, shade=120):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_video(folder / name, [picture(shade, step) for step in range(6)], 8.0)
    return folder


def read(model, prompts):
    """Read a list, and return the benchmark with what was said."""
    said = []
    found = read_prompts(str(model), str(prompts), said.append)
    return found, "\n".join(said)


def draw(model, prompts, name=""):
    """Draw both instances of every first frame, as a person does on the page; return the session."""
    session = opened(str(model), prompts=str(prompts), bench=None, name=name, tracker="flow")
    for index in range(len(session.items)):
        session.draw(index, "id1", (4, 9, 21, 41))
        session.draw(index, "id2", (34, 19, 51, 41))
    return session
