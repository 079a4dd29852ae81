-- purpose: hours that got journals from transactions that no run has seen, the first `limit` journals of them
-- grain: an hour, with how many journals it got and the last transaction that wrote one
-- parameters: seen_below, below, limit
SELECT date_trunc('hour', w.event_at, 'UTC') AS hour_start, count(*) AS journals,
       max(w.created_xid::text::bigint) AS last_xid
FROM (SELECT event_at, created_xid FROM journals
      WHERE created_xid >= %(seen_below)s::text::xid8 AND created_xid < %(below)s::text::xid8
      ORDER BY created_xid LIMIT %(limit)s) AS w
GROUP BY 1
