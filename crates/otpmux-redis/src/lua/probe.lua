-- KEYS: one that no script reads.
-- A write that needs memory and is replicated, like a new verification: a Redis that refuses those
-- refuses this.
redis.call('SET', KEYS[1], ARGV[1], 'PX', '60000')
return 'written'
