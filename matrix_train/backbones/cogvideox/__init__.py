"""CogVideoX, image to video."""
