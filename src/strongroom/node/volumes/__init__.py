"""Volumes of pods: what a pod names, as directories that containers mount."""
