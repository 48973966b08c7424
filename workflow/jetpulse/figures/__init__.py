"""Figures: one style, one function per figure; functions take arrays and return a matplotlib Figure."""
