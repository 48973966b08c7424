"""Spectra, counts in bins with spectral lines: generator, readers, files."""
