-- Who signs out everywhere is signed out everywhere at once: access tokens, which live an hour, are
-- not taken any more when they were issued before.
alter table app.accounts add column sessions_ended_at timestamptz;
