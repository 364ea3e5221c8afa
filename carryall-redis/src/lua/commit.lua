-- Compare-and-swap. KEYS: the record, and the index of its subject if that is on this server. ARGV: the version it should
-- have, 8 bytes, or nothing if there should be no record; the new record; the present; when the server may sweep it; the
-- entry for the index; until when it may be done, if the index is elsewhere and has been told. Answers 1 if it was
-- written, the record that was in its way, 0 if there is none, 2 if the index has to be told first, 3 if it is too late.
local head = redis.call('GETRANGE', KEYS[1], 0, 57)
if head ~= '' and (#head < 42 or string.byte(head) ~= 1) then
    return redis.error_reply('CORRUPT the key holds something that is no record')
end
local is_live = head ~= '' and struct.unpack('>I8', head, 35) > tonumber(ARGV[3])
local version = is_live and string.sub(head, 3, 10) or ''
if version ~= ARGV[1] then
    return is_live and redis.call('GET', KEYS[1]) or 0
end
-- Whose it is, and for how long at most.
local function owned(record)
    return string.sub(record, 2, 2) .. string.sub(record, 19, 26) .. string.sub(record, 43, 58)
end
if string.byte(ARGV[2], 2) == 1 and not (is_live and owned(head) == owned(ARGV[2])) then
    if KEYS[2] then
        local prefix = string.sub(KEYS[1], 1, -17)
        add(KEYS[2], ARGV[5], 0, function(key) return redis.call('EXISTS', prefix .. key) == 0 end)
    elseif ARGV[6] == '' then
        return 2
    elseif millis() > tonumber(ARGV[6]) then
        return 3
    end
end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[4])
return 1
