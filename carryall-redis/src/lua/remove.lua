-- Removes the record, KEYS[1], whatever it is. ARGV: the present. Answers 1 if there was a live one, else 0, and whose
-- it was, if it was anybody's.
local head = redis.call('GETRANGE', KEYS[1], 0, 57)
local is_live = #head >= 42 and struct.unpack('>I8', head, 35) > tonumber(ARGV[1])
redis.call('DEL', KEYS[1])
return {is_live and 1 or 0, string.sub(head, 1, 2) == '\1\1' and string.sub(head, 43) or ''}
