"""The Engine on etcd, for several servers on one store: keys and revisions are etcd's own."""
