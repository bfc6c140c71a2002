-- What was given back of an invoice that was paid.
alter table app.invoices add column refunded_cents bigint not null default 0;
