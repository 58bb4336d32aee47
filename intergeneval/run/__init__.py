"""One run, from settings to scores: `run` is the whole, `video` takes one video through the stages, here or in `processes`."""
