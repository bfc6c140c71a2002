"""What an operator runs against a deployment: `make supabase-setup` and `make doctor`.

Pure functions decide what should be and what is wrong; one module each reads and writes the world.
Nothing here is part of a function.
"""
