"""HunyuanVideo, image to video."""
