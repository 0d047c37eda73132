"""The Engine on etcd, for several servers on one store: keys and revisions are etcd's own."""

from strongroom.store.engines.etcd.engine import EtcdEngine

__all__ = ["EtcdEngine"]
