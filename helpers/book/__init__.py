"""What turns results into pages: figures, the ledger, and the pages themselves. The three share nothing."""
