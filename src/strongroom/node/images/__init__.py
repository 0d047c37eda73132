"""Images: what a reference names, who may pull it, and the pulling."""
