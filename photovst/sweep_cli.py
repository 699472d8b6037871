"""``photovst sweep``: an ablation from one file to tables and plots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from photovst.cli_options import LogJson, Overwrite, Quiet
from photovst.endings import out_of_memory, signals_wait
from photovst.errors import PhotovstError, SettingsError

if TYPE_CHECKING:
    from photovst.sweeps.members import Ended
    from photovst.sweeps.settings import Sweep, SweepMember


class Unit(Enum):
    """What is one task on Ray."""

    member = "member"
    shot = "shot"


def sweep(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The sweep: YAML, see docs/sweeps.md.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Settings common to all members.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Where everything goes, if FILE does not say.")
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", help="Threads of PyTorch for a member; all, or 1 on Ray. Bytes depend on it.", min=1),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(metavar="local|auto|HOST:PORT", help="Run members as tasks on a Ray cluster; 'local' starts one."),
    ] = None,
    by: Annotated[Unit, typer.Option(help="On Ray: what a task is; shots are for few long clips.")] = Unit.member,
    cpus: Annotated[float, typer.Option(metavar="N", help="On Ray: CPUs of a task.", min=0)] = 1,
    gpus: Annotated[float, typer.Option(metavar="N", help="On Ray: GPUs of a task; a share is fine.", min=0)] = 0,
    retries: Annotated[
        int, typer.Option(metavar="N", help="On Ray: how often a task is run again when its worker dies.", min=0)
    ] = 3,
    slots: Annotated[
        int | None, typer.Option(metavar="N", help="With --ray local: tasks at once; as many as cores.", min=1)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the members, and run none.")] = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Run every member of a sweep and end with one table (CSV, Markdown, LaTeX) and plots of trade-offs.

    Finished members are left as they are, stopped ones go on. One that fails is told of, and the others go on.
    """
    say: Callable[[str], None] = ctx.obj.say

    def work() -> str:
        from photovst.sweeps.settings import load_sweep

        if ray is None and (by is not Unit.member or slots is not None or gpus):
            raise SettingsError("--by, --slots and --gpus are for tasks on Ray; add --ray local, auto or HOST:PORT")
        if slots is not None and ray != "local":
            raise SettingsError(f"--slots is for --ray local, not for --ray {ray}; leave one out")
        if ray is not None:
            from photovst.sweeps.ray_tasks import check_ray

            check_ray()
        plan = load_sweep(file, output, overrides or ())
        if dry_run:
            return _listed(plan)
        with signals_wait():
            from photovst.evaluate import evaluate_run
            from photovst.progress import progress_for
            from photovst.sweeps.members import in_turn

        told = partial(progress_for, quiet=quiet, log_json=log_json)
        run: Callable[[Sequence[SweepMember]], Iterable[Ended]]
        if ray is None:
            run = partial(in_turn, evaluate=evaluate_run, overwrite=overwrite, threads=threads, progress_for=told)
        else:
            from photovst.sweeps.on_ray import on_ray
            from photovst.sweeps.ray_tasks import RayTasks, Resources

            run = partial(
                on_ray,
                evaluate=evaluate_run,
                cluster=lambda: RayTasks(ray, Resources(cpus, gpus, retries), slots),
                by_shot=by is Unit.shot,
                overwrite=overwrite,
                threads=threads or 1,
                progress_for=told,
            )
        return _run(plan, run, say)

    ctx.obj.work = work


def _listed(plan: Sweep) -> str:
    from photovst.tables import table_text

    return table_text(("member", "result"), ((each.name, each.settings.output) for each in plan.members))


def _run(plan: Sweep, run: Callable[[Sequence[SweepMember]], Iterable[Ended]], say: Callable[[str], None]) -> str:
    """Run it, and return the table and where everything is.

    Raises:
        PhotovstError: with all that can be had printed already, a member failed.
    """
    from photovst.sweeps.members import PLOTS, run_sweep
    from photovst.sweeps.table import summary

    failed: list[str] = []

    def on_failure(name: str, error: Exception) -> None:
        failed.append(name)
        say(f"error: {name}: {'out of memory' if out_of_memory(error) else error}")

    try:
        plan.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"cannot make the folder {plan.output} ({error.strerror}); choose another with -o"
        ) from error
    text = summary(plan, run_sweep(plan, run, on_failure))
    if not any((plan.output / name).exists() for name in PLOTS):
        text += (
            "\nNo plots: no member was judged by vgg19_cd16x; its weights are not here ('photovst weights' tells), or"
            " it was what members were made with"
        )
    text += f"\n{plan.output / 'sweep.md'}"
    if failed:
        print(text)
        raise PhotovstError(f"{len(failed)} of {len(plan.members)} members failed: {', '.join(failed)}")
    return text
