-- KEYS: the record of each send attempt; one record may be there twice.
-- ARGV[2]: for each its index (2 bytes), and as a field what an entry of its end holds after the index.
-- Each is a separate step: one that is gone or cannot be read leaves the others as they are.
local at = 1
for i = 1, #KEYS do
  local key, place = KEYS[i], struct.unpack('>I2', ARGV[2], at)
  local first, last = field(ARGV[2], at + 2)
  at = last + 1
  local readable, text = pcall(read, key)
  if readable and text then
    local states, states_end = field(text, ${fields.at})
    local where = states + place
    if where <= states_end then
      local letter = string.byte(text, where) < ${byte.lower} and 'A' or 'a'
      local entry = string.sub(ARGV[2], first, last)
      if entry == '\0\0\0' and string.byte(text, ${failed.at}) == 0 then
        redis.call('SETRANGE', key, where - 1, letter)
      else
        entry = 'E' .. packed(struct.pack('>I2', place) .. entry)
        -- A repeat adds nothing.
        if string.sub(text, -#entry) == entry then
          entry = ''
        end
        text = string.sub(text, 1, where - 1) .. letter .. string.sub(text, where + 1) .. entry
        redis.call('SET', key, text, 'KEEPTTL')
      end
    end
  end
end
return 'done'
