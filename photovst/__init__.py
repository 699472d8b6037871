"""Photorealistic video style transfer: a clip, a photograph, and the clip in the photograph's light."""

from importlib.metadata import version

__version__ = version("photovst")
