"""SubjectAccessReview and its kin: may this user do that, and what may I do here."""

from collections.abc import Callable, Sequence
from typing import Protocol

from strongroom.aio.clock import Clock
from strongroom.api import reviews as kinds
from strongroom.machinery import status, validation
from strongroom.machinery.gvk import Object, Resource
from strongroom.machinery.request_info import RequestInfo, UserInfo
from strongroom.machinery.validation import FieldError
from strongroom.server.authorization import rules
from strongroom.server.authorization.authorizer import Authorizer, Decision
from strongroom.server.authorization.node import GROUP as NODES
from strongroom.server.authorization.rules import Rule
from strongroom.server.endpoint import Endpoint
from strongroom.server.handlers import reviews
from strongroom.server.request import Request


class RuleLister(Protocol):
    """An authorizer that can say all that a user may do."""

    def rules(self, user: UserInfo, namespace: str) -> tuple[list[Rule], list[str]]:
        """The rules, and what could not be resolved."""
        ...


Asked = tuple[UserInfo, Object]
"""Who, and the spec with the attributes."""


def endpoints(authorizer: Authorizer, listers: Sequence[RuleLister], clock: Clock) -> list[Endpoint]:
    def ask(resource: Resource, asked: Callable[[Object, Request], Asked]) -> Endpoint:
        def answer(review: Object, request: Request) -> Object:
            user, spec = asked(review, request)
            return _answer(authorizer, user, spec)

        return reviews.endpoint(resource, answer, clock)

    return [
        ask(kinds.SUBJECT_ACCESS_REVIEWS, _someone),
        ask(kinds.LOCAL_SUBJECT_ACCESS_REVIEWS, _someone_here),
        ask(kinds.SELF_SUBJECT_ACCESS_REVIEWS, _me),
        reviews.endpoint(
            kinds.SELF_SUBJECT_RULES_REVIEWS,
            lambda review, request: _all_rules(review, request, listers),
            clock,
            reviews.bare,
        ),
    ]


def _answer(authorizer: Authorizer, user: UserInfo, spec: Object) -> Object:
    verdict = authorizer.authorize(user, _attributes(spec))
    answer: Object = {"allowed": verdict.decision is Decision.ALLOW}
    if verdict.decision is Decision.DENY:
        answer["denied"] = True
    if verdict.reason:
        answer["reason"] = verdict.reason
    return answer


def _attributes(spec: Object) -> RequestInfo:
    if (path := spec.get("nonResourceAttributes")) is not None:
        return RequestInfo(False, path.get("verb", ""), path.get("path", ""))
    asked = spec["resourceAttributes"]
    return RequestInfo(
        True,
        asked.get("verb", ""),
        "",
        asked.get("group", ""),
        asked.get("version") or "*",
        asked.get("namespace", ""),
        asked.get("resource", ""),
        asked.get("subresource", ""),
        asked.get("name", ""),
        _selector(asked.get("fieldSelector")),
        _selector(asked.get("labelSelector")),
    )


def _selector(given: Object | None) -> str:
    """What of a selector authorizers look at: fields that must have one value."""
    if not given:
        return ""
    if raw := given.get("rawSelector"):
        return str(raw)
    exact = (
        (each.get("key", ""), list(each.get("values") or ()))
        for each in given.get("requirements") or ()
        if each.get("operator") == "In"
    )
    return ",".join(f"{key}={values[0]}" for key, values in exact if len(values) == 1)


# ---- who ----


def _me(review: Object, request: Request) -> Asked:
    spec = review.get("spec") or {}
    _refuse(kinds.SELF_SUBJECT_ACCESS_REVIEWS, [*_check_spec(spec), *_check_metadata(review)])
    return request.user, spec


def _someone(review: Object, request: Request) -> Asked:
    spec = review.get("spec") or {}
    errors = [*_check_spec(spec), *_check_user(spec), *_check_metadata(review)]
    _refuse(kinds.SUBJECT_ACCESS_REVIEWS, errors)
    return _user(spec), spec


def _someone_here(review: Object, request: Request) -> Asked:
    spec = review.get("spec") or {}
    given = review["metadata"].get("namespace") or ""
    namespace = request.info.namespace
    if given and given != namespace:
        raise status.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    review["metadata"] = _placed(review["metadata"], namespace)
    errors = [*_check_spec(spec), *_check_user(spec), *_check_metadata(review, "namespace")]
    attributes = spec.get("resourceAttributes")
    if attributes is not None and (asked := attributes.get("namespace", "")) != namespace:
        field = "spec.resourceAttributes.namespace"
        errors.append(validation.invalid_value(field, asked, "must match metadata.namespace"))
    if spec.get("nonResourceAttributes") is not None:
        errors.append(
            validation.invalid_value(
                "spec.nonResourceAttributes",
                spec["nonResourceAttributes"],
                "disallowed on this kind of request",
            )
        )
    _refuse(kinds.LOCAL_SUBJECT_ACCESS_REVIEWS, errors)
    return _user(spec), spec


def _user(spec: Object) -> UserInfo:
    extra = {key: tuple(values or ()) for key, values in (spec.get("extra") or {}).items()}
    return UserInfo(spec.get("user", ""), spec.get("uid", ""), tuple(spec.get("groups") or ()), extra)


def _check_spec(spec: Object) -> list[FieldError]:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        text = "cannot be specified in combination with resourceAttributes"
        return [validation.invalid_value("spec.nonResourceAttributes", path, text)]
    if resource is None and path is None:
        text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [validation.invalid_value("spec.resourceAttributes", resource, text)]
    return []


def _check_user(spec: Object) -> list[FieldError]:
    if spec.get("user") or spec.get("groups"):
        return []
    text = "at least one of user or group must be specified"
    return [validation.invalid_value("spec.user", spec.get("user", ""), text)]


def _placed(metadata: Object, namespace: str) -> Object:
    """With the namespace, where it stands in any object."""
    ahead: Object = {key: metadata[key] for key in ("name", "generateName") if key in metadata}
    rest = {key: value for key, value in metadata.items() if key not in (*ahead, "namespace")}
    return {**ahead, "namespace": namespace, **rest}


def _check_metadata(review: Object, tolerated: str = "") -> list[FieldError]:
    metadata = review["metadata"]
    if not any(value for field, value in metadata.items() if field not in ("managedFields", tolerated)):
        return []
    text = "must be empty" + (f" except for {tolerated}" if tolerated else "")
    return [validation.invalid_value("metadata", metadata, text)]


def _refuse(resource: Resource, errors: Sequence[FieldError]) -> None:
    """Upstream's refusals leave the kind out."""
    if errors:
        raise status.invalid_kind(f".{resource.group}", resource.group, "", "", errors)


# ---- rules ----


def _all_rules(review: Object, request: Request, listers: Sequence[RuleLister]) -> Object:
    namespace = (review.get("spec") or {}).get("namespace") or ""
    if not namespace:
        raise status.bad_request("no namespace on request")
    found: list[Rule] = []
    problems: list[str] = []
    for lister in listers:
        more, trouble = lister.rules(request.user, namespace)
        found += more
        problems += trouble
    if NODES in request.user.groups:
        problems.append("node authorizer does not support user rule resolution")
    distinct = [rules.to_object(rule) for rule in dict.fromkeys(found)]
    answer: Object = {
        "resourceRules": [rule for rule in distinct if "resources" in rule],
        "nonResourceRules": [rule for rule in distinct if "nonResourceURLs" in rule],
        "incomplete": bool(problems),
    }
    if problems:
        answer["evaluationError"] = ", ".join(dict.fromkeys(problems))
    return answer
