-- KEYS: what is known about endpoints.
-- ARGV from 2: the names of those that are asked for. Returns of each what is known, or nothing, and how many
-- events wait.
local prefix = string.sub(KEYS[1], 1, -1 - #'endpoints')
local answer = {'endpoints'}
for i = 2, #ARGV do
  answer[#answer + 1] = redis.call('HGET', KEYS[1], ARGV[i]) or ''
  answer[#answer + 1] = redis.call('ZCARD', prefix .. 'A' .. ARGV[i])
end
return answer
