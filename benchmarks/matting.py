"""The matting Laplacian's three forms beside pymatting and SciPy, in one run.

    python benchmarks/matting.py [--runs 7] [--sizes 466x700,667x1000,1080x1920]

At each size (height x width), medians over the runs, taken in turns so that the machine's moods fall on all alike:
building `pymatting.cf_laplacian` (compiled before) and the stencil; then one evaluation for three channels, SciPy's
`A @ v` in float64 and float32 against energy and gradient of the stencil, as a plain function and through autograd, and
of the matrix-free form. Memory is what is kept, and how far building raises the peak of a process of its own. Then the
whole process that takes energy and gradient of a 3840x2160 picture without the matrix. Last, float32's error in the
energy of an affine recoloring. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from photovst.losses.photorealism import PhotorealismTerm
from photovst.media.scenes import Look, photograph
from photovst.media.tensors import to_frame
from photovst.ops.matting import matting_energy, matting_statistics
from photovst.ops.matting_stencil import matting_stencil, stencil_energy, stencil_energy_and_gradient

Size = tuple[int, int]
RECOLOR = torch.tensor([[0.5, 0.3, 0.1], [-0.2, 0.9, 0.1], [0.0, 0.4, 1.2]])


def pymatting_laplacian(guide: Tensor):
    with warnings.catch_warnings():
        # numba warns about the machine it compiles on.
        warnings.simplefilter("ignore")
        from pymatting import cf_laplacian
    return cf_laplacian(np.ascontiguousarray(guide[0].permute(1, 2, 0).double().numpy()))


def peak_megabytes() -> float:
    """Of this process (Linux); getrusage's would begin at the size of the process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measure_peak(form: str, size: Size) -> None:
    """Run in a process of its own: prints by how many megabytes the peak rises, and the peak."""
    small, guide = torch.rand(1, 3, 16, 16), torch.rand(1, 3, *size)
    build: dict[str, Callable[[Tensor], object]] = {
        "csr": pymatting_laplacian,
        "stencil": matting_stencil,
        "free": energy_and_gradient_free,
    }
    build[form](small)
    before = peak_megabytes()
    build[form](guide)
    print(peak_megabytes() - before, peak_megabytes())


def energy_and_gradient_free(guide: Tensor) -> Tensor:
    image = torch.rand_like(guide).requires_grad_()
    PhotorealismTerm(guide, form="free")(image, {}).backward()
    return image


def peak_of(form: str, size: Size) -> tuple[float, float]:
    command = [sys.executable, __file__, "--peak", form, "--sizes", f"{size[0]}x{size[1]}"]
    rise, peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(rise), float(peak)


def timed(size: Size, runs: int) -> dict[str, float]:
    """Median seconds by what was done, and megabytes kept."""
    guide, image = torch.rand(1, 3, *size), torch.rand(1, 3, *size)
    leaf = image.clone().requires_grad_()
    matrix, stencil, free = pymatting_laplacian(guide), matting_stencil(guide), matting_statistics(guide)
    matrix32, columns = matrix.astype(np.float32), image[0].flatten(1).T.double().numpy().copy()
    columns32 = columns.astype(np.float32)
    work: dict[str, Callable[[], object]] = {
        "build_pymatting": lambda: pymatting_laplacian(guide),
        "build_stencil": lambda: matting_stencil(guide),
        "csr_float64": lambda: matrix @ columns,
        "csr_float32": lambda: matrix32 @ columns32,
        "stencil": lambda: stencil_energy_and_gradient(image, stencil),
        "stencil_autograd": lambda: torch.autograd.grad(stencil_energy(leaf, stencil), leaf),
        "free_autograd": lambda: torch.autograd.grad(matting_energy(leaf, free), leaf),
    }
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for run in range(runs + 1):
        for name, action in work.items():
            began = time.perf_counter()
            action()
            if run:  # the first is a warm-up
                seconds[name].append(time.perf_counter() - began)
    kept = {
        "csr_mb": (matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes) / 2**20,
        "stencil_mb": stencil.planes.nbytes / 2**20,
    }
    return {name: statistics.median(times) for name, times in seconds.items()} | kept


def recoloring_errors() -> dict[str, float]:
    """Float32's energy of an affine recoloring over float64's, less 1, for a photograph, its gray, and gray noise."""
    photo = to_frame(photograph(Look.sunset, 11, (466, 700)))
    noise = torch.randint(0, 256, (1, 1, 466, 700), generator=torch.Generator().manual_seed(0)) / 255
    guides = {"photo": photo, "gray": photo.mean(1, keepdim=True).expand_as(photo), "noise": noise.expand_as(photo)}
    errors = {}
    for name, guide in guides.items():
        image = torch.einsum("ij,bjhw->bihw", RECOLOR, guide) + 0.1
        exact = matting_energy(image.double(), matting_statistics(guide.double())).item()
        errors[f"stencil_{name}"] = stencil_energy(image, matting_stencil(guide)).item() / exact - 1
        errors[f"free_{name}"] = matting_energy(image, matting_statistics(guide)).item() / exact - 1
    return errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--sizes", default="466x700,667x1000,1080x1920")
    parser.add_argument("--peak", choices=["csr", "stencil", "free"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    sizes = [(int(height), int(width)) for height, width in (size.split("x") for size in options.sizes.split(","))]
    if options.peak:
        measure_peak(options.peak, sizes[0])
        return
    results: dict[str, dict[str, float]] = {}
    print("            build, ms                evaluation, ms                                kept (peak), MB")
    print("size        pymatting stencil  ratio CSR64  CSR32  stencil autograd ratio   free  CSR          stencil")
    for size in sizes:
        row = timed(size, options.runs)
        row["csr_peak_mb"], row["stencil_peak_mb"] = peak_of("csr", size)[0], peak_of("stencil", size)[0]
        row["build_ratio"] = row["build_pymatting"] / row["build_stencil"]
        row["evaluation_ratio"] = row["csr_float64"] / row["stencil_autograd"]
        ms = {name: 1000 * value for name, value in row.items()}
        build = f"{ms['build_pymatting']:9.0f} {ms['build_stencil']:7.0f} {row['build_ratio']:5.1f}x"
        csr = f"{ms['csr_float64']:6.1f} {ms['csr_float32']:6.1f}"
        stencil = f"{ms['stencil']:8.1f} {ms['stencil_autograd']:8.1f} {row['evaluation_ratio']:4.1f}x"
        kept = (f"{row[f'{form}_mb']:4.0f} ({row[f'{form}_peak_mb']:4.0f})" for form in ("csr", "stencil"))
        name = f"{size[0]}x{size[1]}"
        print(f"{name:11s} {build} {csr} {stencil} {ms['free_autograd']:6.0f}  {'  '.join(kept)}", flush=True)
        results[name] = row
    rise, peak = peak_of("free", (2160, 3840))
    print(f"2160x3840 without the matrix, energy and gradient: peak {peak:.0f} MB, {rise:.0f} above a small picture's")
    errors = recoloring_errors()
    print("affine recoloring in float32: " + ", ".join(f"{name} {error:+.1e}" for name, error in errors.items()))
    summary = {"free_2160x3840_peak_mb": peak, "recoloring_errors": errors}
    print(json.dumps({"benchmark": "matting", "cores": os.cpu_count(), "runs": options.runs, **results, **summary}))


if __name__ == "__main__":
    main()
