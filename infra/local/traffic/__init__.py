"""Mixed traffic through the deployed pipeline, over HTTP alone, and what must hold when it is over."""
