/**
 * Inserts transactions ($2-$10, $20) with their entries ($11-$15) and adds what has changed to the accounts ($16-$19), in one
 * statement, so that a transaction is never there without its entries. Accounts of wallets exist and are locked by then.
 *
 * A transaction is reported under the month in which what it is for happened ($20). That is reckoned outside: the database
 * has time zones of its own, whose edition may be another one than that by which months begin and end everywhere else.
 * Months are closed in order and without a gap, so what is of the last closed one, or of any before, is reported under the one
 * after it.
 */
export const POST = `
with given as materialized (
  select unnest($2::text[]) as id, unnest($3::text[]) as kind, unnest($4::text[]) as reference,
    unnest($5::timestamptz[]) as occurred_at, unnest($6::text[]) as event_id, unnest($7::text[]) as lease_id,
    unnest($8::text[]) as note, unnest($9::text[]) as actor_id, unnest($10::text[]) as actor_name,
    unnest($20::text[]) as own
), months as (
  select own, case when own <= closed.last
    then to_char(to_date(closed.last, 'YYYY-MM') + interval '1 month', 'YYYY-MM') else own end as month
  from (select distinct own from given) as days
  cross join (select max(month) as last from ledger_months where org_id = $1) as closed
), posted as (
  insert into ledger_transactions (
    org_id, id, kind, reference, occurred_at, posted_at, month, late_from, event_id, lease_id, note, actor_id, actor_name)
  select $1, id, kind, reference, occurred_at, statement_timestamp(), month, nullif(own, month), event_id, lease_id, note,
    actor_id, actor_name
  from given join months using (own)
), moved as (
  insert into ledger_entries (
    org_id, transaction_id, account_id, amount_nano_usd, position, balance_after_nano_usd)
  select $1, unnest($11::text[]), unnest($12::text[]), unnest($13::bigint[]), unnest($14::bigint[]), unnest($15::bigint[])
), changes as materialized (
  select unnest($16::text[]) as id, unnest($17::text[])::numeric as amount, unnest($18::text[])::numeric as received,
    unnest($19::bigint[]) as place
), wallets as (
  update ledger_accounts as a set
    balance_nano_usd = a.balance_nano_usd + c.amount,
    received_nano_usd = a.received_nano_usd + c.received,
    position = greatest(a.position, c.place)
  from changes as c
  where a.org_id = $1 and a.id = c.id and a.kind in ('wallet', 'held')
)
insert into ledger_accounts as a (org_id, id, kind, balance_nano_usd)
select $1, id, id, amount from changes where id in ('funding', 'spend', 'unfunded') order by id
on conflict (org_id, id) do update set balance_nano_usd = a.balance_nano_usd + excluded.balance_nano_usd`
