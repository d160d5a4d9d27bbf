-- KEYS: what is known about endpoints.
-- ARGV from 2: the endpoint; the most that are returned. Returns of each the endpoint, its id, and itself.
local endpoint, prefix = ARGV[2], string.sub(KEYS[1], 1, -1 - #'endpoints')
local answer = {'events'}
if ARGV[3] ~= '0' then
  for _, id in ipairs(redis.call('ZRANGE', prefix .. 'A' .. endpoint, 0, ARGV[3] - 1)) do
    local event = redis.call('HGET', prefix .. 'E' .. endpoint, id)
    if event then
      local at = #answer
      answer[at + 1], answer[at + 2], answer[at + 3] = endpoint, id, event
    end
  end
end
return answer
