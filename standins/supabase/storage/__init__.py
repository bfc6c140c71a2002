"""The one-machine stand-in for Supabase Storage."""

from standins.supabase.storage.app import create_app

__all__ = ["create_app"]
