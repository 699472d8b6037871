"""Where DeepFlow is absent; what it computes is tested with the other estimators, in test_flow.py."""

import cv2
import pytest

from photovst.errors import SettingsError
from photovst.guidance.deepflow import DeepFlow


def test_without_opencvs_contributed_modules_one_line_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2, "optflow", raising=False)
    line = "needs OpenCV's contributed modules, .* and 'pip install opencv-contrib-python-headless'"
    with pytest.raises(SettingsError, match=line) as caught:
        DeepFlow()
    assert "\n" not in str(caught.value)
