-- Writes the health updates of a process: the argument at `at`, in the form of the key. Keeps an update
-- that is not older than the known one, and removes expired ones, and the oldest of too many.
local function learn(key, at)
  local of = {}
  local function add(text)
    local place = 1
    while text and place <= #text do
      local name, time, update, after = update_at(text, place)
      local known = of[name]
      if not (known and known[1] > time) then
        of[name] = {time, name, update}
      end
      place = after
    end
  end
  add(redis.call('GET', key))
  add(ARGV[at])
  local by_provider = {}
  for name, update in pairs(of) do
    if now < update[1] + HEALTH_TTL then
      local provider = string.sub(name, 1, -9)
      local updates = by_provider[provider] or {}
      by_provider[provider], updates[#updates + 1] = updates, update
    end
  end
  local text = {}
  for _, updates in pairs(by_provider) do
    table.sort(updates, function(a, b)
      return a[1] > b[1] or a[1] == b[1] and a[2] > b[2]
    end)
    for i = 1, math.min(#updates, HEALTH_UPDATES_KEPT) do
      local time, name, update = unpack(updates[i])
      text[#text + 1] = packed(name) .. packed(struct.pack('>I6', time) .. update)
    end
  end
  redis.call('SET', key, table.concat(text), 'PX', HEALTH_TTL)
end
