"""Tokens that lie in Secrets: who reads or makes such a Secret can act as the token's subject."""

from collections.abc import Iterator
from typing import Final

from strongroom.cli.access.grants import Action, Subject
from strongroom.cli.access.model import BOOTSTRAPPERS, State, Way

_BOOTSTRAP_NAMESPACE: Final = "kube-system"
_READS: Final = ("get", "list", "watch", "patch")


def ways(other: Subject, state: State) -> Iterator[tuple[Way, list[Action]]]:
    """Ways to act as `other`, each with all the actions that it takes."""
    for secret in state.tokens:
        if secret.of == other:
            detail = f"read Secret {secret.namespace}/{secret.name}, which holds a token of {other}"
            for verb in _READS:
                action = Action(verb, "", "secrets", secret.namespace, secret.name)
                yield Way("token-secret", detail, through=other), [action]
    if other == BOOTSTRAPPERS:
        detail = f"make a bootstrap token, a Secret in {_BOOTSTRAP_NAMESPACE}"
        for verb in ("create", "update", "patch"):
            action = Action(verb, "", "secrets", _BOOTSTRAP_NAMESPACE)
            yield Way("token-secret", detail, through=other), [action]
    elif other.kind == "ServiceAccount" and other.namespace != state.namespace:
        # In the Secret's own namespace that takes the right to read the Secret itself.
        detail = f"make a Secret in {other.namespace} that is filled with a token of {other}, and read it"
        for verb in _READS:
            both = [Action(each, "", "secrets", other.namespace) for each in ("create", verb)]
            yield Way("token-secret", detail, through=other), both
