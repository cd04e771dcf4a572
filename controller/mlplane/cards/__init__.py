"""Model cards and comparisons: what reports say, as Markdown, as plots and as differences.

Pure, from typed objects and reports to text and bytes; ``cli`` fetches, writes and prints.
"""
