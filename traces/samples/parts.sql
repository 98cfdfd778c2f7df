CREATE TABLE parts(id INTEGER PRIMARY KEY, name TEXT, weight REAL, tags TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
INSERT INTO parts SELECT i, printf('part-%05d', i * 7919 % 3000), i * 0.37, hex(randomblob(i % 90)) FROM n;
CREATE INDEX parts_name ON parts(name);
SELECT count(*), avg(weight) FROM parts WHERE name LIKE 'part-01%';
SELECT a.name, b.name FROM parts a JOIN parts b ON a.id = b.id + 1 WHERE a.weight > 900 ORDER BY b.name DESC LIMIT 5;
SELECT length(group_concat(tags, ',')) FROM parts;
SELECT json_group_array(json_object('id', id, 'tags', substr(tags, 1, 20))) IS NOT NULL FROM parts;
DELETE FROM parts WHERE id % 3 = 0;
UPDATE parts SET tags = tags || name WHERE id % 5 = 0;
VACUUM;
SELECT count(*) FROM parts;
