-- A hot account's row is rewritten by each change: room on its page keeps its index as it is.
CREATE TABLE accounts (
  account text PRIMARY KEY,
  balance bigint NOT NULL CHECK (balance >= 0),
  seq bigint NOT NULL
) WITH (fillfactor = 20);

CREATE TABLE entries (
  account text NOT NULL,
  seq bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  amount bigint NOT NULL,
  balance_after bigint NOT NULL,
  payload json NOT NULL,
  PRIMARY KEY (account, seq)
);
