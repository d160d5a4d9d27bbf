-- Writes the health updates of a process: the arguments from `at` on, each a provider, the process,
-- the time of its update, and the update. Keeps an update that is not older than the known one, and
-- removes expired ones, and the oldest of too many.
local function learn(key, at)
  for i = at, #ARGV do
    local field, time, update = string.match(ARGV[i], '^(%S+ %x+) (%d+) (.*)$')
    local known = redis.call('HGET', key, field)
    local known_time = known and parts(known)
    if not known_time or known_time <= tonumber(time) then
      redis.call('HSET', key, field, time .. ' ' .. update)
    end
  end
  local all, of = redis.call('HGETALL', key), {}
  for i = 1, #all, 2 do
    local time = parts(all[i + 1])
    if time then
      local provider, process = string.match(all[i], '^(%S+) (%x+)$')
      local updates = of[provider] or {}
      of[provider], updates[#updates + 1] = updates, {time, process, all[i]}
    else
      redis.call('HDEL', key, all[i])
    end
  end
  for _, updates in pairs(of) do
    table.sort(updates, function(a, b)
      return a[1] > b[1] or a[1] == b[1] and a[2] > b[2]
    end)
    for i = HEALTH_UPDATES_KEPT + 1, #updates do
      redis.call('HDEL', key, updates[i][3])
    end
  end
  redis.call('PEXPIRE', key, HEALTH_TTL)
end
