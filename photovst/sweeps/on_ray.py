"""Members of a sweep as Ray tasks, or the shots of each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial

from photovst.build_predicted import predicts_pictures
from photovst.endings import out_of_memory
from photovst.errors import PhotovstError
from photovst.evaluation import METRICS
from photovst.models.network_files import is_network
from photovst.progress import Progress, progress_for
from photovst.stylize import is_finished
from photovst.sweeps.members import Ended, Evaluate, in_turn, run_member
from photovst.sweeps.ray_tasks import RayTasks
from photovst.sweeps.settings import SweepMember
from photovst.sweeps.shots_apart import FOLDER, ShotOrder, do_order, stylize_shots_apart
from photovst.threads import threads as limited_to

TASKS_A_SLOT = 4
"""Tasks that a clip's shots are parted into, for each that can run at once: the last ones to end leave little idle."""


def on_ray(
    members: Sequence[SweepMember],
    *,
    evaluate: Evaluate,
    cluster: Callable[[], AbstractContextManager[RayTasks]],
    by_shot: bool = False,
    overwrite: bool = False,
    threads: int = 1,
    progress_for: Callable[[], Progress],
) -> Iterator[Ended]:
    """Run members as tasks, as `in_turn` does one after the other; with ``by_shot`` the shots of each in its turn.

    Where nothing is left to be run, no cluster is asked for.

    Raises:
        SettingsError: the cluster cannot be used.
    """
    done = [each for each in members if not overwrite and _is_done(each)]
    yield from in_turn(done, evaluate=evaluate, threads=threads, progress_for=progress_for)
    left = [each for each in members if each not in done]
    if not left:
        return
    with cluster() as tasks, progress_for() as progress:
        progress.note(f"{len(left)} members on Ray, {tasks.slots} tasks at once")
        whole = [each for each in left if not by_shot or _in_order(each)]
        if by_shot and whole:
            names = ", ".join(each.name for each in whole)
            progress.note(f"as one task each, for they take several passes or a trained network: {names}")
        jobs = {each.name: (each, evaluate, overwrite, threads) for each in whole}
        holds = {each.name: each.run_folder for each in whole}
        by_name = {each.name: each for each in whole}
        for number, (name, error) in enumerate(tasks.results(_member_there, jobs, holds), start=1):
            progress.note(f"{number} of {len(whole)} ended: {name}{' (failed)' if error else ''}")
            yield by_name[name], error
        for member in left:
            if member not in whole:
                yield member, _by_shots(member, tasks, evaluate, overwrite, threads, progress)


def _in_order(member: SweepMember) -> bool:
    """Whether the shots of a member are not taken apart from each other."""
    settings = member.settings
    return settings.schedule.passes.count > 1 or is_network(settings.style) or predicts_pictures(settings)


def _is_done(member: SweepMember) -> bool:
    try:
        return (member.run_folder / METRICS).is_file() and is_finished(member.settings, member.run_folder)
    except (PhotovstError, OSError):
        return False  # the task will say why


def _by_shots(
    member: SweepMember, tasks: RayTasks, evaluate: Evaluate, overwrite: bool, threads: int, progress: Progress
) -> Exception | None:
    def send(orders: Sequence[ShotOrder]) -> Iterable[Exception | None]:
        jobs = {order.name: (order, threads) for order in orders}
        # Of several shots in an order the first is as good as any: they are held one after the other.
        holds = {order.name: order.run_folder / FOLDER / f"{order.shots[0]:06d}" for order in orders}
        for number, (name, error) in enumerate(tasks.results(_order_there, jobs, holds), start=1):
            progress.note(f"{number} of {len(jobs)} ended: {name}{' (failed)' if error else ''}")
            yield error

    progress.note(f"{member.name}, shot by shot")
    first = partial(stylize_shots_apart, send=send, tasks=TASKS_A_SLOT * tasks.slots)
    try:
        run_member(member, evaluate=evaluate, overwrite=overwrite, threads=threads, progress=progress, first=first)
    except (PhotovstError, MemoryError, RuntimeError) as error:
        if not (isinstance(error, PhotovstError) or out_of_memory(error)):
            raise
        return error
    return None


def _member_there(member: SweepMember, evaluate: Evaluate, overwrite: bool, threads: int) -> None:
    """In a worker."""
    with progress_for(quiet=True) as progress:
        run_member(member, evaluate=evaluate, overwrite=overwrite, threads=threads, progress=progress)


def _order_there(order: ShotOrder, threads: int) -> None:
    """In a worker."""
    with limited_to(threads), progress_for(quiet=True) as progress:
        do_order(order, progress)
