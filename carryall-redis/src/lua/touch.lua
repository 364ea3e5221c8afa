-- Moves `seen` and `expires` forward, the latter at most to `latest`, in place. KEYS[1]: the record. ARGV: the two
-- instants, 8 bytes each; the present; how much later than `expires` the server may sweep it. Answers 1 if there is a
-- record, else 0. Instants are handed on as bytes, so that none is rounded.
local head = redis.call('GETRANGE', KEYS[1], 0, 41)
if head ~= '' and (#head < 42 or string.byte(head) ~= 1) then
    return redis.error_reply('CORRUPT the key holds something that is no record')
end
local function number(bytes)
    return (struct.unpack('>I8', bytes))
end
local latest, seen, expires = string.sub(head, 19, 26), string.sub(head, 27, 34), string.sub(head, 35, 42)
if head == '' or number(expires) <= tonumber(ARGV[3]) then
    return 0
end
local later = number(ARGV[2]) < number(latest) and ARGV[2] or latest
if number(ARGV[1]) > number(seen) then
    seen = ARGV[1]
end
if number(later) > number(expires) then
    expires = later
end
redis.call('SETRANGE', KEYS[1], 26, seen .. expires)
local sweep = math.min(number(expires) + tonumber(ARGV[4]), 9007199254740991)
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', sweep))
return 1
