"""Why a body could not be decoded, in the words of Go's decoders."""


class DecodeError(ValueError):
    """The body is not JSON, YAML or protobuf. The text may quote one character of the body."""


class TypeMismatch(ValueError):
    """A field holds another type than its kind has. The text names the field, never its value."""
