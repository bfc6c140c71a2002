"""The one-machine stand-in for Stripe: the calls we make, pages to click, signed webhooks.

It keeps state and is driven by the stock client. Shapes and rules: https://docs.stripe.com/api
"""
