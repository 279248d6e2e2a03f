"""From notebooks to pages: run them, keep them in order, draw stored figures, and build the book."""
