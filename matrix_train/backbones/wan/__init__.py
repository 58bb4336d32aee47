"""Wan 2.1, image to video."""
