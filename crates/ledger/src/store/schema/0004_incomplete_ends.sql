-- Version 4: of items that ended well it is told apart whether something was not kept of them that could have
-- been. The audit log has that too, as a warning that has `failed`; to look for them there would be to read all of it.

ALTER TABLE ends ADD COLUMN is_incomplete INTEGER NOT NULL DEFAULT 0;

UPDATE ends SET is_incomplete = 1
WHERE state IN ('ok', 'damaged', 'undone') AND (job, record, position) IN (
    SELECT audit.job, audit.record, item.key
    FROM audit, json_each(CASE WHEN json_valid(audit.body) THEN audit.body ELSE '{}' END, '$.items') AS item
    WHERE instr(audit.body, '"failed":true') > 0
        AND EXISTS (SELECT 1 FROM json_each(item.value, '$.metadata_warnings') AS warning
                    WHERE json_extract(warning.value, '$.failed'))
);

CREATE INDEX ends_incomplete ON ends (job, item) WHERE is_incomplete;
