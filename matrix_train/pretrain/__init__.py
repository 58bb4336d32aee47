"""Pretraining: a small image-to-video base model out of the staged world, from nothing, in resumable pieces.

``train_vae`` teaches the video autoencoder, ``encode_world`` keeps the latents of the training clips, ``train_dit`` teaches the
transformer together with its text encoder, and ``write_pipeline`` puts all of it into an ordinary pipeline folder.
"""
