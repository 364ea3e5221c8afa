-- Removes the record, KEYS[1], if it is live and still of the same subject. ARGV: the subject, the present. Answers the
-- record, or nothing.
local head = redis.call('GETRANGE', KEYS[1], 0, 57)
local is_owned = #head == 58 and string.sub(head, 1, 2) == '\1\1' and string.sub(head, 43, 58) == ARGV[1]
if not is_owned or struct.unpack('>I8', head, 35) <= tonumber(ARGV[2]) then
    return false
end
local record = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
return record
