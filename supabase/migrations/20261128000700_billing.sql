-- What we store of Stripe's state. No card, no address, no name.

create table app.subscriptions (
  account_id uuid primary key references app.accounts (id) on delete cascade,
  customer_id text not null unique,
  -- Null until something was bought, as are plan_id, status and period_end.
  subscription_id text,
  plan_id text references app.plans (id),
  status text,
  period_end timestamptz,
  cancel_at_period_end boolean not null default false,
  -- The smaller plan that begins with the next period.
  next_plan_id text references app.plans (id),
  -- Set when a payment fails: the plan stays until then.
  grace_until timestamptz,
  -- Each reading of Stripe's state has a number; none overwrites one that began later.
  reading bigint not null default 0,
  written bigint not null default 0
);
alter table app.subscriptions enable row level security;

-- Each event once. Not its body: we read the state that it is about from Stripe.
create table app.stripe_events (
  id text primary key,
  type text not null,
  customer_id text,
  created_at timestamptz not null,
  received_at timestamptz not null default now(),
  processed_at timestamptz,
  error text
);
create index stripe_events_open on app.stripe_events (received_at) where processed_at is null;
create index stripe_events_customer on app.stripe_events (customer_id);
alter table app.stripe_events enable row level security;

-- The law requires us to keep the amounts. An invoice outlives its account and no longer names it.
create table app.invoices (
  id text primary key,
  account_id uuid references app.accounts (id) on delete set null,
  number text,
  status text not null,
  currency text not null,
  amount_cents bigint not null,
  paid_cents bigint not null,
  refunded_cents bigint not null default 0,
  period_start timestamptz not null,
  period_end timestamptz not null,
  created_at timestamptz not null
);
create index invoices_account on app.invoices (account_id, created_at desc);
alter table app.invoices enable row level security;
