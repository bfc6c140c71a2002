-- When the last sweep came to its end: what the status page tells.
create table app.last_sweep (
  one boolean primary key default true check (one),
  ended_at timestamptz not null
);
alter table app.last_sweep enable row level security;
