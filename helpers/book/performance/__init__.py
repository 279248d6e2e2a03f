"""The page on performance: what ``make bench`` recorded, as tables, figures and sentences."""
