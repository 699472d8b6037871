"""What a film costs: the model of docs/scale.md, its coefficients from measured runs, and its seconds beside theirs.

    T = start + S (regions + first frame) + K (later frame) + N (survey + steps + render)

for N frames in S shots of which K are stylized after the first of their shot. The start is one number a device, with
what a first shot takes longer than others; frames one a device and kind of styler; survey, steps and rendering each
something to begin with, and a line over the pixels of a frame. So there are fewer coefficients than runs have stages,
and runs that they were not made from (`--check`) say whether it holds.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

RATE, SECONDS_A_SHOT = 24, 4


def run_model(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Print coefficients, and predicted beside measured seconds; ``folder`` is not used."""
    known, unseen = ([run for file in files for run in runs_of(file)] for files in (options.files, options.check))
    model = coefficients(known)
    print("coefficient                                    value")
    for device, parts in model.items():
        for name, value in parts.items():
            print(f"{device:6s} {name:38s} {_said(value)}")
    print("run                                        frames  shots keyframes | measured predicted  ratio")
    rows = []
    for run, seen in [(run, True) for run in known] + [(run, False) for run in unseen]:
        name = f"{run['size'][1]}x{run['size'][0]} {run['kind']} {run['device']}"
        said = predicted(model, run)
        if said is None:
            print(f"{name:42s} no coefficients: no run of this kind and device was given")
            continue
        rows.append({"run": name, "frames": run["frames"], "measured": run["seconds"], "predicted": said, "seen": seen})
        print(
            f"{name:42s} {run['frames']:6d} {run['shots']:6d} {run['stylized']:9d} |"
            f" {run['seconds']:8.1f} {said:9.1f} {said / run['seconds']:6.3f}{'' if seen else '  not learned from'}"
        )
    hours = _hours(model, known)
    for name, seconds in hours.items():
        print(f"an hour at {RATE} frames/s, a cut every {SECONDS_A_SHOT} s: {name}: {seconds / 3600:.2f} h")
    return {"coefficients": model, "runs": rows, "hours": hours}


def runs_of(file: Path) -> list[dict[str, Any]]:
    """The runs in a benchmark's output; its last line of JSON."""
    lines = [line for line in file.read_text().splitlines() if line.startswith("{")]
    runs: list[dict[str, Any]] = json.loads(lines[-1])["runs"]
    return runs


def coefficients(runs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By device: seconds, or a line over megapixels."""
    model: dict[str, dict[str, Any]] = {}
    for device in dict.fromkeys(run["device"] for run in runs):
        mine = [run for run in runs if run["device"] == device]
        parts = model[device] = {"start": _median([run["start"] + run["stages"].get("report", 0.0) for run in mine])}
        parts["survey"] = _line(mine, [run["stages"]["survey"] for run in mine])
        for styler in dict.fromkeys(map(_styler, mine)):
            same = [run for run in mine if _styler(run) == styler]
            parts[f"first shot, {styler}"] = _median([run["first_shot"] for run in same])
            # With one shot only nobody knows how much of it was for the first time: an upper bound.
            others = [run["other_shots"] for run in same if run["shots"] > 1]
            parts[f"other shots, {styler}"] = _median(others) if others else parts[f"first shot, {styler}"]
            later = [run["later"] for run in same if run["stylized"] > run["shots"]]
            parts[f"later, {styler}"] = _median(later) if later else 0.0
            if styler == "every frame":
                parts[f"render, {styler}"] = _line(same, [_rest(run) for run in same])
        keyed = [run for run in mine if "render" in run["stages"]]
        for placing in dict.fromkeys(map(_placing, keyed)):
            same = [run for run in keyed if _placing(run) == placing]
            parts[f"steps, {placing}"] = _line(same, [run["each"] * run["frames"] for run in same])
        if keyed:
            parts["render"] = _line(keyed, [run["stages"]["render"] for run in keyed])
    return model


def predicted(model: dict[str, dict[str, Any]], run: dict[str, Any]) -> float | None:
    """Seconds of a run by the model; None where it knows nothing of such."""
    parts, styler = model.get(run["device"], {}), _styler(run)
    whole = "render, every frame" if styler == "every frame" else "render"
    steps = None if styler == "every frame" else f"steps, {_placing(run)}"
    if f"first shot, {styler}" not in parts or (steps and steps not in parts):
        return None
    lines = [parts["survey"], parts[whole], *([parts[steps]] if steps else [])]
    each = sum(float(np.dot(line, _shape(run))) for line in lines)
    shots = parts[f"first shot, {styler}"] + (run["shots"] - 1) * parts[f"other shots, {styler}"]
    later = (run["stylized"] - run["shots"]) * parts[f"later, {styler}"]
    return float(parts["start"] + shots + later + each)


def _hours(model: dict[str, dict[str, Any]], runs: list[dict[str, Any]]) -> dict[str, float]:
    """Seconds of an hour of film, by size, kind and device, with as many keyframes as the longest such run."""
    longest: dict[str, dict[str, Any]] = {}
    for run in runs:
        name = f"{run['size'][1]}x{run['size'][0]} {run['kind']} {run['device']}"
        if name not in longest or run["frames"] > longest[name]["frames"]:
            longest[name] = run
    frames, shots = 3600 * RATE, 3600 // SECONDS_A_SHOT
    found = {}
    for name, run in longest.items():
        share = (run["stylized"] - run["shots"]) / max(run["frames"] - run["shots"], 1)
        film = {**run, "frames": frames, "shots": shots, "stylized": shots + share * (frames - shots)}
        found[name] = float(predicted(model, film) or 0.0)
    return found


def _rest(run: dict[str, Any]) -> float:
    """What all frames cost beside being optimized, where all are: rendered meanwhile, it is what is not hidden."""
    alone = run["shots"] * (run["regions"] + run["first"]) + (run["stylized"] - run["shots"]) * run["later"]
    return max(float(run["stages"]["stylize"] - alone), 0.0)


def _styler(run: dict[str, Any]) -> str:
    kind = str(run["kind"])
    return "every frame" if kind == "none" else "predicted" if kind.startswith("predicted") else "keyframes"


def _placing(run: dict[str, Any]) -> str:
    # Flow from frame to frame is most of it for all; looking at frames between costs more where they are optimized.
    return "predicted" if _styler(run) == "predicted" else "every" if run["kind"] == "8" else "adaptive"


def _said(value: float | list[float]) -> str:
    if not isinstance(value, list):
        return f"{value:.3f} s"
    return f"{value[0]:.3f} s, {1000 * value[1]:.2f} ms a frame, {1000 * value[2]:.2f} ms a frame's megapixel"


def _shape(run: dict[str, Any]) -> list[float]:
    """What a line is over: the run, its frames, and its megapixels."""
    return [1.0, run["frames"], run["frames"] * run["size"][0] * run["size"][1] / 1e6]


def _line(runs: list[dict[str, Any]], seconds: list[float]) -> list[float]:
    """Seconds to begin with, a frame and a megapixel, none below 0; by least squares of relative errors.

    What does not differ between the runs cannot be told from what is to its right, to which all is given.
    """
    design, wanted = np.array([_shape(run) for run in runs]), np.array(seconds)
    told = [len(set(design[:, 1])) > 1, len(set(design[:, 2] / design[:, 1])) > 1, True]
    weights = 1 / np.maximum(wanted, 1e-3)
    found, _ = nnls(design * told * weights[:, None], wanted * weights)
    return [float(value) for value in found]


def _median(values: list[float]) -> float:
    return float(np.median(values))
