"""Several processes, as torchrun starts them: what one process with as many samples would do, and one line at the end."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from photovst.errors import SettingsError
from photovst.training.distributed import Ranks, ranks
from training.tiny_task import losses

PROGRAM = '''
import os, sys
from pathlib import Path
import torch
from photovst.errors import MediaError, PhotovstError
from photovst.training.batch import Batch
from photovst.training.distributed import ranks
from photovst.training.plan import Plan
from training.tiny_task import TinyTask, batch, run

class Same(TinyTask):
    """Draws nothing: draws of two processes are not those of one."""
    def loss(self, module, batch):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            noise, torch.randn_like = torch.randn_like, torch.zeros_like
            try:
                return super().loss(module, batch)
            finally:
                torch.randn_like = noise

def both(number):
    parts = [batch(2 * number + rank) for rank in range(2)]
    return Batch(*(torch.cat([getattr(p, f) for p in parts]) for f in ("frames", "flow", "certainty", "labels")))

def batches(first):
    here = ranks()
    for number in range(first, 10**6):
        if number == fail_at and here.rank == 1:
            raise MediaError("flow is missing")
        yield batch(2 * number + here.rank) if here.count == 2 else both(number)

folder, fail_at = Path(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)
plan = Plan(steps=6, learning_rate=0.02, accumulate=2, ema=0.9, log_every=1)
task = Same(seed=ranks().rank)  # the first process's weights are everybody's
try:
    run(task, plan, folder, batches=batches)
    if ranks().leads:
        torch.save(task.weights(), folder / "weights.pt")
except PhotovstError as error:
    print(f"photovst: error: {error}", file=sys.stderr)
    sys.exit(2)
'''


def start(folder: Path, count: int, fail_at: int = -1) -> list[subprocess.CompletedProcess[str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = os.pathsep.join([str(Path(__file__).parents[2]), str(Path(__file__).parents[1])])
    shared = {**os.environ, "PYTHONPATH": path, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    several = {"WORLD_SIZE": str(count)} if count > 1 else {}
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(folder), str(fail_at)]
    processes = []
    for rank in range(count):
        own = {**several, "RANK": str(rank), "LOCAL_RANK": str(rank)} if several else {}
        pipe = subprocess.PIPE
        processes.append(subprocess.Popen(command, env={**shared, **own}, stdout=pipe, stderr=pipe, text=True))
    said = [process.communicate(timeout=120) for process in processes]
    return [
        subprocess.CompletedProcess(command, process.returncode, *words)
        for process, words in zip(processes, said, strict=True)
    ]


def test_two_processes_train_as_one_with_twice_the_samples(tmp_path: Path) -> None:
    # The second one stops early, for its data fail, and both go on from the first one's checkpoint.
    first, second = start(tmp_path / "two", 2, fail_at=7)
    assert (first.returncode, first.stderr) == (2, "")
    assert (second.returncode, second.stderr) == (2, "photovst: error: flow is missing\n")
    assert [path.name for path in (tmp_path / "two" / "checkpoints").iterdir()] == ["step_00000003.pt"]
    for done in (*start(tmp_path / "two", 2), *start(tmp_path / "one", 1)):
        assert (done.returncode, done.stderr) == (0, "")
    one, two = (torch.load(tmp_path / name / "weights.pt", weights_only=True) for name in ("one", "two"))
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, atol=1e-5, rtol=1e-4)
    totals = [[record["total"] for record in losses(tmp_path / name)] for name in ("one", "two")]
    assert totals[1] == pytest.approx(totals[0], rel=1e-4)
    assert len(totals[0]) == 6


def test_torchruns_words_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert ranks() == Ranks(0, 1, 0)
    assert ranks().leads
    for name, value in {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert ranks() == Ranks(5, 8, 1)
    assert not ranks().leads


@pytest.mark.parametrize("told", [{"RANK": "1"}, {"RANK": "x", "WORLD_SIZE": "2", "LOCAL_RANK": "0"},
                                  {"RANK": "2", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}])  # fmt: skip
def test_half_of_torchruns_words_are_refused(told: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="RANK=.* in the environment; start several processes with torchrun"):
        ranks()
