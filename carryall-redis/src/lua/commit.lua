-- Compare-and-swap. KEYS[1]: the record. ARGV: the version it should have, 8 bytes, or nothing if there should be no
-- record; the new record; the present; when the server may sweep it. Answers 1 if it was written, the record that
-- was in its way, or 0 if there is none.
local head = redis.call('GETRANGE', KEYS[1], 0, 41)
if head ~= '' and (#head < 42 or string.byte(head) ~= 1) then
    return redis.error_reply('CORRUPT the key holds something that is no record')
end
local is_live = head ~= '' and struct.unpack('>I8', head, 35) > tonumber(ARGV[3])
local version = is_live and string.sub(head, 3, 10) or ''
if version == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[4])
    return 1
end
return is_live and redis.call('GET', KEYS[1]) or 0
