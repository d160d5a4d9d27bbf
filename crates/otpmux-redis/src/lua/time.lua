-- KEYS: one that no script reads.
local time = redis.call('TIME')
return {'time', time[1] * 1000 + math.floor(time[2] / 1000)}
