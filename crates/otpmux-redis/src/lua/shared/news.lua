-- What a process has learnt about providers.

local function take_news()
  local news = {}
  for i = 1, text() do
    local provider = text()
    local at = text()
    news[i] = {provider = provider, at = at, mark = text()}
  end
  return news
end

-- Writes down what is not older than what is known, and drops what nobody is told any more.
local function learn(key, news)
  if #news == 0 then
    return
  end
  for _, new in ipairs(news) do
    local known = redis.call('HGET', key, new.provider)
    local at = known and parts(known)
    if not at or at <= tonumber(new.at) then
      redis.call('HSET', key, new.provider, new.at .. ' ' .. new.mark)
    end
  end
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    if not counts(all[i + 1]) then
      redis.call('HDEL', key, all[i])
    end
  end
  redis.call('PEXPIRE', key, HEALTH_KEPT)
end
