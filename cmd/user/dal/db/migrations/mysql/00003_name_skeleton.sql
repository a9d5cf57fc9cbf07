-- +goose Up
-- What a name has in common with names that look like it (pkg/names): one of them is enough. Rows of before are filled in by the
-- service, oldest first; a name that looks like an older one keeps its NULL, and its account.
ALTER TABLE users ADD COLUMN name_skeleton VARBINARY(32) NULL;
ALTER TABLE users ADD UNIQUE KEY users_name_skeleton (name_skeleton);

-- +goose Down
ALTER TABLE users DROP KEY users_name_skeleton;
ALTER TABLE users DROP COLUMN name_skeleton;
