-- Takes back the newest hit of this time, if there is one.
local function take_back(key, at)
  local log, first = redis.call('GET', key), 1
  if log and string.byte(key, -1 - ${hash.width}) == ${byte.recipient} then
    -- The hits come after a field.
    local _, last = field(log, 1)
    first = last + 1
  end
  for place = log and #log - 5 or 0, first, -6 do
    if string.sub(log, place, place + 5) == at then
      log = string.sub(log, 1, place - 1) .. string.sub(log, place + 6)
      if log == '' or log == '\0' then
        redis.call('DEL', key)
      else
        redis.call('SET', key, log, 'KEEPTTL')
      end
      return
    end
  end
end
