"""Clips with captions, roles and mask tracks: read, checked, encoded once, cached, and drawn in batches."""
