"""From a volume to atoms: tracing, classification, refinement (to come)."""
