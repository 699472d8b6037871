"""Several processes, as torchrun starts them, do what one with as many samples would, and end together."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from photovst.errors import SettingsError
from photovst.training.distributed import Ranks, ranks
from training import one_of_two
from training.one_of_two import PLAN, Quiet, both
from training.tiny_task import losses, run


def free_port(first: int) -> str:
    """Not one that the system gives to whoever asks for any: it might have gone when it is used."""
    for port in range(first + os.getpid() % 4000, first + 8000):
        with socket.socket() as found:
            try:
                found.bind(("127.0.0.1", port))
            except OSError:
                continue
            return str(port)
    raise RuntimeError("no port is free")


def start(folder: Path) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of the two processes."""
    port = free_port(21000)
    path = os.pathsep.join(str(place) for place in Path(__file__).parents[1:3])
    # Gloo else asks for the address of this machine's name, which takes minutes where nobody answers.
    loopback = next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
    shared = {**os.environ, "PYTHONPATH": path, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    shared["GLOO_SOCKET_IFNAME"] = loopback
    processes = []
    for rank in ("0", "1"):
        command = [sys.executable, "-W", "ignore", str(Path(one_of_two.__file__)), str(folder)]
        own = {**shared, "RANK": rank, "LOCAL_RANK": rank}
        processes.append(subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    try:
        said = [process.communicate(timeout=100) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(process.returncode, *words) for process, words in zip(processes, said, strict=True)]


def test_two_processes_train_as_one_with_twice_the_samples(tmp_path: Path) -> None:
    assert start(tmp_path / "two") == [(0, "elsewhere with 2\n", ""), (0, "flow is missing\n", "")]
    checkpoints = sorted(path.name for path in (tmp_path / "two" / "checkpoints").iterdir())
    assert checkpoints == ["step_00000003.pt", "step_00000006.pt"]
    one = Quiet(seed=0)
    run(one, PLAN, tmp_path / "one", batches=both)
    weights = [torch.load(tmp_path / "two" / f"weights_{rank}.pt", weights_only=True) for rank in range(2)]
    for name, weight in one.weights().items():
        assert torch.equal(weights[0][name], weights[1][name])
        torch.testing.assert_close(weights[0][name], weight, atol=1e-5, rtol=1e-4)
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
    with pytest.raises(SettingsError, match=r"RANK=.* in the environment; start several processes with torchrun"):
        ranks()
