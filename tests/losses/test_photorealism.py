import pytest
import torch
from pymatting_oracle import columns, laplacian
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.losses.photorealism import PhotorealismTerm


def _frame() -> Tensor:
    return torch.rand(1, 3, 9, 13, dtype=torch.float64)


@pytest.mark.parametrize("form", ["stencil", "free"])
def test_equals_the_assembled_matrix_per_pixel(form) -> None:
    frame, image = _frame(), _frame()
    values = columns(image)
    expected = (values * (laplacian(frame, 1e-5, 1) @ values)).sum() / (9 * 13)
    assert PhotorealismTerm(frame, 1e-5, form=form)(image, {}).item() == pytest.approx(expected, rel=1e-9)


def test_a_recoloring_is_free_and_new_texture_is_not() -> None:
    frame = _frame()
    matrix = torch.tensor([[0.5, 0.3, 0.1], [-0.2, 0.9, 0.1], [0.0, 0.4, 1.2]], dtype=torch.float64)
    recolored = torch.einsum("ij,bjhw->bihw", matrix, frame) + 0.1
    term = PhotorealismTerm(frame)
    assert 0 <= term(recolored, {}).item() < 1e-6
    assert term(recolored + 0.1 * _frame(), {}).item() > 1e-3


def test_the_value_is_per_pixel() -> None:
    frame, image = _frame(), _frame()
    twice = PhotorealismTerm(torch.cat([frame, frame], dim=3), 1e-3)(torch.cat([image, image], dim=3), {}).item()
    # Alike but for the windows across the seam.
    assert twice == pytest.approx(PhotorealismTerm(frame, 1e-3)(image, {}).item(), rel=0.2)


def test_as_published_it_is_the_sum() -> None:
    frame, image = _frame(), _frame()
    mean = PhotorealismTerm(frame)(image, {}).item()
    for scale in ("paper", "coded"):
        assert PhotorealismTerm(frame, scale=scale)(image, {}).item() == pytest.approx(mean * 9 * 13)


@pytest.mark.parametrize("form", ["stencil", "free"])
def test_gradcheck(form) -> None:
    term = PhotorealismTerm(_frame()[..., :5, :6], 1e-3, form=form)
    image = torch.rand(1, 3, 5, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda i: term(i, {}), image)


@pytest.mark.usefixtures("shapes_unchecked")
def test_errors() -> None:
    with pytest.raises(MediaError, match="2x9 is smaller than the 3x3 window"):
        PhotorealismTerm(torch.rand(1, 3, 2, 9))
    for form in ("stencil", "free"):
        with pytest.raises(MediaError, match=r"the image is \(1, 3, 4, 5\) but the matting guide \(1, 3, 4, 4\)"):
            PhotorealismTerm(torch.rand(1, 3, 4, 4), form=form)(torch.rand(1, 3, 4, 5), {})
    with pytest.raises(SettingsError, match="the matting form is 'stensil'; did you mean 'stencil'"):
        PhotorealismTerm(torch.rand(1, 3, 4, 4), form="stensil")
