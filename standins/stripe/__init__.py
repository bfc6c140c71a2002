"""The one-machine stand-in for Stripe: the calls we make, its pages, and its webhooks."""
