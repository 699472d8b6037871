import numpy as np
import pytest
import torch

from photovst.metrics.flow_coverage import flow_coverage
from photovst.ops.certainty import forward_backward_certainty


def test_counts_pixels_above_the_threshold() -> None:
    certainty = torch.tensor([0.0, 0.5, 0.51, 1.0]).view(1, 1, 2, 2)
    assert flow_coverage(certainty).item() == 0.5
    assert flow_coverage(certainty, 0.0).item() == 0.75
    many = torch.rand(3, 1, 9, 7)
    expected = np.count_nonzero(many.numpy() > 0.5, axis=(1, 2, 3)) / 63
    np.testing.assert_allclose(flow_coverage(many).numpy(), expected, rtol=1e-6)


def test_a_pan_covers_what_stays_in_the_picture() -> None:
    flow = torch.zeros(1, 2, 10, 20)
    flow[:, 0] = 5
    assert flow_coverage(forward_backward_certainty(flow, -flow)).item() == pytest.approx(0.75)
    assert flow_coverage(forward_backward_certainty(flow, flow)).item() == 0
