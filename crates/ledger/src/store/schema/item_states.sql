-- Every item, with how far it has got. Each connection makes this view for itself: SQLite looks over a
-- database less thoroughly that has a view in its own schema.
CREATE TEMP VIEW item_states AS
SELECT items.job, items.item, items.run, items.queue, items.mapping, items.directory, items.name,
    items.target_name, items.kind, items.action, items.source,
    coalesce(ends.state, 'planned') AS state, ends.record, ends.position, ends.kept,
    coalesce(ends.is_incomplete, 0) AS is_incomplete
FROM items LEFT JOIN ends ON ends.job = items.job AND ends.item = items.item;
