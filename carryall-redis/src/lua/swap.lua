-- Compare-and-swap of the index of a subject, KEYS[1]. ARGV: what it should be, what it is to be, and when the server
-- may sweep that. Answers 1 if it was as it should be, else 0.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
    return 0
end
keep(KEYS[1], ARGV[2], ARGV[3])
return 1
