"""What Stripe does by itself: periods, invoices, payments, changes of plan, renewals."""
