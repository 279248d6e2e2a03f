"""What turns results into pages: figures, the ledger, running notebooks, and the Sphinx extension."""
