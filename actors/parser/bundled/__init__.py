"""The bundled models as a docling plugin: layout and tables without a model hub. Knows nothing of the rest."""
