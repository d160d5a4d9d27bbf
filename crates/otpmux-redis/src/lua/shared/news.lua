-- What a process has learnt about providers: among the arguments from `at` on, each a provider,
-- the time of its mark, and the mark. Writes down what is not older than what is known, and
-- drops what nobody is told any more.
local function learn(key, at)
  for i = at, #ARGV do
    local provider, time, mark = string.match(ARGV[i], '^(%S+) (%d+) (.*)$')
    local known = redis.call('HGET', key, provider)
    local known_time = known and parts(known)
    if not known_time or known_time <= tonumber(time) then
      redis.call('HSET', key, provider, time .. ' ' .. mark)
    end
  end
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    if not parts(all[i + 1]) then
      redis.call('HDEL', key, all[i])
    end
  end
  redis.call('PEXPIRE', key, HEALTH_KEPT)
end
