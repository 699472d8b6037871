import torch

from photovst.ops.guided_filter import affine_upsample, guided_filter
from photovst.ops.resize import resize


def _affine(image: torch.Tensor) -> torch.Tensor:
    matrix = torch.tensor([[0.5, 0.3, 0.1], [-0.2, 0.9, 0.1], [0.0, 0.4, 1.2]], dtype=image.dtype)
    return torch.einsum("ij,bjhw->bihw", matrix, image) + 0.1


def test_a_global_recoloring_is_carried_over_whole() -> None:
    guide, target = torch.rand(1, 3, 11, 14, dtype=torch.float64), torch.rand(1, 3, 29, 41, dtype=torch.float64)
    result = affine_upsample(guide, _affine(guide), target, epsilon=1e-12)
    torch.testing.assert_close(result, _affine(target), rtol=0, atol=1e-8)


def test_at_its_own_size_it_is_the_guided_filter() -> None:
    guide, image = torch.rand(2, 1, 3, 12, 15, dtype=torch.float64)
    torch.testing.assert_close(affine_upsample(guide, image, guide, 2, 1e-3), guided_filter(guide, image, 2, 1e-3))


def test_a_flat_guide_passes_on_the_mean_colors() -> None:
    guide, constant = torch.full((1, 3, 8, 9), 0.4), torch.full((1, 3, 8, 9), 0.7)
    target = torch.rand(1, 3, 20, 21)
    torch.testing.assert_close(affine_upsample(guide, constant, target), torch.full((1, 3, 20, 21), 0.7))


def test_edges_come_from_the_large_frame() -> None:
    # A dark and a bright half, recolored each in its own way, brought from 24 pixels to 96.
    target = torch.full((1, 3, 20, 96), 0.2, dtype=torch.float64)
    target[..., 41:] = 0.8
    target += 0.01 * torch.randn(target.shape, dtype=torch.float64)
    expected = torch.where(target < 0.5, 0.5 * target, 1 - 0.3 * target)
    guide, image = resize(target, (5, 24)), resize(expected, (5, 24))
    ours, plain = affine_upsample(guide, image, target), resize(image, (20, 96))
    error, plain_error = ((result - expected)[..., 36:46].abs().mean() for result in (ours, plain))
    assert error < 0.15 * plain_error


def test_gradcheck() -> None:
    guide, image = torch.rand(2, 1, 3, 3, 4, dtype=torch.float64)
    target = torch.rand(1, 3, 5, 6, dtype=torch.float64)
    image.requires_grad_()
    assert torch.autograd.gradcheck(lambda i: affine_upsample(guide, i, target, 1, 0.1), image)
