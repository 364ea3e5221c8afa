-- Drops entries from the index of a subject, KEYS[1]. ARGV: whole entries, or keys of records.
local unwanted = {}
for _, entry in ipairs(ARGV) do
    unwanted[entry] = true
end
drop(KEYS[1], unwanted)
return 1
