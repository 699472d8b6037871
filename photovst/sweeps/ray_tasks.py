"""Work as tasks on a Ray cluster: one started here, one that runs here, or one at an address."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from photovst.endings import out_of_memory
from photovst.errors import PhotovstError, SettingsError
from photovst.provenance import code_version
from photovst.run import LOCK

ANSWER = 5.0
"""Seconds within which an address must take a connection."""

HEALTH = 10.0
"""Seconds within which a cluster must say that it is well; it takes about one."""

RELEASE = 10.0
"""Seconds that a task waits for a run folder which a dead worker held."""

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Nothing is reported to Ray's makers, and a task without a GPU keeps what its node has set."""

MODE = "RAY_AUTH_MODE"

SHORT = Path("/tmp")
"""Where a cluster of our own keeps its sockets: their paths must be short."""


@dataclass(frozen=True)
class Resources:
    """What a task is given, and how often it is tried again when its worker dies."""

    cpus: float = 1
    gpus: float = 0
    retries: int = 3


@dataclass(frozen=True)
class _Place:
    """What a worker must share with the process that sends it work."""

    folder: str
    code: dict[str, str]


class RayTasks:
    """A cluster in use; leave the block and nothing of it is left, unless it was there before.

    Args:
        address: ``local`` starts a cluster on this machine, ``auto`` takes the one that runs on it, else ``HOST:PORT``.
        resources: of each task.
        slots: for ``local``, how many tasks run at once; as many as there are cores when not given.
    """

    def __init__(self, address: str, resources: Resources, slots: int | None = None) -> None:
        self._ray = _ray()
        self._address, self._resources, self._slots = address, resources, slots
        self._left = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            SettingsError: there is no cluster at the address, or it cannot be used.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(_environment(QUIET))
            if self._address == "local":
                stack.enter_context(_environment(_of_local_workers()))
                if MODE not in os.environ:
                    stack.callback(os.environ.pop, MODE, None)  # Ray sets it
                scratch = Path(tempfile.mkdtemp(prefix="pv-ray-", dir=SHORT if SHORT.is_dir() else None))
                stack.callback(shutil.rmtree, scratch, ignore_errors=True)
                self._start(stack, _temp_dir=str(scratch), num_cpus=self._local_cpus(), include_dashboard=False)
            else:
                _check_address(self._address)
                self._start(stack, address=self._address)
            self._left = stack.pop_all()
        return self

    def __exit__(self, *ended: object) -> None:
        self._left.close()

    @property
    def slots(self) -> int:
        """How many tasks can run at once."""
        there, wanted = self._ray.cluster_resources(), self._resources
        shares = [there.get("CPU", 0) / wanted.cpus if wanted.cpus else 1]
        shares += [there.get("GPU", 0) / wanted.gpus] if wanted.gpus else []
        return max(1, int(min(shares)))

    def results(
        self, work: Callable[..., object], jobs: Mapping[str, tuple[Any, ...]], holds: Mapping[str, Path] | None = None
    ) -> Iterator[tuple[str, Exception | None]]:
        """Run ``work(*job)`` for each job, and tell of each by name as it ends, with what went wrong.

        A task whose worker dies is run again, on another worker; ``holds`` names the run folder that it then waits for.

        Raises:
            SettingsError: no node has the resources of a task.
            Exception: what a task raised that is no `PhotovstError`: a bug.
        """
        self._check_resources()
        ray = self._ray
        task = ray.remote(
            num_cpus=self._resources.cpus, num_gpus=self._resources.gpus, max_retries=self._resources.retries
        )(_task)
        place = _Place(os.getcwd(), code_version())
        sent = {n: task.options(name=n).remote(work, job, place, (holds or {}).get(n)) for n, job in jobs.items()}
        # Futures are waited for in Python: a signal that comes inside Ray's own waiting ends up as a SystemError.
        waiting = {reference.future(): name for name, reference in sent.items()}
        try:
            while waiting:
                for done in wait(waiting, return_when=FIRST_COMPLETED).done:
                    name = waiting.pop(done)
                    yield name, self._ended(done, name)
        finally:
            for name in waiting.values():
                ray.cancel(sent[name], force=True)

    def _ended(self, done: Future[Any], name: str) -> Exception | None:
        errors = self._ray.exceptions
        try:
            failure: Exception | None = done.result()
        except errors.RayTaskError as error:
            raise error.as_instanceof_cause() from None
        except errors.OutOfMemoryError:
            return PhotovstError(f"{name}: its worker was ended, for its machine was out of memory; give --cpus more")
        except (errors.WorkerCrashedError, errors.NodeDiedError, errors.RayError) as error:
            tries = self._resources.retries + 1
            return PhotovstError(
                f"its worker died {tries} times ({type(error).__name__}); run the same command to go on"
            )
        return failure

    def _check_resources(self) -> None:
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        wanted = {"CPU": self._resources.cpus, "GPU": self._resources.gpus}
        if not any(all(node.get(kind, 0) >= count for kind, count in wanted.items()) for node in nodes):
            most = {kind: max((node.get(kind, 0) for node in nodes), default=0) for kind in wanted}
            raise SettingsError(
                f"a task asks for {self._resources.cpus:g} CPUs and {self._resources.gpus:g} GPUs, but no node of the"
                f" cluster has them (the most are {most['CPU']:g} and {most['GPU']:g}); lower --cpus or --gpus"
            )

    def _local_cpus(self) -> float | None:
        return None if self._slots is None else max(1, round(self._slots * self._resources.cpus))

    def _start(self, stack: contextlib.ExitStack, **options: Any) -> None:
        ray = self._ray
        # Ray takes SIGTERM for itself; it must end this process as it ends any run.
        handler = signal.getsignal(signal.SIGTERM)
        # log_to_driver is about the workers' output only: what a cluster says of dead workers goes to stdout.
        said = ray._private.worker
        stack.callback(setattr, said, "_worker_logs_enabled", said._worker_logs_enabled)
        said._worker_logs_enabled = False
        logger = logging.getLogger("ray")
        stack.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.ERROR)  # such as a word on how the cluster is secured
        stack.callback(ray.shutdown)
        try:
            ray.init(log_to_driver=False, configure_logging=False, logging_level="error", **options)
        except Exception as error:  # Ray says that a node did not start in time by a plain Exception
            if type(error) is not Exception and not isinstance(
                error, ConnectionError | RuntimeError | ValueError | OSError
            ):
                raise
            reason = str(error).strip().splitlines()[0]
            raise SettingsError(f"--ray {self._address}: no cluster could be used ({reason})") from error
        finally:
            signal.signal(signal.SIGTERM, handler)


