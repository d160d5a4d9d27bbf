-- KEYS: what is known about endpoints.
-- ARGV from 2: the endpoint; the most that are returned. Returns of each its id, when it is due, in decimal, and
-- itself.
local endpoint, prefix = ARGV[2], string.sub(KEYS[1], 1, -1 - #'endpoints')
local events, dues = prefix .. 'E' .. endpoint, prefix .. 'U' .. endpoint
local answer = {'events'}
if ARGV[3] ~= '0' then
  for _, id in ipairs(redis.call('ZRANGE', prefix .. 'A' .. endpoint, 0, ARGV[3] - 1)) do
    local event, due = redis.call('HGET', events, id), redis.call('ZSCORE', dues, id)
    if event and due then
      local at = #answer
      answer[at + 1], answer[at + 2], answer[at + 3] = id, due, event
    end
  end
end
return answer
