"""Trained networks that come with photovst."""

from pathlib import Path

PHOTOGRAPHIC = Path(__file__).parent / "photographic.safetensors"
"""Predicts bilateral grids for any photograph."""
