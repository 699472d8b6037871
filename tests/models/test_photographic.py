from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from photovst.models.network_files import TrainedNetwork, load_network, save_network
from photovst.models.photographic import MOMENTS, QUANTILES, Photographic
from photovst.ops.bilateral_grid import slice_affine
from photovst.ops.color import rec601_luma
from photovst.ops.resize import resize
from photovst.ops.transport import color_moments, transport


def _frame(height: int, width: int, seed: int) -> Tensor:
    """Smooth patches of color with some grain."""
    generator = torch.Generator().manual_seed(seed)
    patches = resize(torch.rand(1, 3, 4, 5, generator=generator), (height, width))
    return (patches + 0.05 * torch.randn(1, 3, height, width, generator=generator)).clamp(0, 1)


def _halves(height: int, width: int) -> Tensor:
    """Masks of the upper and the lower half."""
    masks = torch.zeros(1, 2, height, width)
    masks[:, 0, : height // 2] = masks[:, 1, height // 2 :] = 1
    return masks


def _network(**options: int) -> Photographic:
    torch.manual_seed(0)
    return Photographic(**({"width": 4, "size": 64} | options)).eval().requires_grad_(False)


def _trained(**options: int) -> Photographic:
    """As one that was trained: what it adds is not zero."""
    network = _network(**options)
    for parameter in network.head.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    return network


def test_an_untrained_network_is_the_closed_form() -> None:
    network, frame, photo = _network(), _frame(48, 64, 1), _frame(40, 56, 2)
    moments = [color_moments(each, torch.ones_like(each[:, :1])) for each in (frame, photo)]
    maps = transport(*moments[0], *moments[1], ridge=network.ridge)[0, 0]
    expected = torch.einsum("ij,bjhw->bihw", maps[:, :3], frame) + maps[:, 3, None, None]
    vectors = network.style_vectors(photo)
    torch.testing.assert_close(network.with_features(frame, vectors)[0], expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(network(frame, vectors), expected.clamp(0, 1), rtol=0, atol=1e-4)


def test_a_region_far_from_others_has_the_map_of_its_colors() -> None:
    network, frame, photo = _network(rows=16), _frame(64, 48, 3), _frame(64, 48, 4)
    masks = _halves(64, 48)
    result, _ = network.with_features(frame, network.style_vectors(photo, masks), masks)
    for k, rows in enumerate((slice(0, 20), slice(44, 64))):
        own, wanted = (color_moments(each, masks[:, k : k + 1]) for each in (frame, photo))
        maps = transport(*own, *wanted, ridge=network.ridge)[0, 0]
        expected = torch.einsum("ij,bjhw->bihw", maps[:, :3], frame) + maps[:, 3, None, None]
        torch.testing.assert_close(result[:, :, rows], expected[:, :, rows], rtol=0, atol=0.02)


def test_a_frame_in_its_own_light_stays_as_it_is() -> None:
    network, frame = _network(), _frame(72, 96, 5)
    for masks in (None, _halves(72, 96)):
        result = network(frame, network.style_vectors(frame, masks), masks)
        torch.testing.assert_close(result, frame, rtol=0, atol=1e-3)


def test_masks_have_no_say_where_regions_are_alike() -> None:
    # Both halves have the same colors, and are to have the same.
    network, half, photo = _network(), _frame(32, 64, 6), _frame(48, 64, 7)
    frame, vector = torch.cat([half, half], dim=2), network.style_vectors(photo)
    result, _ = network.with_features(frame, vector.expand(-1, 2, -1), _halves(64, 64))
    torch.testing.assert_close(result, network.with_features(frame, vector)[0], rtol=0, atol=1e-4)


@pytest.mark.parametrize("trained", [False, True])
def test_equal_shares_of_every_pixel_are_one_region(trained: bool) -> None:
    network, frame, photo = (_trained if trained else _network)(), _frame(48, 64, 8), _frame(40, 56, 9)
    vector = network.style_vectors(photo)
    shares = torch.tensor([0.2, 0.3, 0.5])[None, :, None, None].expand(1, 3, 48, 64)
    several = network(frame, vector.expand(-1, 3, -1), shares)
    torch.testing.assert_close(several, network(frame, vector), rtol=0, atol=2e-4)


def test_the_order_of_regions_does_not_matter() -> None:
    network, frame, photo = _trained(), _frame(48, 64, 10), _frame(48, 64, 11)
    masks = _halves(48, 64)
    vectors = network.style_vectors(photo, masks)
    torch.testing.assert_close(
        network(frame, vectors, masks), network(frame, vectors.flip(1), masks.flip(1)), rtol=0, atol=1e-5
    )


def test_a_region_that_the_photograph_lacks_takes_its_whole() -> None:
    network, photo = _trained(), _frame(48, 64, 12)
    masks = torch.stack([torch.ones(48, 64), torch.zeros(48, 64)])[None]
    vectors, whole = network.style_vectors(photo, masks), network.style_vectors(photo)[:, 0]
    torch.testing.assert_close(vectors[:, 0], whole)
    torch.testing.assert_close(vectors[:, 1], whole)
    result = network(_frame(48, 64, 13), vectors, _halves(48, 64))
    assert result.isfinite().all()


def test_a_region_that_the_frame_lacks_changes_nothing() -> None:
    network, frame, photo = _trained(), _frame(48, 64, 14), _frame(48, 64, 15)
    vectors = network.style_vectors(photo, _halves(48, 64))
    masks = torch.stack([torch.ones(48, 64), torch.zeros(48, 64)])[None]
    torch.testing.assert_close(network(frame, vectors, masks), network(frame, vectors[:, :1]), rtol=0, atol=1e-4)


def test_a_vector_is_moments_quantiles_and_what_is_learned() -> None:
    network, photo = _network(learned=5), _frame(48, 64, 16)
    masks = _halves(48, 64)
    vectors = network.style_vectors(photo, masks)
    assert vectors.shape == (1, 2, network.vector_size) == (1, 2, MOMENTS + QUANTILES + 5)
    for k, part in enumerate((photo[:, :, :24], photo[:, :, 24:])):
        colors = part[0].flatten(1).numpy()
        np.testing.assert_allclose(vectors[0, k, :3].numpy(), colors.mean(axis=1), atol=1e-5)
        np.testing.assert_allclose(vectors[0, k, 3:12].view(3, 3).numpy(), np.cov(colors, ddof=0), atol=1e-5)
        expected = np.quantile(rec601_luma(part).numpy(), np.arange(1, 10) / 10)
        np.testing.assert_allclose(vectors[0, k, 12:21].numpy(), expected, atol=5e-3)


def test_frames_of_a_batch_do_not_mix() -> None:
    network = _trained()
    frames, photos = (torch.cat([_frame(40, 56, seed) for seed in pair]) for pair in ((17, 18), (19, 20)))
    vectors = network.style_vectors(photos)
    together = network(frames, vectors)
    alone = torch.cat([network(frames[i : i + 1], vectors[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(16, 16), (16, 200), (131, 17), (65, 99)])
def test_frames_of_any_size(size: tuple[int, int]) -> None:
    network, photo = _trained(), _frame(16, 16, 21)
    vectors, frame = network.style_vectors(photo, _halves(16, 16)), _frame(*size, 22)
    result = network(frame, vectors, _halves(*size))
    assert result.shape == frame.shape
    assert result.isfinite().all()
    assert 0 <= result.min() <= result.max() <= 1


def test_masks_of_another_size_than_the_frame() -> None:
    network, frame, photo = _trained(), _frame(64, 96, 23), _frame(48, 64, 24)
    vectors = network.style_vectors(photo, _halves(24, 32))
    small = network(frame, vectors, _halves(32, 48))
    torch.testing.assert_close(small, network(frame, vectors, _halves(64, 96)), rtol=0, atol=1e-5)


def test_the_grid_gives_the_frame_at_another_size() -> None:
    network, frame, photo = _trained(), _frame(64, 96, 25), _frame(48, 64, 26)
    vectors = network.style_vectors(photo)
    grid = network.grids(frame, vectors)
    assert grid.shape == (1, *network.cells, 12)
    torch.testing.assert_close(slice_affine(grid[0], frame).clamp(0, 1), network(frame, vectors), rtol=0, atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_pictures_of_one_color_end_in_numbers(value: float) -> None:
    network, flat, frame = _trained(), torch.full((1, 3, 32, 48), value), _frame(32, 48, 27)
    assert network(flat, network.style_vectors(frame)).isfinite().all()
    assert network(frame, network.style_vectors(flat)).isfinite().all()


def test_every_weight_is_trained_and_nothing_but_these() -> None:
    network = _trained().requires_grad_(True)
    frame, photo = _frame(32, 48, 28), _frame(32, 48, 29)
    masks = _halves(32, 48)
    result, grid = network.with_features(frame, network.style_vectors(photo, masks), masks)
    torch.autograd.backward(result.square().mean() + grid.square().mean())
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.usefixtures("shapes_unchecked")
def test_numbers_of_vectors_and_masks_have_to_agree() -> None:
    network, frame = _network(), _frame(32, 48, 30)
    vectors = network.style_vectors(frame, _halves(32, 48))
    with pytest.raises(ValueError, match="vectors of 2 regions, but no masks; give one mask a region"):
        network(frame, vectors)
    with pytest.raises(ValueError, match="vectors of 1 regions, but masks of 2"):
        network(frame, vectors[:, :1], _halves(32, 48))


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    options = {"width": 4, "size": 64}
    network, frame, photo = _trained(), _frame(32, 48, 31), _frame(32, 48, 32)
    path = tmp_path / "photographic.safetensors"
    save_network(path, TrainedNetwork(network, "photographic", options, None, {}), torch.float32)
    loaded = load_network(path).module
    assert isinstance(loaded, Photographic)
    assert torch.equal(loaded(frame, loaded.style_vectors(photo)), network(frame, network.style_vectors(photo)))
