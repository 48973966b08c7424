"""Training: objectives (loss and metrics per task), inputs, the loop, checkpoints, devices, files."""
