-- Replaces the part of a text from one position to before another.
local function replace(text, from, to, bytes)
  return string.sub(text, 1, from - 1) .. bytes .. string.sub(text, to)
end

-- Writes a record. Its key keeps its time to live here and at every later write.
local function write(key, text)
  redis.call('SET', key, text, 'KEEPTTL')
end
