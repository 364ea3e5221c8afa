-- Answers the present and the index of a subject, KEYS[1].
return {millis(), redis.call('GET', KEYS[1]) or ''}
