"""`strongroom token`: the tokens that machines join the cluster with."""
