"""Typed facades over the registry actor and the Serve deployments. The only package that calls `.remote()`."""
