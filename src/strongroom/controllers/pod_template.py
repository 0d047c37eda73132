"""Pod templates: told apart by a digest, and made into Pods.

Upstream hashes a dump of Go's structures, so no other program gives the same hash. Ours is as stable and as
unlike for unlike templates, which is all that anybody relies on, and is written in the same alphabet.
"""

import hashlib

import orjson

from strongroom.controllers import ownership
from strongroom.machinery.gvk import Object, Resource

HASH_LABEL = "pod-template-hash"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def digest(template: Object) -> str:
    """The same for templates that are the same but for the hash label: 32 hexadecimal digits."""
    metadata = template.get("metadata") or {}
    kept = {key: value for key, value in metadata.items() if value}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH_LABEL}
    plain = [kept | {"labels": labels}, template.get("spec") or {}]
    data = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def name_hash(template_digest: str, collisions: int | None) -> str:
    """The end of a ReplicaSet's name, and the value of the hash label: up to 10 letters and digits.

    `collisions`: how often a name for this owner was found taken.
    """
    hashed = hashlib.blake2b(template_digest.encode(), digest_size=4)
    if collisions is not None:
        hashed.update(collisions.to_bytes(8, "little"))
    number = int.from_bytes(hashed.digest(), "little")
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(number))


def pod(owner: Object, resource: Resource) -> Object:
    """A new Pod of the template of `owner`, which is of `resource`; its name is left to the server."""
    template, metadata = owner["spec"]["template"], owner["metadata"]
    given = template.get("metadata") or {}
    made: Object = {
        "generateName": f"{metadata['name']}-",
        "namespace": metadata["namespace"],
        "ownerReferences": [ownership.reference_to(owner, resource)],
    }
    made |= {field: given[field] for field in ("labels", "annotations", "finalizers") if given.get(field)}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": made, "spec": template["spec"]}
