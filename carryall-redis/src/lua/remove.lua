-- Removes the record, KEYS[1], whatever it is. ARGV: the present, and what keys of indexes begin with if they are on this
-- server. Answers 1 if there was a live one, else 0, and whose it was, if it was anybody's.
local head = redis.call('GETRANGE', KEYS[1], 0, 57)
local is_live = #head >= 42 and struct.unpack('>I8', head, 35) > tonumber(ARGV[1])
redis.call('DEL', KEYS[1])
local owner = string.sub(head, 1, 2) == '\1\1' and string.sub(head, 43) or ''
if ARGV[2] and #owner == 16 then
    drop(ARGV[2] .. owner, {[string.sub(KEYS[1], -16)] = true})
end
return {is_live and 1 or 0, owner}
