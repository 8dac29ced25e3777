"""Ray's edge: typed facades over the registry actor and the deployments. The only package with `.remote()`."""
