"""When an image is pulled (`imagePullPolicy`)."""

from enum import Enum

from strongroom.machinery import image_reference
from strongroom.machinery.gvk import Object

ALWAYS = "Always"
IF_NOT_PRESENT = "IfNotPresent"
NEVER = "Never"


class Decision(Enum):
    """What to do about an image."""

    USE = "use what is here"
    PULL = "pull"
    REFUSE = "absent, and may not be pulled"


def policy_of(container: Object) -> str:
    """The policy of a container. The API server sets one; without it the default of the API holds."""
    if policy := container.get("imagePullPolicy"):
        return str(policy)
    try:
        image = image_reference.parse(str(container.get("image", "")))
    except image_reference.InvalidReferenceError:
        return IF_NOT_PRESENT
    return ALWAYS if image.tag in ("", "latest") and not image.digest else IF_NOT_PRESENT


def decide(policy: str, *, present: bool) -> Decision:
    """What `policy` asks for where the image is, or is not, on the machine."""
    if policy == ALWAYS:
        return Decision.PULL
    if present:
        return Decision.USE
    return Decision.REFUSE if policy == NEVER else Decision.PULL