def check_ray() -> None:
    """Whether Ray is there.

    Raises:
        SettingsError: it is not.
    """
    _ray()


def _ray() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise SettingsError("--ray needs Ray, which is not installed; pip install 'photovst[ray]'") from error
    module: ModuleType = ray
    return module


def _task(work: Callable[..., object], job: tuple[Any, ...], place: _Place, holds: Path | None) -> PhotovstError | None:
    """In a worker: the work, in the folder of the process that sent it; gives back what a user can act on."""
    try:
        _move_to(place)
        if holds is not None:
            _wait_for(holds)
        work(*job)
    except PhotovstError as error:
        return error
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        return PhotovstError("out of memory")
    return None


def _move_to(place: _Place) -> None:
    host = socket.gethostname()
    try:
        os.chdir(place.folder)
    except OSError as error:
        raise SettingsError(
            f"the worker on {host} does not see {place.folder} ({error.strerror}); share it at the same place"
        ) from error
    if code_version() != place.code:
        raise SettingsError(f"the worker on {host} has another photovst; install the same version on every node")


def _wait_for(folder: Path) -> None:
    """Until no process holds a run folder: one that was killed may be a moment in letting go."""
    lock = folder / LOCK
    until = time.monotonic() + RELEASE
    while lock.exists() and time.monotonic() < until:
        with lock.open("ab") as stream, contextlib.suppress(BlockingIOError):
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.05)


def _of_local_workers() -> dict[str, str]:
    """The environment of a cluster of our own: this very package, and a secret that is written nowhere."""
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    # Without the secret Ray would write one into the home folder.
    return {"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)), "RAY_AUTH_TOKEN": _secret()}


@functools.cache
def _secret() -> str:
    """What the processes of a cluster of our own know each other by; Ray keeps the first that a process has."""
    return os.environ.get("RAY_AUTH_TOKEN") or secrets.token_hex(32)


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    former = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in former.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _check_address(address: str) -> None:
    """Ask before Ray does, which waits for minutes.

    Raises:
        SettingsError: nobody answers there, or what answers is no cluster.
    """
    if address != "auto":
        host, colon, port = address.rpartition(":")
        if not (colon and host and port.isdecimal()):
            raise SettingsError(f"--ray takes local, auto or HOST:PORT, but {address!r} was given")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER).close()
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SettingsError(f"--ray {address}: nobody answers there ({reason}); is the cluster up?") from error
    ask = [sys.executable, "-m", "ray.scripts.scripts", "health-check"]
    ask += [] if address == "auto" else ["--address", address]
    try:
        done = subprocess.run(ask, capture_output=True, timeout=HEALTH, check=False)
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode != 0:
        where = "no Ray cluster runs on this machine" if address == "auto" else "what answers there is no Ray cluster"
        raise SettingsError(f"--ray {address}: {where}; 'ray start --head' starts one, and --ray local needs none")
