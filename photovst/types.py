"""Shapes and small records every layer shares.

Conventions: frames are ``(B, 3, H, W)`` float32 RGB in [0, 1], display-referred sRGB; masks ``(B, K, H, W)``
sum to 1 over K; certainty ``(B, 1, H, W)`` in [0, 1]; flow ``(B, 2, H, W)`` in pixels, channel 0 = x to the
right, 1 = y down. Sizes are ``(height, width)``. Arrays on the media side are ``(H, W, 3)``.
"""

from __future__ import annotations

from typing import Literal

Size = tuple[int, int]
"""A picture's size as ``(height, width)``."""

TermScale = Literal["relative", "paper", "coded"]
"""How terms are normalized: relative to the picture's own values, as [Luan2017] is printed, or as it was released."""
