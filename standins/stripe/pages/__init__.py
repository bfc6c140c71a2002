"""What a person sees at Stripe: Checkout, the customer portal, an invoice."""
