-- name: insert_pool
INSERT INTO pool (id, name, asset, exponent, created_by) VALUES ($1, $2, $3, $4, $5)

-- name: read_pool
SELECT pool.id, pool.name, pool.asset, pool.exponent::int AS exponent, balances.*, pool.created_at
FROM pool, LATERAL (
    SELECT max(balance) FILTER (WHERE name = 'available') AS available,
        max(balance) FILTER (WHERE name = 'reserved') AS reserved,
        max(balance) FILTER (WHERE name = 'paid') AS paid,
        max(balance) FILTER (WHERE name = 'fees') AS fees,
        max(balance) FILTER (WHERE name = 'suspense') AS suspense,
        -sum(balance) FILTER (WHERE name NOT IN ('available', 'reserved', 'paid', 'fees', 'suspense')) AS funded
    FROM account WHERE account.pool_id = pool.id) AS balances
WHERE pool.id = $1

-- name: list_pools
SELECT pool.id, pool.name, pool.asset, pool.exponent::int AS exponent, balances.*, pool.created_at
FROM pool, LATERAL (
    SELECT max(balance) FILTER (WHERE name = 'available') AS available,
        max(balance) FILTER (WHERE name = 'reserved') AS reserved,
        max(balance) FILTER (WHERE name = 'paid') AS paid,
        max(balance) FILTER (WHERE name = 'fees') AS fees,
        max(balance) FILTER (WHERE name = 'suspense') AS suspense,
        -sum(balance) FILTER (WHERE name NOT IN ('available', 'reserved', 'paid', 'fees', 'suspense')) AS funded
    FROM account WHERE account.pool_id = pool.id) AS balances
WHERE $1::uuid IS NULL OR pool.id > $1 ORDER BY pool.id LIMIT $2

-- name: available_by_pool
SELECT pool.name, account.balance AS available FROM pool JOIN account ON account.pool_id = pool.id
WHERE account.name = 'available'

-- name: pools_by_name
SELECT name, id, asset FROM pool

-- name: accounts_against_transfers
-- Accounts whose balance is not the sum of their transfers.
SELECT account.pool_id, account.name::text AS name, account.balance, COALESCE(sum(moved.amount), 0) AS transfers
FROM account LEFT JOIN (
    SELECT pool_id, debit::text AS name, -amount AS amount FROM transfer
    UNION ALL SELECT pool_id, credit::text, amount FROM transfer) AS moved
    ON moved.pool_id = account.pool_id AND moved.name = account.name::text
GROUP BY account.pool_id, account.name, account.balance
HAVING account.balance <> COALESCE(sum(moved.amount), 0)

-- name: pools_out_of_balance
SELECT pool_id, sum(balance) AS difference FROM account GROUP BY pool_id HAVING sum(balance) <> 0

-- name: reservations_against_payouts
-- Pools whose reserved account is not what their payouts say they hold.
SELECT account.pool_id, account.balance, COALESCE(sum(payout.reserved), 0) AS payouts
FROM account LEFT JOIN payout ON payout.pool_id = account.pool_id
WHERE account.name = 'reserved'
GROUP BY account.pool_id, account.balance HAVING account.balance <> COALESCE(sum(payout.reserved), 0)

-- name: paid_against_payouts
-- Pools whose paid account is not the sum of their paid payouts.
SELECT account.pool_id, account.balance, COALESCE(sum(payout.amount), 0) AS payouts
FROM account LEFT JOIN payout ON payout.pool_id = account.pool_id AND payout.state = 'paid'
WHERE account.name = 'paid'
GROUP BY account.pool_id, account.balance HAVING account.balance <> COALESCE(sum(payout.amount), 0)

-- name: suspense_open
SELECT pool_id, balance FROM account WHERE name = 'suspense' AND balance <> 0

-- name: payouts_without_history
SELECT payout.id FROM payout
WHERE payout.version <> (SELECT count(*) FROM event WHERE subject_id = payout.id) LIMIT 20

-- name: ensure_pools
-- Pools that the configuration names exist, empty, from the first start on.
WITH made AS (
    INSERT INTO pool (id, name, asset, exponent, created_by)
    SELECT id, name, asset, exponent, $5 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[])
        AS row (id, name, asset, exponent)
    ON CONFLICT (name) DO NOTHING RETURNING id, name, asset
)
INSERT INTO event (subject_id, version, type, data, actor, origin)
SELECT id, 1, 'pool.created', jsonb_build_object('name', name, 'asset', asset), $5, 'start' FROM made
