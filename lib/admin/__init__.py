"""What the operator sees and does: `python -m lib.admin`. Each act is logged with it."""
