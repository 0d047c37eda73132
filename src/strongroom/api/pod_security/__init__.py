"""The Pod Security Standards: what a Pod may ask of its node, at three levels."""
