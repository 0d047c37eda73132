"""Where the Pods of Services are: Endpoints and EndpointSlices."""
