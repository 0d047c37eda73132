"""Those who say nothing of themselves, on the few paths where that is allowed."""

from strongroom.machinery.request_info import UserInfo
from strongroom.server.request import ANONYMOUS, Headers

PATHS = ("/livez", "/readyz", "/healthz", "/version")


class AnonymousAuthenticator:
    """`system:anonymous` for health checks and the version. Elsewhere, or with a credential: nobody."""

    def authenticate(self, headers: Headers, path: str) -> UserInfo | None:
        if b"authorization" in headers:
            return None
        if path in PATHS or path.startswith(tuple(f"{open_path}/" for open_path in PATHS)):
            return ANONYMOUS
        return None
