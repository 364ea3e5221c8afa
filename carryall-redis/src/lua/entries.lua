-- The index of a subject: 32 bytes for each of its records, as drawn in `index.rs`.
local function millis()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function keep(key, index, last)
    if index == '' then
        redis.call('DEL', key)
    else
        redis.call('SET', key, index, 'PXAT', string.format('%.0f', last))
    end
end

-- Drops these entries, or those of the records with these keys.
local function drop(key, unwanted)
    local kept, last = {}, 0
    local index = redis.call('GET', key) or ''
    for at = 1, #index, 32 do
        local entry = string.sub(index, at, at + 31)
        if not unwanted[entry] and not unwanted[string.sub(entry, 1, 16)] then
            kept[#kept + 1] = entry
            last = math.max(last, (struct.unpack('>I6', entry, 17)))
        end
    end
    keep(key, table.concat(kept), last)
end

-- Adds an entry, or what is later in it to the one of the same record, so that it is never the same bytes as before; a
-- commit may be under way for so many milliseconds. Drops entries that are over, and now and then, when there are many,
-- those of which `is_gone` says so. Answers until when a commit may be under way, and how many entries there are.
local function add(key, entry, hold, is_gone)
    local now, kept = millis(), {}
    local own, deadline, open, version = struct.unpack('>c16I6I6I4', entry)
    open = now + hold
    local last, index = deadline, redis.call('GET', key) or ''
    local count = #index / 32 + 1
    local is_time = count >= 16 and math.frexp(count) == 0.5
    for at = 1, #index, 32 do
        local other, until_then, until_open, expected = struct.unpack('>c16I6I6I4', index, at)
        if other == own then
            deadline, open = math.max(deadline, until_then), math.max(open, until_open + 1)
            version = math.max(version, expected)
            last = math.max(last, deadline)
        elseif until_then > now and (until_open > now or not is_time or not is_gone(other)) then
            kept[#kept + 1] = string.sub(index, at, at + 31)
            last = math.max(last, until_then)
        end
    end
    kept[#kept + 1] = struct.pack('>c16I6I6I4', own, deadline, open, version)
    keep(key, table.concat(kept), last)
    return open, #kept
end
