"""`python -m bench`: measure a Strongroom of its own, or one or two clusters that run already."""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench import encryption, hundred, large, own, result, start, works
from bench.target import Options, Target

BUSY = 1.0
"""Load average of the last minute above which figures are doubtful."""


def main(arguments: Sequence[str]) -> int:
    flags = parser().parse_args(arguments)
    options = Options(
        flags.seconds, flags.connections, flags.changes, flags.patience, flags.pods, flags.image
    )
    chosen = flags.only or ["start", *works.ALL, "encryption", "large", "hundred"]
    figures: dict[str, list[result.Figure]] = {}
    if (load := os.getloadavg()[0]) > BUSY:
        say(f"this machine is doing other work (load {load:.1f}): what is measured now is worth little")
    with contextlib.ExitStack() as stack:
        if flags.kubeconfig:
            targets = [Target(flags.name, flags.kubeconfig, flags.pids)]
            node = not flags.no_node
        else:
            figures["strongroom"] = []
            if "start" in chosen:
                say("start")
                figures["strongroom"] += start.run()
            if "encryption" in chosen:
                say("encryption")
                figures["strongroom"] += encryption.run(options)
            if "large" in chosen:
                say("large")
                figures["strongroom"] += large.run(options)
            node = not flags.no_node and own.can_have_node()
            if "hundred" in chosen and node:
                say("hundred")
                figures["strongroom"] += hundred.run(options)
            targets = []
            if any(name in works.ALL for name in chosen):
                targets.append(stack.enter_context(own.started(options, node=node)))
                time.sleep(flags.settle)
        if flags.against:
            targets.append(Target(flags.against_name, flags.against, flags.against_pids))
        for name in chosen:
            if name in works.ALL and (node or not works.ALL[name].NEEDS_NODE):
                for target in targets:
                    say(f"{name}: {target.name}")
                    figures.setdefault(target.name, []).extend(works.ALL[name].run(target, options))
    print(result.table(figures))
    if flags.json:
        flags.json.write_text(result.document(figures) + "\n")
    return 1 if any(figure.failures for each in figures.values() for figure in each) else 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="bench", description=__doc__)
    made.add_argument("--kubeconfig", type=Path, help="cluster to measure; default: a Strongroom of its own")
    made.add_argument("--name", default="strongroom", help="its name in the table")
    made.add_argument("--against", type=Path, help="kubeconfig of a cluster to hold it against")
    made.add_argument("--against-name", default="other")
    made.add_argument("--pids", type=numbers, default=[], help="its processes, for memory: 1,2,3")
    made.add_argument("--against-pids", type=numbers, default=[])
    made.add_argument(
        "--only",
        type=lambda text: text.split(","),
        help="works: start,encryption,large,hundred," + ",".join(works.ALL),
    )
    made.add_argument("--no-node", action="store_true", help="leave out what needs Pods")
    made.add_argument("--json", type=Path, help="file for the figures as JSON")
    made.add_argument(
        "--settle", type=float, default=5.0, help="seconds to wait before the first measurement"
    )
    for field, what in (
        ("seconds", "of load"),
        ("connections", "under load"),
        ("changes", "of a Secret to follow into a container"),
        ("patience", "seconds for what the cluster does in its own time"),
        ("pods", "to start together"),
        ("image", "of the Pods; needs /bin/bash"),
    ):
        default = getattr(Options(), field)
        made.add_argument(
            f"--{field}", type=type(default), default=default, help=f"{what} (default {default})"
        )
    return made


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
