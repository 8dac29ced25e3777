"""The bundled layout and table models: a docling plugin that needs no model hub and imports nothing of docfleet."""
