"""What a request leaves for its audit event, beside what is known of it anyway."""

from strongroom.machinery.status import StatusError


class Notes:
    """`body`: as it was sent, where the policy may want it. `answer`: likewise. `failure`: what was answered
    in its place. `panic`: the type of an error that nobody foresaw."""

    __slots__ = ("answer", "body", "failure", "keeps_body", "panic")

    def __init__(self, *, keeps_body: bool) -> None:
        self.keeps_body = keeps_body
        self.body: bytes | None = None
        self.answer: bytes | None = None
        self.failure: StatusError | None = None
        self.panic = ""
