"""Secrets as clients write them beside the plain ones of `create` and `update`: with labels and an
annotation, as `kubectl create secret` sends them (protobuf), and whole ones sent back with another value."""

import json
import secrets
import tempfile
from pathlib import Path
from typing import Any

from bench import wrk
from bench.result import Figure
from bench.target import Options, Target

TITLE = "write a Secret"
NEEDS_NODE = False
SECRETS = 500
CREATIONS = {"labelled": "create a labelled Secret", "kubectl": "create a Secret as kubectl does"}
UPDATES = {"values": "update a labelled Secret", "whole": "send a whole Secret back"}


def run(target: Target, options: Options) -> list[Figure]:
    figures = []
    for form, title in {**CREATIONS, **UPDATES}.items():
        with target.namespace() as namespace, target.api() as api, tempfile.TemporaryDirectory() as folder:
            path, prefix = f"/api/v1/namespaces/{namespace}/secrets", f"b{secrets.token_hex(3)}-"
            objects = Path(folder) / "objects"
            if form in UPDATES:
                made = [api.ok("POST", path, _secret(f"{prefix}{number}")) for number in range(SECRETS)]
                objects.write_text("".join(json.dumps(each, separators=(",", ":")) + "\n" for each in made))
            load = wrk.run(
                target,
                options,
                "secrets.lua",
                path,
                BENCH_FORM=form,
                BENCH_PREFIX=prefix,
                BENCH_COUNT=str(SECRETS),
                BENCH_PATH=path,
                BENCH_OBJECTS=str(objects),
            )
        figures += [
            Figure(
                title, load.per_second, "/s", "higher", load.failures, f"{options.connections} connections"
            ),
            Figure(f"{title}, median", load.median, "ms", "lower"),
            Figure(f"{title}, p99", load.p99, "ms", "lower"),
        ]
    return figures


def _secret(name: str) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/name": "web", "app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"example.com/note": "of the bench"},
        },
        "stringData": {"username": "admin", "password": "ikubernetes"},
    }
