-- Adds a record to the index of a subject, KEYS[1], before it is written elsewhere. ARGV: the entry, and for how many
-- milliseconds the commit may be under way. Answers until when, and how many entries there are.
return {add(KEYS[1], ARGV[1], tonumber(ARGV[2]), function() return false end)}
