-- KEYS: what is known about endpoints. Returns of each its name, what is known, and how many events wait.
local prefix = string.sub(KEYS[1], 1, -1 - #'endpoints')
local answer, known = {'endpoints'}, redis.call('HGETALL', KEYS[1])
for i = 1, #known, 2 do
  local at = #answer
  answer[at + 1], answer[at + 2] = known[i], known[i + 1]
  answer[at + 3] = redis.call('ZCARD', prefix .. 'A' .. known[i])
end
return answer
