-- The first argument of every script: the caller's time, in milliseconds since 1970. Others have
-- their places, which each script names. Arguments are few, and what belongs together is one, as
-- words that are apart by one space: Redis makes a table of them for every call. What is missing is
-- `-`. Times and counts that scripts only hand on stay texts, since Redis writes a number out again.
local now = tonumber(ARGV[1])
