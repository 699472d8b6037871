import cv2
import pytest
import torch

from photovst.errors import SettingsError
from photovst.guidance.dis import Dis

from .textures import texture


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (8, 100), (100, 8), (11, 11), (16, 16), (33, 17)])
@pytest.mark.parametrize("scale", [1, 3])
def test_small_and_odd_sizes_at_coarse_scales(size: tuple[int, int], scale: int) -> None:
    frame = texture(*size) if min(size) > 1 else torch.rand(1, 3, *size)
    flow = Dis(scale)(frame, frame)
    assert flow.shape == (1, 2, *size)
    assert flow.abs().max() < 0.01


def test_threads_do_not_change_a_bit() -> None:
    a, b = texture(180, 320), texture(184, 330)[..., 4:, 10:]
    threads = cv2.getNumThreads()
    try:
        flows = []
        for count in (1, 2, 5):
            cv2.setNumThreads(count)
            flows.append(Dis()(a, b))
    finally:
        cv2.setNumThreads(threads)
    assert torch.equal(flows[0], flows[1])
    assert torch.equal(flows[0], flows[2])


@pytest.mark.parametrize("scale", [-1, 4])
def test_a_scale_out_of_range_is_refused(scale: int) -> None:
    with pytest.raises(SettingsError, match=rf"finest scale of DIS flow is {scale}; give 0 \(full detail\) to 3"):
        Dis(scale)
