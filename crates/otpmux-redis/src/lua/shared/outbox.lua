-- The outbox: for each endpoint a hash of the events that wait, by their ids; their ids sorted by when
-- they happened; and their ids sorted by when their next try is due. An event is: when it happened (6
-- bytes), the tries that failed (4), why it happened, as a field, and what it says. When it is due is only in
-- the sorted set, so that a lease rewrites no event.
-- All three keys are kept while a process asks for the events (`events_due.lua`): they expire a month
-- after the last one, so those of an endpoint that no configuration names any more go.
--
-- What is known about endpoints is one hash, by their names: the first letter of the state, and since
-- when the endpoint fails (6 bytes; zeros: it does not). It never expires: a paused endpoint stays paused.
-- One that is on and has never failed is not there.

local function put(prefix, endpoint, id, says, why)
  local event = stamp .. '\0\0\0\0' .. packed(why) .. says
  local events = prefix .. 'E' .. endpoint
  if redis.call('HSETNX', events, id, event) == 1 then
    local ages, dues = prefix .. 'A' .. endpoint, prefix .. 'U' .. endpoint
    -- Redis would format the number twice.
    local time = string.format('%d', now)
    redis.call('ZADD', ages, time, id)
    redis.call('ZADD', dues, time, id)
    if redis.call('PTTL', events) < EVENTS_KEPT / 2 then
      redis.call('PEXPIRE', events, EVENTS_KEPT)
      redis.call('PEXPIRE', ages, EVENTS_KEPT)
      redis.call('PEXPIRE', dues, EVENTS_KEPT)
    end
  end
end
