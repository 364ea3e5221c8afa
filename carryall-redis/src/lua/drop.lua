-- Drops entries from the index of a subject, KEYS[1]. ARGV: whole entries, or keys of records.
local unwanted, kept, last = {}, {}, 0
for _, entry in ipairs(ARGV) do
    unwanted[entry] = true
end
local index = redis.call('GET', KEYS[1]) or ''
for at = 1, #index, 32 do
    local entry = string.sub(index, at, at + 31)
    if not unwanted[entry] and not unwanted[string.sub(entry, 1, 16)] then
        kept[#kept + 1] = entry
        last = math.max(last, (struct.unpack('>I6', entry, 17)))
    end
end
keep(KEYS[1], table.concat(kept), last)
return 1
