import torch
from beartype import beartype
from jaxtyping import jaxtyped

from photovst.ops import covariance
from photovst.ops.covariance import PAIRS, PLANE

inverse_covariance = jaxtyped(typechecker=beartype)(covariance.inverse_covariance)


def _planes(matrices: torch.Tensor) -> torch.Tensor:
    return torch.stack([matrices[..., i, j] for i, j in PAIRS], dim=1)


def _matrices(planes: torch.Tensor) -> torch.Tensor:
    return torch.stack([torch.stack([planes[:, k] for k in row], dim=-1) for row in PLANE], dim=-2)


def test_matches_lapack() -> None:
    factors = torch.randn(2, 4, 5, 3, 3, dtype=torch.float64)
    covariances = factors @ factors.mT
    ours = _matrices(inverse_covariance(_planes(covariances), 1e-3))
    theirs = torch.linalg.inv(covariances + 1e-3 * torch.eye(3, dtype=torch.float64))
    torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-8)


def test_nearly_flat_windows_keep_a_positive_inverse() -> None:
    # One gray direction and no other: rank one, as in a colorless part of a picture.
    gray = torch.ones(3, 3, dtype=torch.float64).expand(1, 1, 1, 3, 3) * 0.1
    inverse = _matrices(inverse_covariance(_planes(gray), 1e-9))
    assert (torch.linalg.eigvalsh(inverse) > 0).all()
    flat = _matrices(inverse_covariance(torch.zeros(1, 6, 1, 1, dtype=torch.float64), 1e-9))
    torch.testing.assert_close(flat[0, 0, 0], 1e9 * torch.eye(3, dtype=torch.float64))


def test_gradcheck() -> None:
    factors = torch.randn(1, 2, 2, 3, 3, dtype=torch.float64)
    planes = _planes(factors @ factors.mT).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: inverse_covariance(x, 0.1), planes)
