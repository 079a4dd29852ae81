-- purpose: how large hours are, and how far they have been said
-- grain: an hour that begins before it is covered: never less far than it has been said
-- parameters: hours (array), until
SELECT h.hour_start, said.covers_until AS said_until, cover.covers_until,
       (SELECT count(*) FROM journals AS j
        WHERE j.event_at >= h.hour_start AND j.event_at < cover.covers_until) AS journals
FROM unnest(%(hours)s::timestamptz[]) AS h (hour_start)
CROSS JOIN LATERAL (
    SELECT max(r.covers_until) AS covers_until FROM control_revisions AS r WHERE r.hour_start = h.hour_start) AS said
CROSS JOIN LATERAL (
    SELECT greatest(said.covers_until, least(h.hour_start + interval '1 hour', %(until)s)) AS covers_until) AS cover
WHERE cover.covers_until > h.hour_start
ORDER BY h.hour_start
