import pymatting_oracle
import pytest
import torch

from photovst.errors import MediaError
from photovst.metrics.matting import matting_energy
from photovst.ops.matting import matting_statistics


def test_matches_pymatting() -> None:
    output, content = torch.rand(2, 1, 3, 10, 13, dtype=torch.float64)
    matrix = pymatting_oracle.laplacian(content, 1e-7, 1)
    columns = pymatting_oracle.columns(output)
    expected = sum(plane @ (matrix @ plane) for plane in columns.T) / 130
    assert matting_energy(output, content).item() == pytest.approx(expected, rel=1e-6)
    assert matting_energy(output, matting_statistics(content)) == matting_energy(output, content)


def test_frames_are_averaged() -> None:
    output, content = torch.rand(2, 2, 3, 9, 8, dtype=torch.float64)
    each = [matting_energy(output[i : i + 1], content[i : i + 1]).item() for i in range(2)]
    assert matting_energy(output, content).item() == pytest.approx(sum(each) / 2)


def test_recoloring_is_free_and_texture_is_not() -> None:
    content = torch.rand(1, 3, 20, 24)
    texture = content + 0.1 * torch.rand_like(content)
    floor = matting_energy(content, content)
    recolored = torch.einsum("ij,bjhw->bihw", torch.rand(3, 3), content) + 0.1
    assert 0 <= floor < 1e-6
    assert matting_energy(recolored, content) < 1e-6
    assert matting_energy(texture, content) > 100 * floor
    torch.testing.assert_close(matting_energy(0.5 * texture, content), 0.25 * matting_energy(texture, content))


def test_errors() -> None:
    content = torch.rand(1, 3, 9, 8)
    statistics = matting_statistics(content)
    with pytest.raises(MediaError, match=r"image is \(1, 3, 9, 7\) but the matting guide \(1, 3, 9, 8\)"):
        matting_energy(content[..., 1:], statistics)
    with pytest.raises(MediaError, match="2x8 is smaller than the 3x3 window"):
        matting_energy(content[..., :2, :], content[..., :2, :])
