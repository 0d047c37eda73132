"""Key-encryption keys that a KMS v2 plugin holds."""
