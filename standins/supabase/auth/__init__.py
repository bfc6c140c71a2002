"""The one-machine stand-in for Supabase Auth."""

from standins.supabase.auth.app import create_app

__all__ = ["create_app"]
