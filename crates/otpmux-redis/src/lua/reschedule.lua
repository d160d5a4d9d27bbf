-- KEYS: the record.
-- ARGV from 2: how many steps of escalation began or were passed over (1 byte), how many there are from
-- now on (1), and when it is due (6 bytes; zeros: never); the entries of skips.
local text = read(KEYS[1])
if text then
  local step, next_step, due = struct.unpack('>BBc6', ARGV[2])
  local _, after, steps = watch_of(text)
  if steps == step then
    write(KEYS[1], with_watch(text, due, after, next_step) .. ARGV[3])
    follow(KEYS[1], due)
  end
end
return 'done'
