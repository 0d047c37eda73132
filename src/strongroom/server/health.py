"""`/healthz`, `/livez` and `/readyz`: named checks, one line each with `?verbose`."""

from collections.abc import Callable, Mapping

from strongroom.server import responses
from strongroom.server.request import Request

Check = Callable[[], bool]

PATHS = ("/healthz", "/livez", "/readyz")


class Health:
    """`ready` are checked by /readyz only, `live` by all. A check is quick, and says but yes or no."""

    def __init__(self, live: Mapping[str, Check], ready: Mapping[str, Check]) -> None:
        self.shutting_down = False
        always: Mapping[str, Check] = {"ping": lambda: True, "log": lambda: True, **live}
        self._checks: Mapping[str, Mapping[str, Check]] = {
            "/livez": always,
            "/healthz": always,
            "/readyz": {**always, **ready, "shutdown": lambda: not self.shutting_down},
        }

    @property
    def paths(self) -> list[str]:
        """All paths that are answered here."""
        return [
            f"{endpoint}/{check}".rstrip("/")
            for endpoint, checks in self._checks.items()
            for check in ("", *checks)
        ]

    def has(self, path: str) -> bool:
        return path.startswith(PATHS) and self._split(path) is not None

    def _split(self, path: str) -> tuple[str, str] | None:
        endpoint, _, check = path.rstrip("/")[1:].partition("/")
        endpoint = "/" + endpoint
        if endpoint not in self._checks or (check and check not in self._checks[endpoint]):
            return None
        return endpoint, check

    @property
    def ready(self) -> bool:
        """Whether /readyz answers ok."""
        return all(check() for check in self._checks["/readyz"].values())

    async def serve(self, request: Request) -> None:
        """Answer a path that `has` knows, by whatever method, as Kubernetes does."""
        found = self._split(request.path)
        assert found is not None, "asked for a path that has() does not know"
        endpoint, single = found
        checks = self._checks[endpoint]
        if single:
            checks = {single: checks[single]}
        excluded = request.query.get("exclude", [])
        lines, failed = [], False
        for name, check in checks.items():
            if name in excluded:
                lines.append(f"[+]{name} excluded: ok")
            elif check():
                lines.append(f"[+]{name} ok")
            else:
                failed = True
                lines.append(f"[-]{name} failed: reason withheld")
        verbose = "verbose" in request.query
        more = [(b"x-content-type-options", b"nosniff")]
        title = endpoint[1:]
        if failed:
            text = "\n".join([*lines, f"{title} check failed"]) + "\n"
            await responses.text(request, 500, text, more)
        elif verbose and not single:
            await responses.text(request, 200, "\n".join([*lines, f"{title} check passed"]) + "\n", more)
        else:
            await responses.text(request, 200, "ok", more)
