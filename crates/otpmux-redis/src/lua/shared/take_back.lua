-- Takes back the newest hit of this time, if there is one.
local function take_back(key, at)
  local log = redis.call('GET', key)
  for place = log and #log - 5 or 0, 1, -6 do
    if string.sub(log, place, place + 5) == at then
      log = string.sub(log, 1, place - 1) .. string.sub(log, place + 6)
      if log == '' then
        redis.call('DEL', key)
      else
        redis.call('SET', key, log, 'KEEPTTL')
      end
      return
    end
  end
end
