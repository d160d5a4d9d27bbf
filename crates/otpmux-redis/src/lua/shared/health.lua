-- What processes tell each other about providers: a hash of one field for each, which holds the
-- time of the mark in milliseconds, a space, and the mark, which no script looks into.

local function take_news()
  local news = {}
  for i = 1, number() do
    local provider = text()
    local at = text()
    news[i] = {provider = provider, at = at, mark = text()}
  end
  return news
end

-- The time of a mark, and the mark; nothing when it cannot be read.
local function parts(value)
  local at, mark = string.match(value, '^(%d+) (.*)$')
  return tonumber(at), mark
end

local function counts(value)
  local at = parts(value)
  return at and now < at + HEALTH_KEPT
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

-- The marks that count.
local function marks(key)
  local known = {}
  for _, value in ipairs(redis.call('HVALS', key)) do
    if counts(value) then
      local _, mark = parts(value)
      known[#known + 1] = mark
    end
  end
  return known
end
