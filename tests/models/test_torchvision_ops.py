import subprocess
import sys

import torch
import torch.nn.functional as F

from photovst.models import torchvision_ops
from photovst.models.torchvision_ops import import_torchvision

# For a process of its own, since what is declared to PyTorch stays declared. Its first lines take the compiled
# operators away.
WITHOUT_OPERATORS = """
import torch
def load_library(path): raise OSError(f"{path}: a library it links to is absent")
torch.ops.load_library = load_library
from photovst.models.torchvision_ops import import_torchvision
torchvision = import_torchvision()
assert import_torchvision() is torchvision
assert len(torchvision.models.vgg19().features) == 37
try:
    torch.ops.torchvision.nms(torch.rand(2, 4), torch.rand(2), 0.5)
except NotImplementedError:
    print("declared only")
"""


def test_networks_import_and_compute() -> None:
    vgg = import_torchvision().models.vgg19().features.eval()
    first, second = vgg[0], vgg[2]
    frame = torch.rand(1, 3, 16, 16)
    expected = F.relu(F.conv2d(frame, first.weight, first.bias, padding=1))
    expected = F.relu(F.conv2d(expected, second.weight, second.bias, padding=1))
    torch.testing.assert_close(vgg[:4](frame), expected)


def test_imports_without_compiled_operators() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_OPERATORS], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "declared only\n", "")


def test_operators_that_load_are_used_as_they_are() -> None:
    import_torchvision()
    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 1.9], [5.0, 5.0, 6.0, 6.0]])
    try:
        kept = torch.ops.torchvision.nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5)
    except NotImplementedError:
        assert not torchvision_ops._operators_load()
    else:
        assert kept.tolist() == [0, 2]
