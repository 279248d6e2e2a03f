"""Your own sample: a description written from its files, and what is wrong with it before anything runs."""

from .checking import Finding, Outlook, Report, check_samples
from .describing import describe_files

__all__ = ["Finding", "Outlook", "Report", "check_samples", "describe_files"]
