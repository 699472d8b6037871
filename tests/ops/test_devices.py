"""Operators give the same on a GPU as on the CPU."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from photovst.ops.box_filter import box_mean, box_mean_same
from photovst.ops.certainty import forward_backward_certainty
from photovst.ops.color import lab_to_rgb, rec601_luma, rgb_to_lab
from photovst.ops.guided_filter import guided_filter
from photovst.ops.joint_bilateral import joint_bilateral
from photovst.ops.local_affine import smooth_local_affine
from photovst.ops.masks import areas, normalize_masks
from photovst.ops.matting import matting_energy, matting_product, matting_statistics
from photovst.ops.matting_stencil import matting_stencil, stencil_energy, stencil_product
from photovst.ops.resize import resize
from photovst.ops.splat import fill_holes, splat
from photovst.ops.statistics import masked_gram
from photovst.ops.warp import compose, inside, resize_flow, warp

OPERATORS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "box_mean": lambda image, flow: box_mean(image, 3),
    "box_mean_same": lambda image, flow: box_mean_same(image, 3),
    "rec601_luma": lambda image, flow: rec601_luma(image),
    "rgb_to_lab": lambda image, flow: rgb_to_lab(image),
    "lab_to_rgb": lambda image, flow: lab_to_rgb(100 * image),
    "guided_filter gray": lambda image, flow: guided_filter(image[:, :1], image, 4, 1e-2),
    "guided_filter color": lambda image, flow: guided_filter(image, image[:, :1], 4, 1e-2),
    "normalize_masks": lambda image, flow: normalize_masks(image),
    "areas": lambda image, flow: areas(image),
    "matting_energy": lambda image, flow: matting_energy(image.flip(-1), matting_statistics(image, 1e-3)),
    "matting_product": lambda image, flow: matting_product(image.flip(-1), matting_statistics(image, 1e-3)),
    "stencil_energy": lambda image, flow: stencil_energy(image.flip(-1), matting_stencil(image, 1e-3)),
    "stencil_product": lambda image, flow: stencil_product(image.flip(-1), matting_stencil(image, 1e-3)),
    "masked_gram": lambda image, flow: masked_gram(image[:1], image[1:], power=2),
    "joint_bilateral": lambda image, flow: joint_bilateral(image.flip(-1), image, 4, 0.2),
    "smooth_local_affine": lambda image, flow: smooth_local_affine(image, image.flip(-1), 4, 0.2),
    "resize": lambda image, flow: resize(image, (13, 50)),
    "warp": lambda image, flow: warp(image, flow),
    "inside": lambda image, flow: inside(flow).float(),
    "compose": lambda image, flow: compose(flow, flow),
    "resize_flow": lambda image, flow: resize_flow(flow, (13, 50)),
    "splat": lambda image, flow: torch.cat(splat(image, 3 * flow), dim=1),
    "fill_holes": lambda image, flow: fill_holes(image, (flow[:, :1] > 0).to(image)),
    "certainty": lambda image, flow: forward_backward_certainty(flow, -flow, "coded"),
}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: it is compared with the CPU where there is one")
@pytest.mark.parametrize("name", OPERATORS)
def test_gpu_equals_cpu(name: str) -> None:
    image, flow = (
        torch.rand(2, 3, 21, 34, dtype=torch.float64),
        torch.randn(2, 2, 21, 34, dtype=torch.float64),
    )
    here = OPERATORS[name](image, flow)
    there = OPERATORS[name](image.cuda(), flow.cuda())
    torch.testing.assert_close(there.cpu(), here, rtol=1e-7, atol=1e-7)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: it is compared with the CPU where there is one")
def test_zero_flow_is_the_identity_on_a_gpu() -> None:
    image = torch.randn(1, 3, 135, 241, device="cuda")
    assert torch.equal(warp(image, torch.zeros(1, 2, 135, 241, device="cuda")), image)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: two runs on one are compared where there is one")
def test_splatting_twice_gives_the_same_bits_on_a_gpu() -> None:
    image, flow = torch.rand(1, 3, 135, 241, device="cuda"), 9 * torch.randn(1, 2, 135, 241, device="cuda")
    once, again = (torch.cat(splat(image, flow), dim=1) for _ in range(2))
    assert torch.equal(once, again)
