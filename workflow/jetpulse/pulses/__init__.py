"""Pulses in digitised waveforms: generator; pure functions on arrays."""
