import inspect

import numpy as np
import pytest
import scipy.sparse
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from pymatting_oracle import laplacian

from photovst.errors import MediaError, SettingsError
from photovst.ops import matting_matrix, matting_stencil

checked = jaxtyped(typechecker=beartype)
matrix_of = checked(matting_matrix.matting_matrix)
torch_matrix_of = checked(matting_matrix.matting_matrix_torch)


CASES = [(3, 3, 1, 1e-7), (3, 8, 1, 1e-7), (9, 3, 1, 1e-7), (11, 13, 1, 1e-7), (12, 9, 2, 1e-5), (7, 8, 3, 1e-4)]


@pytest.mark.parametrize(("height", "width", "radius", "epsilon"), CASES)
@pytest.mark.parametrize("contrast", [1.0, 0.01])
def test_every_entry_equals_pymatting(height, width, radius, epsilon, contrast) -> None:
    guide = 0.3 + contrast * torch.rand(1, 3, height, width, dtype=torch.float64)
    expected = laplacian(guide, epsilon, radius).toarray()
    matrix = matrix_of(guide, epsilon, radius)
    assert isinstance(matrix, scipy.sparse.csr_array)
    np.testing.assert_allclose(matrix.toarray(), expected, rtol=0, atol=1e-9 * np.abs(expected).max())
    same = torch_matrix_of(guide, epsilon, radius)
    assert same.layout == torch.sparse_csr
    assert np.array_equal(same.to_dense().numpy(), matrix.toarray())


def test_columns_ascend_and_only_pairs_in_the_picture_are_kept() -> None:
    matrix = matrix_of(torch.rand(1, 3, 6, 7), 1e-5)
    assert matrix.has_canonical_format
    assert matrix.dtype == np.float32
    # Pairs up to 2 apart along both axes: 5 per pixel and axis, less those beyond an edge, 6 in all.
    assert matrix.nnz == (5 * 6 - 6) * (5 * 7 - 6)


def test_symmetric_rows_sum_to_zero_positive_semidefinite() -> None:
    matrix = matrix_of(torch.rand(1, 3, 5, 6, dtype=torch.float64), 1e-5, 2)
    dense = matrix.toarray()
    assert np.array_equal(dense, dense.T)
    assert np.abs(dense.sum(axis=1)).max() < 1e-12
    assert np.linalg.eigvalsh(dense).min() > -1e-12


def test_an_affine_recoloring_is_nearly_free() -> None:
    guide = torch.rand(1, 3, 9, 13, dtype=torch.float64)
    matrix = matrix_of(guide, 1e-7)
    recolored = (guide[0].flatten(1).T @ torch.tensor([0.5, 0.3, 0.1], dtype=torch.float64) + 0.1).numpy()
    assert 0 < recolored @ (matrix @ recolored) < 1e-7 * (0.25 + 0.09 + 0.01) * 7 * 11 * 1.001
    shuffled = np.random.default_rng(0).permutation(recolored)
    assert shuffled @ (matrix @ shuffled) > 0.1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_the_stencil(dtype: torch.dtype) -> None:
    guide, image = torch.rand(1, 3, 8, 9, dtype=dtype), torch.rand(1, 3, 8, 9, dtype=dtype)
    expected = matting_stencil.stencil_product(image, matting_stencil.matting_stencil(guide, 1e-5))
    columns = image[0].flatten(1).T.contiguous()
    atol = 1e-12 if dtype == torch.float64 else 1e-5
    product = torch_matrix_of(guide, 1e-5) @ columns
    torch.testing.assert_close(product.T.view(1, 3, 8, 9), expected, rtol=0, atol=atol)
    np.testing.assert_allclose(matrix_of(guide, 1e-5) @ columns.numpy(), product.numpy(), rtol=0, atol=atol)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: it is compared with the CPU where there is one")
def test_gpu_equals_cpu() -> None:
    guide = torch.rand(1, 3, 8, 9, dtype=torch.float64)
    there = torch_matrix_of(guide.cuda(), 1e-5)
    assert there.is_cuda
    torch.testing.assert_close(there.to_dense().cpu(), torch_matrix_of(guide, 1e-5).to_dense())
    assert matrix_of(guide.cuda(), 1e-5).shape == (72, 72)


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize("function", [matrix_of, torch_matrix_of])
def test_errors(function) -> None:
    function = inspect.unwrap(function)
    with pytest.raises(MediaError, match="a matting matrix is of one picture, given 2; give them one by one"):
        function(torch.rand(2, 3, 4, 4))
    with pytest.raises(MediaError, match="2x9 is smaller than the 3x3 window; give a larger picture"):
        function(torch.rand(1, 3, 2, 9))
    with pytest.raises(SettingsError, match=r"epsilon is -1\.0; give a number above 0, such as 1e-7"):
        function(torch.rand(1, 3, 4, 4), -1.0)
    with pytest.raises(SettingsError, match="radius is 0; give 1 or more"):
        function(torch.rand(1, 3, 4, 4), 1e-4, 0)
