"""docling-serve's API, version 1: translates its requests into jobs, and jobs into its answers. It keeps no state."""
