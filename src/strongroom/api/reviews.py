"""Kinds that are asked and not kept: a POST is answered with the object completed, and nothing is stored."""

from typing import Final

from strongroom.api.strategy import Strategy
from strongroom.machinery.gvk import Resource

AUTHENTICATION: Final = "authentication.k8s.io"
AUTHORIZATION: Final = "authorization.k8s.io"

TOKEN_REQUESTS = Resource(AUTHENTICATION, "v1", "tokenrequests", "TokenRequest")
"""The body of `serviceaccounts/‹name›/token`; it has no path of its own."""
TOKEN_REVIEWS = Resource(AUTHENTICATION, "v1", "tokenreviews", "TokenReview", namespaced=False)
SELF_SUBJECT_REVIEWS = Resource(
    AUTHENTICATION, "v1", "selfsubjectreviews", "SelfSubjectReview", namespaced=False
)
SUBJECT_ACCESS_REVIEWS = Resource(
    AUTHORIZATION, "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced=False
)
LOCAL_SUBJECT_ACCESS_REVIEWS = Resource(
    AUTHORIZATION, "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview"
)
SELF_SUBJECT_ACCESS_REVIEWS = Resource(
    AUTHORIZATION, "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", namespaced=False
)
SELF_SUBJECT_RULES_REVIEWS = Resource(
    AUTHORIZATION, "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", namespaced=False
)


class Review(Strategy):
    """How discovery and the OpenAPI documents list a review."""

    verbs = ("create",)


def described(which: Resource) -> Review:
    """A review of that resource."""

    class Described(Review):
        resource = which
        singular = which.kind.lower()

    return Described()


REVIEWS: Final = tuple(
    map(
        described,
        (
            TOKEN_REVIEWS,
            SELF_SUBJECT_REVIEWS,
            SUBJECT_ACCESS_REVIEWS,
            LOCAL_SUBJECT_ACCESS_REVIEWS,
            SELF_SUBJECT_ACCESS_REVIEWS,
            SELF_SUBJECT_RULES_REVIEWS,
        ),
    )
)
